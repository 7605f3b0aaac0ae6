package exact

import (
	"bytes"
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

func kindsOf(random *rand.Rand) []func() float64 {
	return []func() float64{
		random.NormFloat64,
		func() float64 { return math.Float64frombits(random.Uint64N(0x7ff<<52) | random.Uint64()&(1<<63)) },
		func() float64 { return math.Ldexp(random.NormFloat64(), random.IntN(120)-60) },
		func() float64 { return float64(random.IntN(9)-4) * 5e-324 },
		func() float64 { return float64(random.IntN(3)-1) * math.MaxFloat64 },
		func() float64 { return float64(random.Uint64N(1<<53)) * 0x1p-1060 * float64(random.IntN(3)-1) },
		func() float64 { return math.Copysign(0, -1) },
		func() float64 { return math.MaxFloat64 },
	}
}

func TestR21_ASumIsExactAndRoundedOnce(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	kinds := kindsOf(random)
	for round := range 900 {
		length := random.IntN(60)
		if round%30 == 0 {
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
		var bytes string
		for range 3 {
			got, text := inParts(t, values, random)
			if math.Float64bits(got) != math.Float64bits(want) {
				t.Fatalf("the sum of %v is %v, not %v", values, got, want)
			}
			if bytes != "" && text != bytes {
				t.Fatalf("the bytes of the sum of %v are %x and %x", values, bytes, text)
			}
			bytes = text
			random.Shuffle(len(values), func(i, j int) { values[i], values[j] = values[j], values[i] })
		}
	}
}

// inParts adds values in several sums, some of which are stored, some reset, and merges them. It adds more values that
// it takes out again.
func inParts(t *testing.T, values []float64, random *rand.Rand) (float64, string) {
	const places = 4
	kinds := kindsOf(random)
	s, other := NewSums(), NewSums()
	s.Grow(places)
	other.Grow(places)
	for range random.IntN(4) {
		x := kinds[random.IntN(len(kinds))]()
		for i := range places - 1 {
			s.Add(i, x)
			other.Add(i, x)
		}
	}
	for _, x := range values {
		s.Add(random.IntN(places), x)
	}
	for i := range places {
		s.Subtract(i, other, i)
		if i == 0 {
			continue
		}
		if random.IntN(2) == 0 {
			s.Merge(0, s, i)
		} else if rest, err := s.MergeBytes(0, append(s.Append(nil, i), 7)); err != nil || len(rest) != 1 {
			t.Fatal(err, rest)
		}
	}
	return s.Rounded(0, int64(len(values))), string(s.Append(nil, 0))
}

func TestR21_SumsOfSquaresAreExact(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kinds := kindsOf(random)
	for round := range 300 {
		s := NewSquares()
		s.Grow(2)
		want := new(big.Float).SetPrec(5000)
		length := random.IntN(50)
		if round%50 == 0 {
			length = 5500
		}
		for range length {
			x := kinds[(round+random.IntN(2))%len(kinds)]()
			s.Add(random.IntN(2), x)
			square := new(big.Float).SetPrec(5000).SetFloat64(x)
			want.Add(want, square.Mul(square, square))
		}
		s.Merge(0, s, 1)
		value, exponent := s.Big(0)
		got := new(big.Float).SetPrec(5000).SetInt(value)
		got.SetMantExp(got, exponent)
		if got.Cmp(want) != 0 {
			t.Fatalf("%v, not %v", got, want)
		}
		s.Reset(1)
		if _, err := s.MergeBytes(1, s.Append(nil, 0)); err != nil || !bytes.Equal(s.Append(nil, 1), s.Append(nil, 0)) {
			t.Fatal(err)
		}
		s.Subtract(0, s, 1)
		if got := s.Append(nil, 0); string(got) != "\x00" {
			t.Fatalf("%x", got)
		}
	}
}

func TestQuotientsAreRoundedOnce(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 100000 {
		a := new(big.Int).SetUint64(random.Uint64() >> random.IntN(64))
		a.Lsh(a, uint(random.IntN(70)))
		b := new(big.Int).SetUint64(random.Uint64()>>random.IntN(64) | 1)
		exponent := random.IntN(2500) - 1300
		want := new(big.Rat).SetFrac(a, b)
		power := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(1), uint(max(exponent, -exponent))))
		if exponent < 0 {
			power.Inv(power)
		}
		nearest, _ := want.Mul(want, power).Float64()
		if got := Quotient(a, b, exponent); got != nearest {
			t.Fatalf("%v / %v * 2^%d is %v, not %v", a, b, exponent, got, nearest)
		}
	}
}

// Integers of any width are added exactly, wherever the bytes end behind them.
func TestR21_IntegersOfAWidthAreAddedExactly(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	modulus := new(big.Int).Lsh(big.NewInt(1), 192)
	for range 3000 {
		width, count := 1+random.IntN(MostWidth), random.IntN(30)
		src := make([]byte, width*count+random.IntN(20))
		for i := range src {
			src[i] = byte(random.Uint32())
		}
		want := new(big.Int)
		for i := range count {
			number, last := new(big.Int), (i+1)*width-1
			for at := last; at >= i*width; at-- {
				number.Add(number.Lsh(number, 8), big.NewInt(int64(src[at])))
			}
			if src[last] > 0x7f {
				number.Sub(number, new(big.Int).Lsh(big.NewInt(1), uint(8*width)))
			}
			want.Add(want, number)
		}
		sum := SumFixed(src, width, count)
		if got := Big(sum[:]); got.Cmp(want.Mod(want, modulus)) != 0 {
			t.Fatalf("%d integers of %d bytes are %x in %x, want %x", count, width, got, src, want)
		}
	}
}
