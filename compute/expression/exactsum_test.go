package expression

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// exactly adds with enough bits to be exact, and rounds the result once.
func exactly(values []float64) float64 {
	sum := new(big.Float).SetPrec(2500)
	negative := len(values) > 0
	for _, x := range values {
		sum.Add(sum, new(big.Float).SetFloat64(x))
		negative = negative && x == 0 && math.Signbit(x)
	}
	result, _ := sum.Float64()
	if result == 0 {
		if negative {
			return math.Copysign(0, -1)
		}
		// The least sum other than zero is a double itself, so zero here means that the exact sum is zero.
		return 0
	}
	return result
}

// total adds values, and carries now and then if that is wanted.
func total(values []float64, carries *rand.Rand) float64 {
	var sum exactSum
	sum.reset()
	for _, x := range values {
		sum.add(x)
		if carries != nil && carries.IntN(5) == 0 {
			sum.pending = maxPending - 1
		}
	}
	return sum.rounded()
}

func TestR21_ASumIsExactAndRoundedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kinds := []func() float64{
		random.NormFloat64,
		func() float64 { return math.Float64frombits(random.Uint64N(0x7ff<<52) | random.Uint64()&(1<<63)) },
		func() float64 { return math.Ldexp(random.NormFloat64(), random.IntN(120)-60) },
		func() float64 { return float64(random.IntN(9)-4) * 5e-324 },
		func() float64 { return float64(random.IntN(3)-1) * math.MaxFloat64 },
		func() float64 { return float64(random.Uint64N(1<<53)) * 0x1p-1060 * float64(random.IntN(3)-1) },
	}
	for round := range 900 {
		length := random.IntN(60)
		if round%100 == 0 {
			length = 6000
		}
		var values []float64
		for range length {
			values = append(values, kinds[(round+random.IntN(2))%len(kinds)]())
		}
		if random.IntN(2) == 0 {
			for _, x := range values[:length/2] {
				values = append(values, -x)
			}
		}
		want := exactly(values)
		for _, carries := range []*rand.Rand{nil, random} {
			if got := total(values, carries); math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("the sum of %v is %v, not %v", values, got, want)
			}
		}
		random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		if got := total(values, nil); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("in another order the sum is %v, not %v", got, want)
		}
	}
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
		got := total(c.values, nil)
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
		{[]int64{math.MaxInt64, math.MinInt64}, -1}, {[]int64{math.MinInt64, math.MinInt64}, -0x1p64},
		{[]int64{1<<53 + 1, -(1 << 53)}, 1}, {[]int64{0}, 0}, {[]int64{-1, -(1 << 32), 1 << 32}, -1},
	} {
		var sum exactSum
		sum.reset()
		for _, x := range c.values {
			sum.addInt(x)
		}
		if got := sum.rounded(); got != c.want {
			t.Errorf("the sum of %v is %v, not %v", c.values, got, c.want)
		}
	}
}
