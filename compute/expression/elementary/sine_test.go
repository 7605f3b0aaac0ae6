package elementary_test

import (
	"math"
	"math/big"
	"sync"
	"testing"

	"github.com/plumbstore/plumb/compute/expression/elementary"
)

// exactPi is by Machin's formula: 16 arctan(1/5) - 4 arctan(1/239).
var exactPi = sync.OnceValue(func() *big.Float {
	pi := exactInt(0)
	for _, part := range []struct{ factor, of int64 }{{16, 5}, {-4, 239}} {
		power := new(big.Float).SetPrec(precision).Quo(exactInt(part.factor), exactInt(part.of))
		for n := int64(1); n < precision; n += 2 {
			pi.Add(pi, new(big.Float).SetPrec(precision).Quo(power, exactInt(n)))
			power.Quo(power, exactInt(-part.of*part.of))
		}
	}
	return pi
})

func exactRadians(degrees float64) *big.Float {
	radians := exact(degrees)
	return radians.Mul(radians, exactPi()).Quo(radians, exactInt(180))
}

// exactSine is the series of the sine from the first power of x, and of the cosine from power 0.
func exactSine(x *big.Float, power int64) *big.Float {
	sum, term := exactInt(0), exactInt(1)
	if power == 1 {
		term.Set(x)
	}
	for n := power; n < 150; n += 2 {
		sum.Add(sum, term)
		term.Mul(term, x).Mul(term, x).Quo(term, exactInt(-(n+1)*(n+2)))
	}
	return sum
}

func TestSindAndCosd_AreWithinAUnit(t *testing.T) {
	random, count := numbers(t)
	for range count {
		for _, x := range []float64{
			random.Float64()*720 - 360, random.NormFloat64() * 1e-6, 90 + random.NormFloat64()*1e-6,
			180 + random.NormFloat64()*1e-9, float64(random.IntN(720) - 360),
		} {
			if math.Mod(x, 90) == 0 {
				continue // the series is not exact where the result is
			}
			radians := exactRadians(x)
			within(t, "sind", x, elementary.Sind(x), exactSine(radians, 1), 0.8)
			within(t, "cosd", x, elementary.Cosd(x), exactSine(radians, 0), 0.8)
		}
	}
	within(t, "sind", 1e-300, elementary.Sind(1e-300), exactRadians(1e-300), 1)
}

func TestSindAndCosd_AreExactAtQuartersOfATurn(t *testing.T) {
	for i, sine := range []float64{0, 1, 0, -1, 0, 1, 0, -1, 0} {
		for _, turns := range []float64{0, 360, -360, 360 * 0x1p40} {
			x, cosine := float64(90*i)+turns, []float64{1, 0, -1, 0}[i%4]
			if got := elementary.Sind(x); got != sine || math.Signbit(got) != (sine < 0) {
				t.Errorf("sind(%v) is %v", x, got)
			}
			if got := elementary.Cosd(x); got != cosine || math.Signbit(got) != (cosine < 0) {
				t.Errorf("cosd(%v) is %v", x, got)
			}
		}
	}
	for x, want := range map[float64]float64{30: 0.5, 150: 0.5, -30: -0.5, 330: -0.5} {
		if got := elementary.Sind(x); got != want {
			t.Errorf("sind(%v) is %v", x, got)
		}
		if got := elementary.Cosd(90 - x); got != want {
			t.Errorf("cosd(%v) is %v", 90-x, got)
		}
	}
}

func TestSindAndCosd_OfNoAngle(t *testing.T) {
	for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if sine, cosine := elementary.Sind(x), elementary.Cosd(x); sine == sine || cosine == cosine {
			t.Errorf("sind(%v) is %v, and cosd is %v", x, sine, cosine)
		}
	}
	if got := elementary.Sind(math.Copysign(0, -1)); got != 0 || !math.Signbit(got) {
		t.Errorf("sind(-0.0) is %v", got)
	}
}
