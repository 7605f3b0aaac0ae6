package storetest

import (
	"math"
	"math/big"
	"slices"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/feature"
)

// integral makes a function of integers of one that computes without bounds; it returns false for no value.
func integral(f func(z, a, b *big.Int) bool) func([]Outcome) Outcome {
	return bounded(f, func(v int64) any { return v })
}

// bounded is integral with a result of another kind that is an integer of 64 bits.
func bounded(f func(z, a, b *big.Int) bool, as func(int64) any) func([]Outcome) Outcome {
	return strict(func(v []any) Outcome {
		a, b, z := bigOf(v[0]), bigOf(v[len(v)-1]), new(big.Int)
		if !f(z, a, b) || !z.IsInt64() {
			return invalid
		}
		return Outcome{Value: as(z.Int64())}
	})
}

// bigOf is an integer, or the microseconds of an instant or of a duration.
func bigOf(v any) *big.Int {
	switch v := v.(type) {
	case feature.Instant:
		return big.NewInt(int64(v))
	case span:
		return big.NewInt(int64(v))
	}
	return big.NewInt(v.(int64))
}

func asInstant(v int64) any { return feature.Instant(v) }
func asSpan(v int64) any    { return span(v) }

func sum(z, a, b *big.Int) bool {
	z.Add(a, b)
	return true
}

func difference(z, a, b *big.Int) bool {
	z.Sub(a, b)
	return true
}

func product(z, a, b *big.Int) bool {
	z.Mul(a, b)
	return true
}

func remainder(z, a, b *big.Int) bool {
	if b.Sign() == 0 || !new(big.Int).Quo(a, b).IsInt64() {
		return false
	}
	z.Rem(a, b)
	return true
}

func quotient(z, a, b *big.Int) bool {
	if b.Sign() == 0 {
		return false
	}
	z.Quo(a, b)
	return true
}

// floating makes a function of doubles. The result is rounded before anything else may be made of it.
func floating(f func(a, b float64) float64) func([]Outcome) Outcome {
	return always(func(v []any) any { return float64(f(v[0].(float64), v[len(v)-1].(float64))) })
}

// truncated is int(double).
func truncated(v []any) Outcome {
	x := v[0].(float64)
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return invalid
	}
	z, _ := big.NewFloat(x).Int(nil)
	if !z.IsInt64() {
		return invalid
	}
	return Outcome{Value: z.Int64()}
}

func parsedInteger(v []any) Outcome {
	z, ok := new(big.Int).SetString(v[0].(string), 10)
	if !ok || !z.IsInt64() {
		return invalid
	}
	return Outcome{Value: z.Int64()}
}

func parsedDouble(v []any) Outcome {
	x, err := strconv.ParseFloat(v[0].(string), 64)
	if err != nil {
		return invalid
	}
	return Outcome{Value: x}
}

func nearestDouble(v []any) any {
	x, _ := new(big.Float).SetInt64(v[0].(int64)).Float64()
	return x
}

// wholeSeconds is int(timestamp), rounded down.
func wholeSeconds(z, a, _ *big.Int) bool {
	z.Div(a, big.NewInt(1_000_000))
	return true
}

// instantOfSeconds is timestamp(int).
func instantOfSeconds(z, a, _ *big.Int) bool {
	z.Mul(a, big.NewInt(1_000_000))
	return true
}

// wholes makes a function of a duration that counts the units in it, toward zero.
func wholes(unit time.Duration) func([]Outcome) Outcome {
	return integral(func(z, a, _ *big.Int) bool {
		z.Quo(a, big.NewInt(unit.Microseconds()))
		return true
	})
}

// part makes a function of a timestamp in UTC.
func part(f func(t time.Time) int) func([]Outcome) Outcome { return partAt(0, f) }

// partAt is part in a zone that is that far from UTC.
func partAt(offset time.Duration, f func(t time.Time) int) func([]Outcome) Outcome {
	return always(func(v []any) any { return int64(f(v[0].(feature.Instant).Time().UTC().Add(offset))) })
}

