package aggregate

import (
	"math/bits"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// integers are exact sums of integers.
type integers struct {
	column int
	of     []exact.Int
}

func (s *integers) Grow(places int) { s.of = grown(s.of, places) }

func (s *integers) Add(place int, events *Events, row int) {
	if column := events.Columns[s.column]; column.States[row] == expression.Present {
		s.of[place].Add(column.Ints[row])
	}
}

func (s *integers) Merge(place int, from States, at int) {
	s.of[place].Merge(from.(*integers).of[at])
}

func (s *integers) Subtract(place int, from States, at int) {
	s.of[place].Subtract(from.(*integers).of[at])
}

func (s *integers) Reset(place int) { s.of[place] = exact.Int{} }
func (s *integers) Bytes() int64    { return 16 * int64(cap(s.of)) }

// Append writes the number in zigzag order, which has a small number for one that is near to zero.
func (s *integers) Append(dst []byte, place int) []byte {
	of := s.of[place]
	sign := uint64(of.High >> 63)
	return appendWide(dst, [3]uint64{of.Low<<1 ^ sign, (uint64(of.High)<<1 | of.Low>>63) ^ sign})
}

func (s *integers) MergeBytes(place int, src []byte) (rest []byte, err error) {
	of, src, ok := readWide(src)
	if !ok || of[2] != 0 {
		return nil, errDamaged
	}
	sign := -(of[0] & 1)
	s.of[place].Merge(exact.Int{Low: (of[0]>>1 | of[1]<<63) ^ sign, High: int64(of[1]>>1 ^ sign)})
	return src, nil
}

// squares are exact sums of the squares of integers, of 192 bits.
type squares struct {
	column int
	of     [][3]uint64
}

func (s *squares) Grow(places int) { s.of = grown(s.of, places) }

func (s *squares) Add(place int, events *Events, row int) {
	if column := events.Columns[s.column]; column.States[row] == expression.Present {
		x := column.Ints[row]
		magnitude := uint64(x ^ x>>63 - x>>63)
		high, low := bits.Mul64(magnitude, magnitude)
		s.add(place, [3]uint64{low, high})
	}
}

func (s *squares) add(place int, x [3]uint64) {
	var carry uint64
	of := &s.of[place]
	of[0], carry = bits.Add64(of[0], x[0], 0)
	of[1], carry = bits.Add64(of[1], x[1], carry)
	of[2], _ = bits.Add64(of[2], x[2], carry)
}

func (s *squares) Merge(place int, from States, at int) { s.add(place, from.(*squares).of[at]) }

func (s *squares) Subtract(place int, from States, at int) {
	var borrow uint64
	of, x := &s.of[place], from.(*squares).of[at]
	of[0], borrow = bits.Sub64(of[0], x[0], 0)
	of[1], borrow = bits.Sub64(of[1], x[1], borrow)
	of[2], _ = bits.Sub64(of[2], x[2], borrow)
}

func (s *squares) Reset(place int)                     { s.of[place] = [3]uint64{} }
func (s *squares) Bytes() int64                        { return 24 * int64(cap(s.of)) }
func (s *squares) Append(dst []byte, place int) []byte { return appendWide(dst, s.of[place]) }

func (s *squares) MergeBytes(place int, src []byte) (rest []byte, err error) {
	of, src, ok := readWide(src)
	if !ok {
		return nil, errDamaged
	}
	s.add(place, of)
	return src, nil
}

// appendWide writes an unsigned integer of 192 bits: the number of its bytes, and the bytes, the lowest first.
func appendWide(dst []byte, of [3]uint64) []byte {
	length := 0
	for i, word := range of {
		if word != 0 {
			length = 8*i + (bits.Len64(word)+7)/8
		}
	}
	dst = append(dst, byte(length))
	for i := range length {
		dst = append(dst, byte(of[i/8]>>(i%8*8)))
	}
	return dst
}

func readWide(src []byte) (of [3]uint64, rest []byte, ok bool) {
	if len(src) == 0 || int(src[0]) > min(24, len(src)-1) {
		return of, nil, false
	}
	length := int(src[0])
	if length > 0 && src[length] == 0 {
		return of, nil, false
	}
	for i, b := range src[1 : 1+length] {
		of[i/8] |= uint64(b) << (i % 8 * 8)
	}
	return of, src[1+length:], true
}

// doubles are exact sums of doubles, or of their squares.
type doubles struct {
	column int
	*exact.Sums
}

func newDoubles(column int, square bool) *doubles {
	if square {
		return &doubles{column, exact.NewSquares()}
	}
	return &doubles{column, exact.NewSums()}
}

func (s *doubles) Add(place int, events *Events, row int) {
	if column := events.Columns[s.column]; column.States[row] == expression.Present {
		s.Sums.Add(place, column.Floats[row])
	}
}

func (s *doubles) Merge(place int, from States, at int) {
	s.Sums.Merge(place, from.(*doubles).Sums, at)
}

func (s *doubles) Subtract(place int, from States, at int) {
	s.Sums.Subtract(place, from.(*doubles).Sums, at)
}
