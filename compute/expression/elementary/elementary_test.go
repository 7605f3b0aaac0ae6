package elementary_test

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/plumbstore/plumb/compute/expression/elementary"
)

// precision is that of the exact results that the functions are compared with.
const precision = 300

func exact(x float64) *big.Float { return new(big.Float).SetPrec(precision).SetFloat64(x) }

func exactInt(n int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(n) }

// exactLess is exp(x) - 1 for a small x, by its series.
func exactLess(x *big.Float) *big.Float {
	sum, term := exactInt(0), exactInt(1)
	for n := int64(1); n < 90; n++ {
		term.Mul(term, x).Quo(term, exactInt(n))
		sum.Add(sum, term)
	}
	return sum
}

// exactExp halves the exponent until the series is short, and squares as often.
func exactExp(x *big.Float) *big.Float {
	const halvings = 20
	small := new(big.Float).SetPrec(precision).SetMantExp(x, -halvings)
	result := new(big.Float).SetPrec(precision).Add(exactLess(small), exactInt(1))
	for range halvings {
		result.Mul(result, result)
	}
	return result
}

// exactLog solves exp(y) = x by Newton's iteration, from package math's result.
func exactLog(x *big.Float) *big.Float {
	significand := new(big.Float)
	exponent := x.MantExp(significand)
	near, _ := significand.Float64()
	y := exact(math.Log(near))
	for range 4 {
		e := exactExp(y)
		difference := new(big.Float).SetPrec(precision).Sub(significand, e)
		y.Add(y, difference.Quo(difference, e))
	}
	return y.Add(y, new(big.Float).SetPrec(precision).Mul(exactInt(int64(exponent)), exactLn2()))
}

var ln2 *big.Float

func exactLn2() *big.Float {
	if ln2 == nil {
		// ln(2) is the sum of 1/(n 2^n).
		ln2 = exactInt(0)
		for n := 1; n < precision; n++ {
			term := new(big.Float).SetPrec(precision).Quo(exactInt(1), exactInt(int64(n)))
			ln2.Add(ln2, term.SetMantExp(term, -n))
		}
	}
	return ln2
}

// within fails unless a result is within some units in the last place of the exact one.
func within(t *testing.T, name string, x, got float64, want *big.Float, limit float64) {
	t.Helper()
	nearest, _ := want.Float64()
	if math.IsInf(nearest, 0) || nearest == 0 {
		if got != nearest {
			t.Fatalf("%s(%v) is %v, not %v", name, x, got, nearest)
		}
		return
	}
	unit := math.Nextafter(math.Abs(nearest), math.Inf(1)) - math.Abs(nearest)
	difference := new(big.Float).SetPrec(precision).Sub(want, exact(got))
	away, _ := difference.Quo(difference, exact(unit)).Float64()
	if math.Abs(away) > limit {
		t.Fatalf("%s(%v) is %v, which is %v units in the last place from %v", name, x, got, away, nearest)
	}
}

func numbers(t *testing.T) (*rand.Rand, int) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0)), 300
}

func TestExp_IsWithinAUnit(t *testing.T) {
	random, count := numbers(t)
	for range count {
		for _, x := range []float64{random.NormFloat64(), random.Float64()*1460 - 745, random.NormFloat64() * 1e-9} {
			limit := 0.51
			if x < -708 {
				limit = 1 // denormal results are rounded twice
			}
			within(t, "exp", x, elementary.Exp(x), exactExp(exact(x)), limit)
		}
	}
	for _, x := range []float64{
		709.782712893384, 709.7827128933841, -745.1332191019411, -745.1332191019412, 1e-300, -1e-300,
	} {
		within(t, "exp", x, elementary.Exp(x), exactExp(exact(x)), 1)
	}
}

