package aggregate

import (
	"encoding/binary"
	"math"

	"github.com/plumbstore/plumb/compute/exact"
)

// A column has the states of one part at several places, such as tiles: a byte that says how many bytes each takes, and
// what the part writes of each with as many; or 0 and what Append writes of each. A column without places has no bytes.
//
// Numbers are mostly of the same size, and are read many times faster if all have the same number of bytes. Which form
// a column has depends on its states alone (R20).

// Run is how many states that follow each other go to one place.
type Run struct{ Place, Count int }

// AppendColumn appends the states of some places.
func AppendColumn(dst []byte, states States, places []int) []byte {
	if len(places) == 0 {
		return dst
	}
	if fixed, ok := states.(fixed); ok {
		if dst, ok := fixed.appendFixed(dst, places); ok {
			return dst
		}
	}
	dst = append(dst, 0)
	for _, place := range places {
		dst = states.Append(dst, place)
	}
	return dst
}

// MergeColumn adds the states of a column, of which there are as many as runs count, and returns what comes after it.
// Those that go to the place spare are passed over, and what is there is lost. It believes nothing, as MergeBytes does,
// but reads numbers that need not have as many bytes. After an error some of the states may have been added.
func MergeColumn(states States, runs []Run, spare int, src []byte) (rest []byte, err error) {
	switch {
	case len(runs) == 0:
		return src, nil
	case len(src) == 0:
		return nil, errDamaged
	case src[0] == 0:
		return mergeEach(states, runs, spare, src[1:])
	}
	if fixed, ok := states.(fixed); ok {
		return mergeFixed(fixed, runs, spare, src)
	}
	return nil, errDamaged
}

func mergeEach(states States, runs []Run, spare int, src []byte) (rest []byte, err error) {
	for _, run := range runs {
		for range run.Count {
			if run.Place == spare {
				states.Reset(spare)
			}
			if src, err = states.MergeBytes(run.Place, src); err != nil {
				return nil, err
			}
		}
	}
	return src, nil
}

func mergeFixed(states fixed, runs []Run, spare int, src []byte) (rest []byte, err error) {
	width := int(src[0])
	zeros, src, ok := states.fixedHead(width, src[1:])
	if !ok {
		return nil, errDamaged
	}
	for _, run := range runs {
		// Neither factor is so great that the product overflows: a width is a byte, and a column has fewer states than 2^55.
		size := run.Count * width
		if size > len(src) || run.Place != spare && !states.mergeFixed(run, width, zeros, src) {
			return nil, errDamaged
		}
		src = src[size:]
	}
	return src, nil
}

// fixed are states that can be written with as many bytes each.
type fixed interface {
	// appendFixed appends a column whose first byte is not 0. It is false if the states have no such form.
	appendFixed(dst []byte, places []int) ([]byte, bool)
	// fixedHead reads what a column has between its first byte, which was the width, and its states: how many zero bits
	// are below all of them. It is false if no column has that.
	fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool)
	// mergeFixed adds the states of a run, which src begins with. It is false if they are damaged.
	mergeFixed(run Run, width, zeros int, src []byte) bool
}

// countWidth holds all counts but exact.MostCount itself.
const countWidth = 6

// widthOf is how many bytes an unsigned integer takes, and at least 1.
func widthOf(number uint64) int {
	width := 1
	for number >>= 8; number > 0; number >>= 8 {
		width++
	}
	return width
}

func appendUnsigned(dst []byte, number uint64, width int) []byte {
	for range width {
		dst = append(dst, byte(number))
		number >>= 8
	}
	return dst
}

// unsigned is the integer of a width that lies at a place of src, which has it.
func unsigned(src []byte, at, width int) uint64 {
	unused := uint(64-8*width) & 63
	if len(src)-at >= 8 {
		return binary.LittleEndian.Uint64(src[at:]) << unused >> unused
	}
	var number uint64
	for i, b := range src[at : at+width] {
		number |= uint64(b) << (8 * i)
	}
	return number
}

