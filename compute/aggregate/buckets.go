package aggregate

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"

	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// buckets are log-linear histograms. A bucket has the values of one sign whose highest bits are the same: the highest
// one and some below it. So a bucket is at most 2^-bits as wide as its least value, and its middle is within 2^-bits/2
// of all its values.
type buckets struct {
	layout
	column  int
	integer bool
	of      [][]bucket
}

// bucket is how many values there are of those that have a number. Numbers are in R3's order. That of a value with a
// sign is minus one less that of the value without it.
type bucket struct {
	number int64
	count  int64
}

// layout says how many bits below the highest one tell the buckets apart.
type layout struct{ bits int }

const (
	// leastExponent is that of the least double, and mostExponent that of the greatest one.
	leastExponent = -1074
	mostExponent  = 1023
	// mostBits keeps the numbers of buckets far from overflow.
	mostBits = 40
)

// layoutOf has as few bits as keep the middle of a bucket within the relative error.
func layoutOf(relative float64) layout {
	of := layout{}
	for half := 0.5; half > relative && of.bits < mostBits; half /= 2 {
		of.bits++
	}
	return of
}

func newBuckets(part Part) *buckets {
	return &buckets{layout: layoutOf(part.Error), column: part.Column, integer: isInteger(part.Type)}
}

// Numbers of magnitudes are: 0 for zero, from 1 on those of finite ones, and then infinity and NaN.
func (l layout) infinity() int64   { return 1 + (mostExponent+1-leastExponent)<<l.bits }
func (l layout) notANumber() int64 { return l.infinity() + 1 }

// ofMagnitude is the number of the bucket of significand * 2^exponent.
func (l layout) ofMagnitude(significand uint64, exponent int) int64 {
	length := bits.Len64(significand)
	exponent += length - 1
	below := significand << (64 - length) << 1 >> (64 - l.bits)
	return 1 + int64(exponent-leastExponent)<<l.bits + int64(below)
}

func (l layout) ofFloat(x float64) int64 {
	pattern := math.Float64bits(x)
	exponent, significand := int(pattern>>52)&0x7ff, pattern&(1<<52-1)
	var number int64
	switch {
	case x != x:
		return l.notANumber()
	case exponent == 0x7ff:
		number = l.infinity()
	case exponent > 0:
		number = l.ofMagnitude(significand|1<<52, exponent-1+leastExponent)
	case significand > 0:
		number = l.ofMagnitude(significand, leastExponent)
	}
	if pattern>>63 != 0 {
		return -1 - number
	}
	return number
}

func (l layout) ofInteger(x int64) int64 {
	switch {
	case x > 0:
		return l.ofMagnitude(uint64(x), 0)
	case x < 0:
		return -1 - l.ofMagnitude(-uint64(x), 0)
	}
	return 0
}

// middle is the middle of a bucket: of the numbers in it, or of the integers in it, of which there may be one.
func (l layout) middle(number int64, integer bool) float64 {
	switch {
	case number < 0:
		return -l.middle(-1-number, integer)
	case number == 0:
		return 0
	case number == l.infinity():
		return math.Inf(1)
	case number > l.infinity():
		return math.Float64frombits(quietNaN)
	}
	number--
	exponent := int(number>>l.bits) + leastExponent
	least := math.Ldexp(float64(1<<l.bits|number&(1<<l.bits-1)), exponent-l.bits)
	width := math.Ldexp(1, exponent-l.bits)
	if integer {
		width = max(width, 1) - 1
	}
	return least + float64(width/2)
}

func (s *buckets) Grow(places int) { s.of = grown(s.of, places) }

func (s *buckets) Add(place int, events *Events, row int) {
	column := events.Columns[s.column]
	switch {
	case column.States[row] != expression.Present:
	case s.integer:
		s.add(place, s.ofInteger(column.Ints[row]), 1)
	default:
		s.add(place, s.ofFloat(column.Floats[row]), 1)
	}
}

func (s *buckets) add(place int, number, count int64) {
	of := s.of[place]
	at, found := slices.BinarySearchFunc(of, number, func(b bucket, number int64) int { return int(b.number - number) })
	switch {
	case !found:
		s.of[place] = slices.Insert(of, at, bucket{number, count})
	case of[at].count+count == 0:
		s.of[place] = slices.Delete(of, at, at+1)
	default:
		of[at].count += count
	}
}

func (s *buckets) Merge(place int, from States, at int) {
	other := from.(*buckets).of[at]
	if len(s.of[place]) == 0 {
		s.of[place] = append(s.of[place], other...)
		return
	}
	for _, each := range other {
		s.add(place, each.number, each.count)
	}
}

func (s *buckets) Subtract(place int, from States, at int) {
	for _, each := range from.(*buckets).of[at] {
		s.add(place, each.number, -each.count)
	}
}

func (s *buckets) Reset(place int) { s.of[place] = s.of[place][:0] }

func (s *buckets) Bytes() int64 {
	total := int64(24 * cap(s.of))
	for _, of := range s.of {
		total += int64(16 * cap(of))
	}
	return total
}

// Append writes the number of buckets, and of each how far its number is from that of the bucket before, and its count.
func (s *buckets) Append(dst []byte, place int) []byte {
	of := s.of[place]
	dst = binary.AppendUvarint(dst, uint64(len(of)))
	before := int64(0)
	for i, each := range of {
		if i == 0 {
			dst = binary.AppendVarint(dst, each.number)
		} else {
			dst = binary.AppendUvarint(dst, uint64(each.number-before-1))
		}
		dst = binary.AppendUvarint(dst, uint64(each.count))
		before = each.number
	}
	return dst
}

func (s *buckets) MergeBytes(place int, src []byte) (rest []byte, err error) {
	length, src, ok := exact.Uvarint(src)
	if !ok || length > uint64(len(src)) {
		return nil, errDamaged
	}
	number, most := int64(0), s.notANumber()
	for i := range length {
		if i == 0 {
			number, src, ok = varint(src)
		} else {
			var over uint64
			over, src, ok = exact.Uvarint(src)
			ok = ok && over < uint64(2*most)+2
			number += 1 + int64(over)
		}
		var count int64
		if !ok || number > most || number <= -most-1 {
			return nil, errDamaged
		}
		if count, src, ok = exact.Count(src); !ok || count == 0 {
			return nil, errDamaged
		}
		s.add(place, number, count)
	}
	return src, nil
}

// percentile is the middle of the bucket of the value with the rank ceil(quantile * count), counted from 1. The rank is
// at least 1. The product is rounded to a double.
func (s *buckets) percentile(place int, quantile float64, count int64) float64 {
	rank := max(1, int64(math.Ceil(float64(quantile*float64(count)))))
	of := s.of[place]
	for _, each := range of {
		if rank -= each.count; rank <= 0 {
			return s.middle(each.number, s.integer)
		}
	}
	return math.Float64frombits(quietNaN)
}