func TestLogarithms_AreWithinAUnit(t *testing.T) {
	random, count := numbers(t)
	perLn10 := exactLog(exactInt(10))
	for range count {
		for _, x := range []float64{
			1 + random.NormFloat64()*0.01, random.ExpFloat64(), math.Float64frombits(random.Uint64N(0x7ff << 52)),
			1 + random.NormFloat64()*1e-12, float64(random.Uint64N(1<<20)) * 0x1p-1074,
		} {
			if x <= 0 || x == 1 || math.IsInf(x, 0) {
				continue // the special values have a test of their own
			}
			want := exactLog(exact(x))
			within(t, "log", x, elementary.Log(x), want, 0.51)
			within(t, "log10", x, elementary.Log10(x), want.Quo(want, perLn10), 0.51)
		}
	}
}

func TestLog1p_IsWithinAUnitNearZero(t *testing.T) {
	random, count := numbers(t)
	for range count {
		for _, x := range []float64{
			random.Float64() - 0.9, random.NormFloat64() * 1e-3, random.NormFloat64() * 1e-12, random.ExpFloat64() * 1e9,
			random.NormFloat64() * 1e-18,
		} {
			if x <= -1 || x == 0 {
				continue // as above
			}
			want := exactLog(new(big.Float).SetPrec(precision).Add(exactInt(1), exact(x)))
			within(t, "log1p", x, elementary.Log1p(x), want, 0.51)
		}
	}
}

func TestPow_IsWithinAUnit(t *testing.T) {
	random, count := numbers(t)
	for range count {
		for _, c := range [][2]float64{
			{random.ExpFloat64(), random.NormFloat64() * 10}, {random.ExpFloat64() * 1e9, random.NormFloat64() * 30},
			{1 + random.NormFloat64()*1e-9, random.NormFloat64() * 1e11},
			{float64(random.IntN(50) + 1), float64(random.IntN(9))},
		} {
			x, y := c[0], c[1]
			want := exactLog(exact(x))
			want.Mul(want, exact(y))
			if power, _ := want.Float64(); math.Abs(power) > 700 {
				continue
			}
			within(t, "pow", x, elementary.Pow(x, y), exactExp(want), 0.51)
		}
	}
}

func TestPow_OfIntegersIsExactWhereADoubleIs(t *testing.T) {
	for base := 1.0; base <= 20; base++ {
		want := 1.0
		for power := 0.0; want < 1<<53; power++ {
			if got := elementary.Pow(base, power); got != want {
				t.Fatalf("pow(%v, %v) is %v", base, power, got)
			}
			if got := elementary.Pow(-base, power); math.Abs(got) != want || (got < 0) != (int(power)%2 == 1) {
				t.Fatalf("pow(%v, %v) is %v", -base, power, got)
			}
			if want *= base; base == 1 && power > 5 {
				break
			}
		}
	}
}

func TestLog10_OfPowersOfTenIsExact(t *testing.T) {
	for power := range 23 {
		if got := elementary.Log10(math.Pow10(power)); got != float64(power) {
			t.Errorf("log10(1e%d) is %v", power, got)
		}
	}
}

// The special values are those of package math, which documents them. Other tests have the finite ones.
func TestSpecialValues_AreThoseOfIEEE(t *testing.T) {
	negative := math.Copysign(0, -1)
	special := []float64{
		0, negative, 1, -1, 0.5, -0.5, 2, -2, 3, -3, 1e300, -1e300, 5e-324, -5e-324, math.Inf(1), math.Inf(-1),
		math.NaN(), math.MaxFloat64, -math.MaxFloat64, 1 << 53, -(1 << 53), 1<<53 + 2, math.Nextafter(1, 0),
		math.Nextafter(1, 2), 1e308, -1e308,
	}
	same := func(name string, got, want float64, args ...float64) {
		if math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) &&
			(want == 0 || got == 0 || math.IsInf(want-got, 0) || want != want || got != got) {
			t.Errorf("%s of %v is %v, not %v", name, args, got, want)
		}
	}
	for _, x := range special {
		same("exp", elementary.Exp(x), math.Exp(x), x)
		same("log", elementary.Log(x), math.Log(x), x)
		same("log10", elementary.Log10(x), math.Log10(x), x)
		same("log1p", elementary.Log1p(x), math.Log1p(x), x)
		for _, y := range special {
			same("pow", elementary.Pow(x, y), math.Pow(x, y), x, y)
		}
	}
}

