package elementary

import "math"

// steps is how many powers of two between 1 and 2 are in the table. What is left of an exponent is then at most
// ln(2)/64.
const steps = 32

var powersOfTwo = makePowers()

// makePowers computes 2^(j/32) by the series of the exponential function.
func makePowers() [steps]pair {
	var table [steps]pair
	for j := range table {
		x := ln2.times(pair{float64(j) / steps, 0})
		sum, term := pair{1, 0}, pair{1, 0}
		for n := 1; n <= 30; n++ {
			term = term.times(x).over(pair{float64(n), 0})
			sum = sum.plus(term)
		}
		table[j] = sum
	}
	return table
}

const (
	overflow  = 709.79
	underflow = -745.2
)

// Exp is e to the power of x.
func Exp(x float64) float64 {
	switch {
	case x != x || math.IsInf(x, 1):
		return x
	case x > overflow:
		return math.Inf(1)
	case x < underflow:
		return 0
	}
	return exponential(pair{x, 0})
}

// exponential is e to the power of a pair between the limits.
func exponential(x pair) float64 {
	count := math.Floor(float64(x.hi*(steps/0x1.62e42fefa39efp-1)) + 0.5)
	step := multiply(count, ln2.hi/steps)
	rest := add(x.hi, -step.hi)
	lo := rest.lo - step.lo - float64(count*(ln2.lo/steps)) + x.lo
	power := lessOne(addOrdered(rest.hi, lo))
	k := int(count)
	table := powersOfTwo[k&(steps-1)]
	product := multiply(table.hi, power.hi)
	sum := addOrdered(table.hi, product.hi)
	tail := product.lo + float64(table.hi*power.lo) + float64(table.lo*power.hi) + table.lo
	return math.Ldexp(sum.hi+(sum.lo+tail), k>>5)
}

// lessOne is e to the power of x, less 1, for an x of at most ln(2)/64.
func lessOne(x pair) pair {
	r := x.hi
	square := multiply(r, r)
	tail := float64(1.0/5040) + float64(r*(1.0/40320))
	tail = float64(1.0/720) + float64(r*tail)
	tail = float64(1.0/120) + float64(r*tail)
	tail = float64(1.0/24) + float64(r*tail)
	tail = float64(1.0/6) + float64(r*tail)
	tail = float64(float64(square.hi*r) * tail)
	sum := addOrdered(r, float64(square.hi/2))
	return addOrdered(sum.hi, sum.lo+(tail+(float64(square.lo/2)+(x.lo+float64(r*x.lo)))))
}