// substring counts in code points.
func substring(v []any) Outcome {
	points, from, to := []rune(v[0].(string)), v[1].(int64), v[2].(int64)
	if from < 0 || to < from || to > int64(len(points)) {
		return invalid
	}
	return Outcome{Value: string(points[from:to])}
}

// sumOfIntegers is null for a list with an element that is null.
func sumOfIntegers(v []any) Outcome {
	total := new(big.Int)
	for _, element := range v[0].([]any) {
		if element == nil {
			return Outcome{}
		}
		total.Add(total, bigOf(element))
	}
	if !total.IsInt64() {
		return invalid
	}
	return Outcome{Value: total.Int64()}
}

// sumOfDoubles is the exact sum, rounded once. A sum of zero is -0.0 if there is nothing but -0.0 (R21).
func sumOfDoubles(v []any) Outcome {
	elements := v[0].([]any)
	total, special, negative := new(big.Rat), 0.0, len(elements) > 0
	for _, element := range elements {
		x, ok := element.(float64)
		if !ok {
			return Outcome{}
		}
		if math.IsNaN(x) || math.IsInf(x, 0) {
			special += x
		} else {
			total.Add(total, new(big.Rat).SetFloat64(x))
		}
		negative = negative && x == 0 && math.Signbit(x)
	}
	sum, _ := total.Float64()
	switch {
	case special != 0: // NaN is not 0 either.
		sum = special
	case negative:
		sum = math.Copysign(0, -1)
	}
	return Outcome{Value: sum}
}

// mean divides the sum, rounded, by the number of elements.
func mean(v []any) Outcome {
	total, elements := sumOfDoubles(v), v[0].([]any)
	if total.Value == nil || len(elements) == 0 {
		return Outcome{}
	}
	return Outcome{Value: total.Value.(float64) / float64(len(elements))}
}

// dot is the exact sum of the rounded products, rounded once. Null elements go before different lengths.
func dot(v []any) Outcome {
	a, b := v[0].([]any), v[1].([]any)
	switch {
	case slices.Contains(a, nil) || slices.Contains(b, nil):
		return Outcome{}
	case len(a) != len(b):
		return invalid
	}
	products := make([]any, len(a))
	for i := range a {
		products[i] = float64(a[i].(float64) * b[i].(float64))
	}
	return sumOfDoubles([]any{products})
}

// cosine has the nulls and the lengths of dot.
func cosine(v []any) Outcome {
	product := dot(v)
	if product.Value == nil {
		return product
	}
	length := func(list any) float64 { return math.Sqrt(dot([]any{list, list}).Value.(float64)) }
	lengths := float64(length(v[0]) * length(v[1]))
	return Outcome{Value: product.Value.(float64) / lengths}
}

// signOf is -1, 1, or for zeros and NaN the number itself.
func signOf(a float64) float64 {
	if a == 0 || math.IsNaN(a) {
		return a
	}
	return math.Copysign(1, a)
}

// atMost counts the boundaries that are not above a number.
func atMost[T int64 | float64](number T, boundaries ...T) int64 {
	count := int64(0)
	for _, boundary := range boundaries {
		if boundary <= number {
			count++
		}
	}
	return count
}

func clampIntegers(v []any) Outcome {
	x, low, high := v[0].(int64), v[1].(int64), v[2].(int64)
	switch {
	case low > high:
		return invalid
	case x < low:
		return Outcome{Value: low}
	case x > high:
		return Outcome{Value: high}
	}
	return Outcome{Value: x}
}

// clampDoubles is NaN if a bound is.
func clampDoubles(v []any) Outcome {
	low, high := v[1].(float64), v[2].(float64)
	if low > high {
		return invalid
	}
	return Outcome{Value: extreme(extreme(v[0].(float64), low, 1), high, -1)}
}

// extreme is the greater of two doubles if the sign is 1, and the lesser if it is -1; NaN if one is. -0.0 is below 0.0.
func extreme(a, b float64, sign int) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	if compareFloats(a, b) == sign {
		return a
	}
	return b
}
