package aggregate

import (
	"encoding/binary"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// grown makes a slice at least as long as wanted, with room to grow.
func grown[T any](of []T, length int) []T {
	if more := length - len(of); more > 0 {
		return append(of, make([]T, more)...)
	}
	return of
}

// rows are how many events there are.
type rows struct{ of []int64 }

func (s *rows) Grow(places int)                         { s.of = grown(s.of, places) }
func (s *rows) Add(place int, _ *Events, _ int)         { s.of[place]++ }
func (s *rows) Merge(place int, from States, at int)    { s.of[place] += from.(*rows).of[at] }
func (s *rows) Subtract(place int, from States, at int) { s.of[place] -= from.(*rows).of[at] }
func (s *rows) Reset(place int)                         { s.of[place] = 0 }
func (s *rows) Bytes() int64                            { return 8 * int64(cap(s.of)) }
func (s *rows) Append(dst []byte, place int) []byte {
	return binary.AppendUvarint(dst, uint64(s.of[place]))
}

func (s *rows) MergeBytes(place int, src []byte) (rest []byte, err error) {
	count, src, ok := exact.Count(src)
	if !ok {
		return nil, errDamaged
	}
	s.of[place] += count
	return src, nil
}

// RowsOf is how many events a state of PartRows without groups has.
func RowsOf(states States, place int) int64 { return states.(*rows).of[place] }

// counts are how many events have a value in a column, and how many an invalid one.
type counts struct {
	column int
	of     []presence
}

type presence struct{ present, invalid int64 }

func (s *counts) Grow(places int) { s.of = grown(s.of, places) }

func (s *counts) Add(place int, events *Events, row int) {
	switch events.Columns[s.column].States[row] {
	case expression.Present:
		s.of[place].present++
	case expression.Invalid:
		s.of[place].invalid++
	}
}

func (s *counts) Merge(place int, from States, at int) {
	of, other := &s.of[place], &from.(*counts).of[at]
	of.present += other.present
	of.invalid += other.invalid
}

func (s *counts) Subtract(place int, from States, at int) {
	of, other := &s.of[place], &from.(*counts).of[at]
	of.present -= other.present
	of.invalid -= other.invalid
}

func (s *counts) Reset(place int) { s.of[place] = presence{} }
func (s *counts) Bytes() int64    { return 16 * int64(cap(s.of)) }

// Append writes the number of values and whether there are invalid ones as one integer, and then the number of those if
// there are any.
func (s *counts) Append(dst []byte, place int) []byte {
	of := s.of[place]
	if of.invalid == 0 {
		return binary.AppendUvarint(dst, uint64(of.present)<<1)
	}
	dst = binary.AppendUvarint(dst, uint64(of.present)<<1|1)
	return binary.AppendUvarint(dst, uint64(of.invalid))
}

func (s *counts) MergeBytes(place int, src []byte) (rest []byte, err error) {
	first, src, ok := exact.Uvarint(src)
	if !ok || first>>1 > exact.MostCount {
		return nil, errDamaged
	}
	var invalid int64
	if first&1 != 0 {
		if invalid, src, ok = exact.Count(src); !ok || invalid == 0 {
			return nil, errDamaged
		}
	}
	s.of[place].present += int64(first >> 1)
	s.of[place].invalid += invalid
	return src, nil
}
