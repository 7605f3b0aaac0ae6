package aggregate

import (
	"encoding/binary"
	"math/bits"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

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

// Only numbers have a form with as many bytes each, and only if each place has one.
func (s *extremes[K]) appendFixed(dst []byte, places []int) ([]byte, bool) {
	numbers, ok := any(s).(*extremes[uint64])
	if !ok {
		return dst, false
	}
	codec, most := numbers.codec.(words), uint64(0)
	for _, place := range places {
		if !s.of[place].has {
			return dst, false
		}
		most = max(most, codec.stored(numbers.of[place].value))
	}
	width := widthOf(most)
	dst = append(dst, byte(width))
	for _, place := range places {
		dst = appendUnsigned(dst, codec.stored(numbers.of[place].value), width)
	}
	return dst, true
}

func (s *extremes[K]) fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool) {
	_, isNumber := any(s).(*extremes[uint64])
	return 0, src, isNumber && width <= 8
}

func (s *extremes[K]) mergeFixed(run Run, width, _ int, src []byte) bool {
	numbers := any(s).(*extremes[uint64])
	if run.Count == 0 {
		return true
	}
	flip := uint64(0)
	if !s.most { // The least word is the greatest one of those with all bits inverted.
		flip = ^flip
	}
	best, ok := greatest(numbers.codec.(words), flip, run.Count, width, src)
	if ok && numbers.wins(run.Place, best^flip) {
		numbers.of[run.Place] = extreme[uint64]{best ^ flip, true}
	}
	return ok
}

// greatest is the greatest of a number of words that src begins with, of which the bits of flip are inverted.
func greatest(codec words, flip uint64, count, width int, src []byte) (best uint64, ok bool) {
	if codec.typ == plumbv1.Type_FLOAT64 {
		return greatestDouble(flip, count, width, src)
	}
	for i := range count {
		word, ok := codec.wordOf(unsigned(src, i*width, width))
		if !ok {
			return 0, false
		}
		best = max(best, word^flip)
	}
	return best, true
}

// greatestDouble is greatest for FLOAT64, which are the most usual values and do not need most of what wordOf checks.
func greatestDouble(flip uint64, count, width int, src []byte) (best uint64, ok bool) {
	mask, end := ^uint64(0)<<(64-8*width), count*width // The bytes of a width are the highest ones of a pattern.
	for at := 0; at < end; at += width {
		var pattern uint64
		if at <= len(src)-8 {
			pattern = binary.BigEndian.Uint64(src[at:]) & mask
		} else {
			pattern = bits.ReverseBytes64(unsigned(src, at, width))
		}
		if isNaN(pattern) && pattern != quietNaN {
			return 0, false
		}
		best = max(best, wordOfPattern(pattern)^flip)
	}
	return best, true
}