// appendCounts appends a column of counts, which of returns by their place.
func appendCounts(dst []byte, places []int, of func(place int) int64) ([]byte, bool) {
	most := uint64(0)
	for _, place := range places {
		most = max(most, uint64(of(place)))
	}
	width := widthOf(most)
	if width > countWidth {
		return dst, false
	}
	dst = append(dst, byte(width))
	for _, place := range places {
		dst = appendUnsigned(dst, uint64(of(place)), width)
	}
	return dst, true
}

// sumOf is the sum of the counts that src begins with.
func sumOf(count, width int, src []byte) int64 {
	total, mask := uint64(0), uint64(1)<<(8*width)-1
	at, end := 0, count*width
	for ; at < end && at <= len(src)-8; at += width {
		total += binary.LittleEndian.Uint64(src[at:]) & mask
	}
	for ; at < end; at += width {
		total += unsigned(src, at, width)
	}
	return int64(total)
}

func (s *rows) appendFixed(dst []byte, places []int) ([]byte, bool) {
	return appendCounts(dst, places, func(place int) int64 { return s.of[place] })
}

func (s *rows) fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool) {
	return 0, src, width <= countWidth
}

func (s *rows) mergeFixed(run Run, width, _ int, src []byte) bool {
	s.of[run.Place] += sumOf(run.Count, width, src)
	return true
}

func (s *counts) appendFixed(dst []byte, places []int) ([]byte, bool) {
	for _, place := range places {
		if s.of[place].invalid != 0 {
			return dst, false
		}
	}
	return appendCounts(dst, places, func(place int) int64 { return s.of[place].present })
}

func (s *counts) fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool) {
	return 0, src, width <= countWidth
}

func (s *counts) mergeFixed(run Run, width, _ int, src []byte) bool {
	s.of[run.Place].present += sumOf(run.Count, width, src)
	return true
}

// Sums of doubles have the number of zero bits below all of them after the width.

func (s *doubles) appendFixed(dst []byte, places []int) ([]byte, bool) {
	form, ok := s.Fixed(places)
	if !ok {
		return dst, false
	}
	dst = binary.AppendUvarint(append(dst, byte(form.Width)), uint64(form.Zeros))
	for _, place := range places {
		dst = s.AppendFixed(dst, place, form)
	}
	return dst, true
}

func (s *doubles) fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool) {
	number, rest, ok := exact.Uvarint(src)
	return int(number), rest, ok && number <= math.MaxInt32 && s.Holds(exact.Fixed{Width: width, Zeros: int(number)})
}

func (s *doubles) mergeFixed(run Run, width, zeros int, src []byte) bool {
	return s.MergeFixed(run.Place, exact.Fixed{Width: width, Zeros: zeros}, src, run.Count)
}

func (s *integers) appendFixed(dst []byte, places []int) ([]byte, bool) {
	width := 1
	for _, place := range places {
		of := s.of[place]
		sign := uint64(of.High >> 63)
		if high := uint64(of.High) ^ sign; high != 0 {
			width = max(width, 8+widthOf(high<<1))
		} else {
			width = max(width, widthOfSigned(of.Low^sign))
		}
	}
	if width > exact.MostWidth {
		return dst, false
	}
	dst = append(dst, byte(width))
	for _, place := range places {
		of := s.of[place]
		dst = appendUnsigned(dst, of.Low, min(width, 8))
		dst = appendUnsigned(dst, uint64(of.High), max(width-8, 0))
	}
	return dst, true
}

// widthOfSigned is how many bytes an integer takes with its sign, which the given one is without.
func widthOfSigned(number uint64) int {
	if number>>63 != 0 {
		return 9
	}
	return widthOf(number << 1)
}

func (s *integers) fixedHead(width int, src []byte) (zeros int, rest []byte, ok bool) {
	return 0, src, width <= exact.MostWidth
}

func (s *integers) mergeFixed(run Run, width, _ int, src []byte) bool {
	sum := exact.SumFixed(src, width, run.Count)
	s.of[run.Place].Merge(exact.Int{Low: sum[0], High: int64(sum[1])})
	return true
}