func reference(lat1, lon1, lat2, lon2 float64) float64 {
	radians := func(x float64) float64 { return x * math.Pi / 180 }
	a, b := math.Sin(radians(lat2-lat1)/2), math.Sin(radians(lon2-lon1)/2)
	h := a*a + math.Cos(radians(lat1))*math.Cos(radians(lat2))*b*b
	return 2 * elementary.Radius * math.Atan2(math.Sqrt(h), math.Sqrt(1-h))
}

func TestHaversine_IsTheDistanceOnTheSphere(t *testing.T) {
	random, count := numbers(t)
	for range count {
		lat1, lon1 := random.Float64()*180-90, random.Float64()*720-360
		for _, lat2 := range []float64{random.Float64()*180 - 90, lat1 + random.NormFloat64()*1e-3} {
			if math.Abs(lat2) > 90 {
				continue
			}
			lon2 := lon1 + random.NormFloat64()*40
			got, want := elementary.Haversine(lat1, lon1, lat2, lon2), reference(lat1, lon1, lat2, lon2)
			if math.Abs(got-want) > 1e-11*want {
				t.Fatalf("haversine(%v, %v, %v, %v) is %v, not %v", lat1, lon1, lat2, lon2, got, want)
			}
			if back := elementary.Haversine(lat2, lon2, lat1, lon1); back != got {
				t.Fatalf("the way back is %v, not %v", back, got)
			}
		}
	}
}

func TestHaversine_OfKnownPlaces(t *testing.T) {
	quarter := math.Pi / 2 * elementary.Radius
	for _, c := range []struct{ lat1, lon1, lat2, lon2, want float64 }{
		{0, 0, 0, 0, 0}, {0, 0, 0, 90, quarter}, {0, 0, 90, 0, quarter}, {-90, 7, 90, 8, 2 * quarter},
		{0, 0, 0, 180, 2 * quarter}, {0, -179, 0, 181, 0}, {0, 0, 0, 360e6, 0}, {45, 0, 45, 0x1p60 * 45, math.NaN()},
		{0, math.NaN(), 0, 0, math.NaN()}, {0, 0, math.Inf(1), 0, math.NaN()},
		{90, 0, 90, 0, 0}, {100, 8, 47, 7, math.NaN()}, {47, 7, -90.0000001, 8, math.NaN()}, {360, 0, 0, 0, math.NaN()},
	} {
		got := elementary.Haversine(c.lat1, c.lon1, c.lat2, c.lon2)
		if c.lon2 == 0x1p60*45 {
			c.want = reference(45, 0, 45, math.Mod(c.lon2/2, 360)*2)
		}
		if math.Abs(got-c.want) > 1e-11*c.want || math.IsNaN(got) != math.IsNaN(c.want) {
			t.Errorf("haversine of %v is %v", c, got)
		}
	}
}

// A compiler that fuses products with sums changes these bits. They are the same under every GOAMD64.
func TestResults_HaveTheBitsOfUnfusedOperations(t *testing.T) {
	digest := uint64(0)
	mix := func(x float64) { digest = digest*0x9e3779b97f4a7c15 + math.Float64bits(x) }
	random := rand.New(rand.NewPCG(7, 7))
	for range 20_000 {
		x, y := random.Float64()*180, random.Float64()*40
		mix(elementary.Haversine(x-90, y, random.Float64()*180-90, random.Float64()))
		mix(elementary.Exp(y - 20))
		mix(elementary.Log(x))
		mix(elementary.Log10(x))
		mix(elementary.Log1p(y - 0.5))
		mix(elementary.Pow(x, y))
		mix(elementary.Sind(x))
		mix(elementary.Cosd(y))
	}
	if want := uint64(0xa7563942b5c6a172); digest != want {
		t.Errorf("the digest of the results is %#x, not %#x", digest, want)
	}
}
