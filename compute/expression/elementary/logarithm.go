package elementary

import "math"

// The table has, for each 128th j that a significand between sqrt(1/2) and sqrt(2) may be nearest to, the double
// nearest to 128/j, and minus its logarithm. A significand times that double is within 1/128 of 1. Near 1 the double is
// 1 and its logarithm 0, so that nothing cancels.
const (
	leastStep = 90
	mostSteps = 93
)

var reciprocals = makeReciprocals()

type reciprocal struct {
	factor    float64
	logarithm pair
}

func makeReciprocals() [mostSteps]reciprocal {
	var table [mostSteps]reciprocal
	for i := range table {
		factor := 128 / float64(i+leastStep)
		// log(c) = 2 atanh((c-1)/(c+1)).
		z := add(factor, -1).over(add(factor, 1))
		square, sum := z.times(z), pair{}
		for n := 45; n >= 1; n -= 2 {
			sum = sum.times(square).plus(pair{1, 0}.over(pair{float64(n), 0}))
		}
		table[i] = reciprocal{factor, sum.times(z).times(pair{-2, 0})}
	}
	return table
}

// logarithm is the natural logarithm of a positive, finite pair.
func logarithm(x pair) pair {
	significand, exponent := math.Frexp(x.hi)
	if significand < math.Sqrt2/2 {
		significand *= 2
		exponent--
	}
	lo := 0.0
	if x.lo != 0 {
		lo = math.Ldexp(x.lo, -exponent)
	}
	step := reciprocals[int(float64(significand*128)+0.5)-leastStep]
	product := multiply(significand, step.factor)
	rest := addOrdered(product.hi-1, product.lo+float64(lo*step.factor))
	result := plusOne(rest)
	if exponent == 0 && step.factor == 1 {
		return result
	}
	whole := ln2.times(pair{float64(exponent), 0}).plus(step.logarithm)
	return whole.plus(result)
}

// plusOne is the logarithm of 1 + f, for an f of at most 1/128.
func plusOne(f pair) pair {
	r := f.hi
	square := multiply(r, r)
	tail := float64(-1.0/10) + float64(r*(1.0/11))
	for n := 9; n >= 3; n-- {
		sign := float64(2*(n&1) - 1)
		tail = sign/float64(n) + float64(r*tail)
	}
	tail = float64(float64(square.hi*r) * tail)
	sum := addOrdered(r, -float64(square.hi/2))
	if r == 0 {
		return f
	}
	return addOrdered(sum.hi, sum.lo+(tail+((f.lo-float64(r*f.lo))-float64(square.lo/2))))
}

// outside returns the logarithm of what is not positive or not finite.
func outside(x float64) (float64, bool) {
	switch {
	case x != x || math.IsInf(x, 1):
		return x, true
	case x < 0:
		return math.NaN(), true
	case x == 0:
		return math.Inf(-1), true
	}
	return 0, false
}

// Log is the natural logarithm.
func Log(x float64) float64 {
	if result, ok := outside(x); ok {
		return result
	}
	return logarithm(pair{x, 0}).hi
}

// Log10 is the decimal logarithm. That of a power of ten is exact.
func Log10(x float64) float64 {
	if result, ok := outside(x); ok {
		return result
	}
	return logarithm(pair{x, 0}).times(perLn10).hi
}

// Log1p is the natural logarithm of 1 + x, exact where 1 + x is not.
func Log1p(x float64) float64 {
	if math.Abs(x) < 0x1p-60 {
		return x
	}
	if result, ok := outside(x + 1); ok {
		return result
	}
	return logarithm(add(1, x)).hi
}

// Pow is x to the power of y, with the special cases of IEEE 754.
func Pow(x, y float64) float64 {
	switch {
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return math.NaN()
	case x == 0 || math.IsInf(x, 0):
		return powerOfLimit(x, y)
	case math.IsInf(y, 0):
		return powerToInfinity(math.Abs(x), y)
	}
	if x < 0 && y != math.Trunc(y) {
		return math.NaN()
	}
	result := power(math.Abs(x), y)
	if x < 0 && isOdd(y) {
		return -result
	}
	return result
}

// powerOfLimit is the power of a zero or an infinity.
func powerOfLimit(x, y float64) float64 {
	result := 0.0
	if (x == 0) == (y < 0) {
		result = math.Inf(1)
	}
	if math.Signbit(x) && isOdd(y) {
		return -result
	}
	return result
}

func powerToInfinity(x, y float64) float64 {
	switch {
	case x == 1:
		return 1
	case (x > 1) == (y > 0):
		return math.Inf(1)
	default:
		return 0
	}
}

// isOdd says whether y is an odd integer. Doubles from 2^53 on are even.
func isOdd(y float64) bool {
	return math.Abs(y) < 1<<53 && y == math.Trunc(y) && int64(y)&1 == 1
}

// power is the power of a positive x.
func power(x, y float64) float64 {
	log := logarithm(pair{x, 0})
	// The logarithm of what is next to 1 is 2^-53, so that a greater y overflows for any x but 1.
	y = min(max(y, -0x1p70), 0x1p70)
	product := multiply(y, log.hi)
	product = addOrdered(product.hi, product.lo+float64(y*log.lo))
	switch {
	case product.hi > overflow:
		return math.Inf(1)
	case product.hi < underflow:
		return 0
	}
	return exponential(product)
}
