package exact

import (
	"math"
	"math/big"
	"math/bits"
	"slices"
)

// quietNaN is the one NaN that results have (R21).
const quietNaN = 0x7ff8000000000000

// Rounded returns the double nearest to a sum, given the number of its addends. If two are as near, it returns the even
// one. A sum of zero is -0.0 if there were addends and all of them were -0.0, and 0.0 otherwise.
func (s *Sums) Rounded(place int, addends int64) float64 {
	if words := s.at(place); s.width == 3 && words[3]>>32 == 0 { // There is nothing but a window.
		return roundWindow(words[0], words[1], words[2], s.unit+64*(int(words[3])-windowAt))
	}
	switch e := s.Specials(place); {
	case e.NaN > 0 || e.Plus > 0 && e.Minus > 0:
		return math.Float64frombits(quietNaN)
	case e.Plus > 0:
		return math.Inf(1)
	case e.Minus > 0:
		return math.Inf(-1)
	case e.NegativeZero > 0 && e.NegativeZero == addends:
		return math.Copysign(0, -1)
	}
	n := s.number(place)
	s.size = n.magnitude(s.size[:0])
	result := roundWords(s.size, s.unit+64*n.at)
	if n.sign != 0 {
		return -result
	}
	return result
}

// roundWindow rounds an integer of three words in two's complement times a power of two.
func roundWindow(a, b, c uint64, exponent int) float64 {
	sign := -(c >> 63)
	a, carry := bits.Add64(a^sign, sign&1, 0)
	b, carry = bits.Add64(b^sign, 0, carry)
	c, _ = bits.Add64(c^sign, 0, carry)
	words := [3]uint64{a, b, c}
	length := len(words)
	for length > 0 && words[length-1] == 0 {
		length--
	}
	result := roundWords(words[:length], exponent)
	if sign != 0 {
		return -result
	}
	return result
}

// roundWords rounds the integer of words, of which the highest one is not 0, times a power of two.
func roundWords(words []uint64, exponent int) float64 {
	top := len(words) - 1
	if top < 0 {
		return 0
	}
	shift := bits.LeadingZeros64(words[top])
	word, rest := words[top]<<shift, false
	if top > 0 {
		word |= words[top-1] >> (64 - shift)
		rest = words[top-1]<<shift != 0
	}
	for i := 0; i < top-1 && !rest; i++ {
		rest = words[i] != 0
	}
	return round(word, exponent+64*top-shift, rest)
}

// round rounds word * 2^exponent to the nearest double, the even one of two. The highest bit of the word is set. rest
// says that there is something more, below one unit of the word.
func round(word uint64, exponent int, rest bool) float64 {
	const significand = 53
	// A subnormal double has fewer bits.
	drop := max(64-significand, -1074-exponent)
	if drop > 64 {
		return 0
	}
	kept, below := word>>drop, word<<(64-drop)
	if below > 1<<63 || below == 1<<63 && (rest || kept&1 == 1) {
		kept++
	}
	// Both are exact: kept is at most 2^53, and the result is a double or overflows.
	result, exponent := float64(kept), exponent+drop
	if exponent > -900 && exponent < 900 { // No double is near its limits, so the exponent is added to that of its bits.
		return math.Float64frombits(math.Float64bits(result) + uint64(exponent)<<52)
	}
	return math.Ldexp(result, exponent)
}

// Quotient is a / b * 2^exponent, rounded once to the nearest double, the even one of two. It needs a >= 0 and b > 0.
func Quotient(a, b *big.Int, exponent int) float64 {
	if a.Sign() == 0 {
		return 0
	}
	// The quotient of the integers gets 66 or 67 bits.
	shift := 66 - a.BitLen() + b.BitLen()
	x, y := a, b
	if shift > 0 {
		x = new(big.Int).Lsh(a, uint(shift))
	} else {
		y = new(big.Int).Lsh(b, uint(-shift))
	}
	quotient, remainder := new(big.Int).QuoRem(x, y, new(big.Int))
	drop := uint(quotient.BitLen() - 64)
	word := new(big.Int).Rsh(quotient, drop).Uint64()
	rest := remainder.Sign() != 0 || quotient.TrailingZeroBits() < drop
	return round(word, exponent-shift+int(drop), rest)
}

// Big is a sum as an integer times a power of two.
func (s *Sums) Big(place int) (value *big.Int, exponent int) {
	n := s.number(place)
	s.size = n.magnitude(s.size[:0])
	value = Big(s.size)
	if n.sign != 0 {
		value.Neg(value)
	}
	return value, s.unit + 64*n.at
}

// Big is the integer of words, the lowest first.
func Big(words []uint64) *big.Int {
	value, next := new(big.Int), new(big.Int)
	for _, word := range slices.Backward(words) {
		value.Or(value.Lsh(value, 64), next.SetUint64(word))
	}
	return value
}
