package aggregate

import "github.com/plumbstore/plumb/compute/expression"

// extremes are least or greatest values.
type extremes[K key] struct {
	column int
	codec  codec[K]
	most   bool
	of     []extreme[K]
}

type extreme[K key] struct {
	value K
	has   bool
}

func newExtremes[K key](part Part, c codec[K]) *extremes[K] {
	return &extremes[K]{column: part.Column, codec: c, most: part.Kind == PartMax}
}

func (s *extremes[K]) Grow(places int) { s.of = grown(s.of, places) }

func (s *extremes[K]) Add(place int, events *Events, row int) {
	if column := events.Columns[s.column]; column.States[row] == expression.Present {
		s.offer(place, s.codec.of(column, row))
	}
}

func (s *extremes[K]) offer(place int, value K) {
	if s.wins(place, value) {
		s.of[place] = extreme[K]{s.codec.keep(value), true}
	}
}

func (s *extremes[K]) wins(place int, value K) bool {
	of := &s.of[place]
	if !of.has {
		return true
	}
	if s.most {
		return value > of.value
	}
	return value < of.value
}

func (s *extremes[K]) Merge(place int, from States, at int) {
	if other := from.(*extremes[K]).of[at]; other.has && s.wins(place, other.value) {
		s.of[place] = other
	}
}

// Subtract does not exist: the part is not invertible.
func (s *extremes[K]) Subtract(int, States, int) {}

func (s *extremes[K]) Reset(place int) { s.of[place] = extreme[K]{} }

func (s *extremes[K]) Bytes() int64 {
	total := int64(16 * cap(s.of))
	for _, of := range s.of {
		total += s.codec.size(of.value)
	}
	return total
}

func (s *extremes[K]) Append(dst []byte, place int) []byte {
	of := s.of[place]
	if !of.has {
		return append(dst, 0)
	}
	return s.codec.append(append(dst, 1), of.value)
}

func (s *extremes[K]) MergeBytes(place int, src []byte) (rest []byte, err error) {
	switch {
	case len(src) == 0 || src[0] > 1:
		return nil, errDamaged
	case src[0] == 0:
		return src[1:], nil
	}
	value, src, ok := s.codec.read(src[1:])
	if !ok {
		return nil, errDamaged
	}
	if s.wins(place, value) {
		s.of[place] = extreme[K]{value, true}
	}
	return src, nil
}
