package exact

import (
	"math"
	"testing"
)

// total adds values in one sum.
func total(values []float64) float64 {
	sum := NewSum()
	sum.Add(math.NaN())
	sum.Reset()
	for _, x := range values {
		sum.Add(x)
	}
	return sum.Rounded()
}

func TestR21_SumsThatAreNoFiniteNumber(t *testing.T) {
	inf, minus0 := math.Inf(1), math.Copysign(0, -1)
	most := math.MaxFloat64
	half := math.Ldexp(1, 970) // half a unit in the last place of the greatest double
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0}, {[]float64{minus0}, minus0}, {[]float64{minus0, 0}, 0}, {[]float64{1, -1, minus0}, 0},
		{[]float64{inf, 1}, inf}, {[]float64{-inf, -inf}, -inf}, {[]float64{inf, -inf}, math.NaN()},
		{[]float64{most, most, -most}, most}, {[]float64{most, most}, inf}, {[]float64{-most, -most}, -inf},
		{[]float64{most, half}, inf}, {[]float64{most, half, -5e-324}, most}, {[]float64{-most, math.NaN()}, math.NaN()},
		{[]float64{1 << 53, 1}, 1 << 53}, {[]float64{1 << 53, 1, 5e-324}, 1<<53 + 2}, {[]float64{1<<53 + 2, 1}, 1<<53 + 4},
		{[]float64{0x1p-1022, -5e-324}, 0x1p-1022 - 5e-324},
	} {
		got := total(c.values)
		if math.Float64bits(got) != math.Float64bits(c.want) && !(got != got && c.want != c.want) {
			t.Errorf("the sum of %v is %v, not %v", c.values, got, c.want)
		}
	}
}

func TestR21_IntegersAreAddedExactly(t *testing.T) {
	for _, c := range []struct {
		values []int64
		want   float64
	}{
		{[]int64{math.MaxInt64, math.MinInt64}, -1}, {[]int64{math.MaxInt64, math.MaxInt64, 3}, 0x1p64},
		{[]int64{math.MaxInt64, math.MaxInt64, 1 << 12, 1}, 0x1p64 + 4096}, {[]int64{math.MinInt64, math.MinInt64}, -0x1p64},
		{[]int64{1<<53 + 1, -(1 << 53)}, 1}, {[]int64{0}, 0}, {[]int64{-1, -(1 << 32), 1 << 32}, -1},
	} {
		var sum, other Int
		for _, x := range c.values {
			sum.Add(x)
			other.Add(-x / 3)
		}
		sum.Merge(other)
		sum.Subtract(other)
		if got := sum.Rounded(); got != c.want {
			t.Errorf("the sum of %v is %v, not %v", c.values, got, c.want)
		}
	}
}
