package expression

import (
	"math"
	"math/bits"
)

// exactSum adds doubles exactly and rounds once (R21), so that the result does not depend on their order.
//
// The sum is an integer in units of the least double, 2^-1074, written in digits of 32 bits. A digit holds more than 32
// bits while additions go on, and either sign. What carries is brought to the next digit before a digit can overflow.
type exactSum struct {
	// Each addition moves a digit by less than 2^32.
	digits [sumDigits]int64
	// low and high enclose the digits that are not zero.
	low, high int
	pending   int
	// special is the sum of the infinities and NaNs, which decides if there was one.
	special float64
	added   bool
	// positive says that an addend was not -0.0.
	positive bool
}

const (
	// The greatest double is below 2^1024, or 2^2098 units, and sums of 2^63 of them are below 2^2161.
	sumDigits   = 68
	digitBits   = 32
	digitMask   = 1<<digitBits - 1
	maxPending  = 1 << 29
	significand = 53
)

func (s *exactSum) reset() {
	if s.low <= s.high {
		clear(s.digits[s.low : s.high+1])
	}
	s.low, s.high, s.pending = sumDigits, -1, 0
	s.special, s.added, s.positive = 0, false, false
}

func (s *exactSum) add(x float64) {
	pattern := math.Float64bits(x)
	exponent := int(pattern>>52) & 0x7ff
	s.added = true
	s.positive = s.positive || pattern != 1<<63
	if exponent == 0x7ff {
		s.special += x
		return
	}
	mantissa := pattern & (1<<52 - 1)
	if exponent != 0 {
		mantissa |= 1 << 52
		exponent--
	}
	s.addShifted(mantissa, exponent, pattern>>63 != 0)
}

// addShifted adds or subtracts mantissa * 2^shift units.
func (s *exactSum) addShifted(mantissa uint64, shift int, negative bool) {
	at, by := shift/digitBits, uint(shift%digitBits)
	high, low := bits.Mul64(mantissa, 1<<by)
	parts := [3]int64{int64(low & digitMask), int64(low >> digitBits), int64(high)}
	for i, part := range parts {
		if negative {
			part = -part
		}
		s.digits[at+i] += part
	}
	s.low, s.high = min(s.low, at), max(s.high, at+2)
	if s.pending++; s.pending == maxPending {
		s.carry()
	}
}

// addInt adds an integer as two doubles, which together are exactly it.
func (s *exactSum) addInt(x int64) {
	s.add(float64(x>>digitBits) * (1 << digitBits))
	s.add(float64(x & digitMask))
}

// carry brings every digit but the highest into [0, 2^32). The highest one is nearer to zero than 2^32, and has the
// sign of the sum.
func (s *exactSum) carry() {
	s.pending = 0
	for i := s.low; i < sumDigits-1; i++ {
		if i >= s.high && s.digits[i] <= digitMask && s.digits[i] >= -digitMask {
			return
		}
		s.digits[i+1] += s.digits[i] >> digitBits
		s.digits[i] &= digitMask
		s.high = max(s.high, i+1)
	}
}

// rounded is the double nearest to the sum, the even one of two. A sum of zero is 0.0, or -0.0 if there were addends
// and all of them were -0.0.
func (s *exactSum) rounded() float64 {
	if s.special != 0 {
		return s.special
	}
	s.carry()
	negative := s.high >= s.low && s.digits[s.high] < 0
	if negative {
		for i := s.low; i <= s.high; i++ {
			s.digits[i] = -s.digits[i]
		}
		s.carry()
	}
	top := s.high
	for top >= s.low && s.digits[top] == 0 {
		top--
	}
	if top < s.low {
		if s.added && !s.positive {
			return math.Copysign(0, -1)
		}
		return 0
	}
	result := s.round(top)
	if negative {
		return -result
	}
	return result
}

// round rounds a positive sum in digits from top down.
func (s *exactSum) round(top int) float64 {
	length := top*digitBits + bits.Len64(uint64(s.digits[top]))
	drop := max(length-significand, 0)
	kept := s.extract(drop)
	if drop > 0 && s.bit(drop-1) && (kept&1 == 1 || s.anyBelow(drop-1)) {
		kept++
	}
	// kept is at most 2^53, so its conversion is exact. Ldexp is exact too: if no bits were dropped, the sum is a multiple
	// of the least double; otherwise it is too large to be subnormal.
	return math.Ldexp(float64(kept), drop-1074)
}

// extract returns the bits of the sum from one place up. They have to be fewer than 64.
func (s *exactSum) extract(from int) uint64 {
	at, by := from/digitBits, uint(from%digitBits)
	var result uint64
	for i := range 3 {
		if at+i >= sumDigits {
			break
		}
		digit := uint64(s.digits[at+i])
		if i == 0 {
			result = digit >> by
		} else {
			result |= digit << (uint(i*digitBits) - by)
		}
	}
	return result
}

func (s *exactSum) bit(place int) bool { return s.digits[place/digitBits]>>(place%digitBits)&1 == 1 }

func (s *exactSum) anyBelow(place int) bool {
	at := place / digitBits
	for i := s.low; i < at; i++ {
		if s.digits[i] != 0 {
			return true
		}
	}
	return s.digits[at]&(1<<(place%digitBits)-1) != 0
}

// wideInt is an integer of 128 bits in two's complement.
type wideInt struct {
	high int64
	low  uint64
}

func (w *wideInt) add(x int64) {
	low, carry := bits.Add64(w.low, uint64(x), 0)
	w.low = low
	w.high += x>>63 + int64(carry)
}

func (w *wideInt) fits() bool { return w.high == int64(w.low)>>63 }
