// Package exact adds numbers exactly and rounds once (R21), so that a result does not depend on the order of addition.
//
// Sums keeps many sums of doubles, or of their squares, in flat memory. A sum is an integer in two's complement, in
// units of the least double or of its square. Of that a window of a few words is kept, where the bits are, which is
// enough for usual data. A sum whose bits lie further apart is kept whole, on the heap. What Append writes depends on
// the value alone, and not on how it is kept.
package exact

import (
	"math"
	"math/bits"
)

// Sums are exact sums at numbered places. They are not for use by several goroutines at once.
type Sums struct {
	kind
	// flat has for each place the words of its window, the lowest first, and a word that describes it: in the lower half
	// where the window begins, in the upper half one more than the position of its extra; each is 0 if there is none.
	flat   []uint64
	extras []extra
	free   []uint32
	// These are working memory.
	whole, size []uint64
}

// kind is what differs between sums and sums of squares.
type kind struct {
	// width is how many words a window has, and words how many the greatest sum takes. The greatest double is below
	// 2^1024, and its square below 2^2048. In units of the least double, or of its square, that is below 2^2098 and
	// 2^4196. Sums of 2^63 of them, and a sign, have 2162 and 4260 bits.
	width, words int
	// room is how many bits of a new window are free above the first number in it.
	room int
	// unit is the exponent of the lowest bit.
	unit   int
	square bool
}

var (
	ofDoubles = kind{width: 3, words: 34, room: 40, unit: -1074}
	ofSquares = kind{width: 5, words: 67, room: 88, unit: -2148, square: true}
)

// extra is what few sums have. whole is the sum itself if a window does not hold it.
type extra struct {
	whole []uint64
	Specials
}

// Specials are how many addends were no finite number, and how many were -0.0.
type Specials struct{ NaN, Plus, Minus, NegativeZero int64 }

func (s *Specials) add(other Specials, sign int64) {
	s.NaN += sign * other.NaN
	s.Plus += sign * other.Plus
	s.Minus += sign * other.Minus
	s.NegativeZero += sign * other.NegativeZero
}

// A window that begins at word w is described by windowAt + w, so that the word 0 is far before it.
const (
	windowAt = 1 << 16
	isWhole  = 1 << 30
)

// NewSums are sums of doubles, with no places yet.
func NewSums() *Sums { return &Sums{kind: ofDoubles} }

// NewSquares are sums of the squares of doubles, each square exact. Addends that are not finite add nothing.
func NewSquares() *Sums { return &Sums{kind: ofSquares} }

// Places is how many places there are.
func (s *Sums) Places() int { return len(s.flat) / (s.width + 1) }

// Grow makes places up to a number, whose sums are empty.
func (s *Sums) Grow(places int) {
	if more := places*(s.width+1) - len(s.flat); more > 0 {
		s.flat = append(s.flat, make([]uint64, more)...)
	}
}

// Bytes is about how much memory the sums take.
func (s *Sums) Bytes() int64 {
	whole := 0
	for i := range s.extras {
		whole += cap(s.extras[i].whole)
	}
	return int64(8*(cap(s.flat)+whole) + 64*cap(s.extras))
}

// Reset makes a sum empty.
func (s *Sums) Reset(place int) {
	words := s.at(place)
	if at := words[s.width] >> 32; at > 0 {
		s.extras[at-1] = extra{}
		s.free = append(s.free, uint32(at))
	}
	clear(words)
}

func (s *Sums) at(place int) []uint64 {
	stride := s.width + 1
	return s.flat[place*stride : place*stride+stride : place*stride+stride]
}

// Add adds a double, or its square.
func (s *Sums) Add(place int, x float64) {
	pattern := math.Float64bits(x)
	exponent := int(pattern>>52) & 0x7ff
	mantissa := pattern & (1<<52 - 1)
	switch {
	case exponent == 0x7ff || pattern == 1<<63:
		s.addSpecial(place, x)
		return
	case exponent != 0:
		mantissa |= 1 << 52
		exponent--
	case mantissa == 0:
		return
	}
	if s.square {
		high, low := bits.Mul64(mantissa, mantissa)
		s.addSquare(place, low, high, 2*exponent)
		return
	}
	words := (*[4]uint64)(s.flat[place*4:])
	at, by := exponent>>6, uint(exponent&63)
	// The number is low and high. One that is negative has all bits inverted, and is one less.
	negative := -(pattern >> 63)
	low, high := mantissa<<by^negative, mantissa>>1>>(63-by)^negative
	if ahead := uint64(at + windowAt - int(uint32(words[3]))); ahead <= 1 {
		// It lies in the first two words of the window, or in the last two. Which of them is not a branch, since it is as
		// random as the values.
		first := ahead - 1
		a, carry := bits.Add64(words[0], low&first|negative&^first, negative&1)
		b, carry := bits.Add64(words[1], high&first|low&^first, carry)
		c, _ := bits.Add64(words[2], negative&first|high&^first, carry)
		if (c^words[2])&(c^negative)>>63 == 0 {
			words[0], words[1], words[2] = a, b, c
			return
		}
	}
	low, carry := bits.Add64(low, negative&1, 0)
	value := [2]uint64{low, high + carry}
	s.add(place, number{at, value[:], negative})
}

// addSquare adds a square, which is an integer of 106 bits times a power of two. Sums of squares are not negative.
func (s *Sums) addSquare(place int, low, high uint64, shift int) {
	at, by := shift>>6, uint(shift&63)
	value := [3]uint64{low << by, low>>1>>(63-by) | high<<by, high >> 1 >> (63 - by)}
	words := (*[6]uint64)(s.flat[place*6:])
	// A highest word below 2^62 has room for any square that lies in the window.
	if ahead := uint64(at + windowAt - int(uint32(words[5]))); ahead <= 2 && words[4]>>62 == 0 {
		of := words[ahead : ahead+3]
		var carry uint64
		of[0], carry = bits.Add64(of[0], value[0], 0)
		of[1], carry = bits.Add64(of[1], value[1], carry)
		of[2], carry = bits.Add64(of[2], value[2], carry)
		for i := ahead + 3; carry != 0; i++ {
			words[i], carry = bits.Add64(words[i], 0, carry)
		}
		return
	}
	s.add(place, number{at, value[:], 0})
}

func (s *Sums) addSpecial(place int, x float64) {
	if s.square {
		return
	}
	switch e := s.extra(place); {
	case x != x:
		e.NaN++
	case x == 0:
		e.NegativeZero++
	case x > 0:
		e.Plus++
	default:
		e.Minus++
	}
}

// extra is that of a place, which is made if there is none.
func (s *Sums) extra(place int) *extra {
	words := s.at(place)
	at := words[s.width] >> 32
	if at == 0 {
		if last := len(s.free) - 1; last >= 0 {
			at = uint64(s.free[last])
			s.free = s.free[:last]
		} else {
			s.extras = append(s.extras, extra{})
			at = uint64(len(s.extras))
		}
		words[s.width] |= at << 32
	}
	return &s.extras[at-1]
}

// Specials are how many addends were special.
func (s *Sums) Specials(place int) Specials {
	if at := s.at(place)[s.width] >> 32; at > 0 {
		return s.extras[at-1].Specials
	}
	return Specials{}
}
