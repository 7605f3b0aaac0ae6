package expression

import (
	"math"
	"math/bits"
)

// The kernels of doubles store each result before another kernel reads it. So there is one rounding for each operation,
// and no compiler can fuse a product with a sum (R25).

func addFloats(c *call, rows int) {
	a, b, out := c.args[0].floats[:rows], c.args[1].floats[:rows], c.out.floats[:rows]
	for i, x := range a {
		out[i] = x + b[i]
	}
}

func subtractFloats(c *call, rows int) {
	a, b, out := c.args[0].floats[:rows], c.args[1].floats[:rows], c.out.floats[:rows]
	for i, x := range a {
		out[i] = x - b[i]
	}
}

func multiplyFloats(c *call, rows int) {
	a, b, out := c.args[0].floats[:rows], c.args[1].floats[:rows], c.out.floats[:rows]
	for i, x := range a {
		out[i] = x * b[i]
	}
}

func divideFloats(c *call, rows int) {
	a, b, out := c.args[0].floats[:rows], c.args[1].floats[:rows], c.out.floats[:rows]
	for i, x := range a {
		out[i] = x / b[i]
	}
}

// The kernels of ints serve timestamps and durations too, whose ints are microseconds.

func addInts(c *call, rows int) {
	a, b, out := c.args[0].ints[:rows], c.args[1].ints[:rows], c.out.ints[:rows]
	for i, x := range a {
		sum := x + b[i]
		out[i] = sum
		if (x^sum)&(b[i]^sum) < 0 {
			c.invalid(i, rows)
		}
	}
}

func subtractInts(c *call, rows int) {
	a, b, out := c.args[0].ints[:rows], c.args[1].ints[:rows], c.out.ints[:rows]
	for i, x := range a {
		difference := x - b[i]
		out[i] = difference
		if (x^b[i])&(x^difference) < 0 {
			c.invalid(i, rows)
		}
	}
}

func multiplyInts(c *call, rows int) {
	a, b, out := c.args[0].ints[:rows], c.args[1].ints[:rows], c.out.ints[:rows]
	for i, x := range a {
		high, low := product(x, b[i])
		out[i] = low
		if high != low>>63 {
			c.invalid(i, rows)
		}
	}
}

// product is the exact product of two integers, in two's complement of 128 bits. It is in INT64 if and only if high is
// the sign of low.
func product(x, y int64) (high, low int64) {
	h, l := bits.Mul64(uint64(x), uint64(y))
	return int64(h) - x>>63&y - y>>63&x, int64(l)
}

func divideInts(c *call, rows int) {
	a, b, out := c.args[0].ints[:rows], c.args[1].ints[:rows], c.out.ints[:rows]
	for i, x := range a {
		if hasNoQuotient(x, b[i]) {
			c.invalid(i, rows)
			continue
		}
		out[i] = x / b[i]
	}
}

func moduloInts(c *call, rows int) {
	a, b, out := c.args[0].ints[:rows], c.args[1].ints[:rows], c.out.ints[:rows]
	for i, x := range a {
		if hasNoQuotient(x, b[i]) {
			c.invalid(i, rows)
			continue
		}
		out[i] = x % b[i]
	}
}

func hasNoQuotient(x, y int64) bool { return y == 0 || x == math.MinInt64 && y == -1 }

func negateInt(x int64) (int64, bool) { return -x, x != math.MinInt64 }

func negateFloat(x float64) float64 { return -x }

func absInt(x int64) (int64, bool) {
	if x < 0 {
		return negateInt(x)
	}
	return x, true
}

func arithmetic() []function {
	return []function{
		{name: "_+_", overloads: []overload{
			on(addInts, intT, intT, intT),
			on(addFloats, doubleT, doubleT, doubleT),
			on(addInts, timestampT, timestampT, durationT),
			on(addInts, timestampT, durationT, timestampT),
			on(addInts, durationT, durationT, durationT),
			on(concatenate, stringT, stringT, stringT),
			on(concatenate, bytesT, bytesT, bytesT),
		}},
		{name: "_-_", overloads: []overload{
			on(subtractInts, intT, intT, intT),
			on(subtractFloats, doubleT, doubleT, doubleT),
			on(subtractInts, durationT, timestampT, timestampT),
			on(subtractInts, timestampT, timestampT, durationT),
			on(subtractInts, durationT, durationT, durationT),
		}},
		{name: "_*_", overloads: []overload{
			on(multiplyInts, intT, intT, intT), on(multiplyFloats, doubleT, doubleT, doubleT),
		}},
		{name: "_/_", overloads: []overload{
			on(divideInts, intT, intT, intT), on(divideFloats, doubleT, doubleT, doubleT),
		}},
		{name: "_%_", overloads: []overload{on(moduloInts, intT, intT, intT)}},
		{name: "-_", overloads: []overload{
			on(tryOne(intsOf, intsOf, negateInt), intT, intT),
			on(mapOne(floatsOf, floatsOf, negateFloat), doubleT, doubleT),
		}},
	}
}
