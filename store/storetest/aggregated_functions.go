package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// outcome computes the feature of the events that its window counts (R21).
func (o aggregatedOutput) outcome(events []countedEvent) Outcome {
	if o.by < 0 {
		return o.results(events)[o.result]
	}
	return o.grouped(events)[o.result]
}

// both results are INVALID, or null.
var (
	invalids = []Outcome{invalid, invalid}
	nulls    = []Outcome{{}, {}}
)

// results are those of all events, without regard to groups. Functions of one result leave the second out.
func (o aggregatedOutput) results(events []countedEvent) []Outcome {
	switch o.function.GetName() {
	case "rows":
		return []Outcome{{Value: int64(len(events))}}
	case "first", "last", "last_n":
		return []Outcome{o.ordered(events)}
	}
	var values []any
	for _, event := range events {
		switch v := event.values[o.of]; {
		case v.Invalid:
			return invalids
		case v.Value != nil:
			values = append(values, Canonical(v.Value))
		}
	}
	return o.resultsOfValues(values)
}

// resultsOfValues are those of the values that are not null. There is one NaN.
func (o aggregatedOutput) resultsOfValues(values []any) []Outcome {
	switch name := o.function.GetName(); {
	case name == "count":
		return []Outcome{{Value: int64(len(values))}}
	case name == "distinct":
		return []Outcome{{Value: distinctEstimate(values)}}
	case len(values) == 0:
		return nulls
	case name == "histogram", name == "top_k":
		return o.frequencies(values)
	}
	return []Outcome{o.single(values)}
}

// single is the result of functions of at least one value that have one.
func (o aggregatedOutput) single(values []any) Outcome {
	switch name := o.function.GetName(); name {
	case "sum":
		return sumOf(values)
	case "mean":
		return Outcome{Value: Canonical(float64(realSum(values) / float64(len(values))))}
	case "min":
		return Outcome{Value: slices.MinFunc(values, compareValues)}
	case "max":
		return Outcome{Value: slices.MaxFunc(values, compareValues)}
	case "variance", "variance_samp":
		return varianceOf(values, name == "variance_samp")
	case "stddev", "stddev_samp":
		variance := varianceOf(values, name == "stddev_samp")
		if variance.Value == nil {
			return variance
		}
		return Outcome{Value: Canonical(math.Sqrt(variance.Value.(float64)))}
	case "percentile":
		return Outcome{Value: percentileOf(values, o.quantile, o.function.GetError())}
	}
	return Outcome{Value: fmt.Errorf("%w %q", errUnknownFunction, o.function.GetName())}
}

// errUnknownFunction stands for the value of a function that the reference does not know, which equals no answer.
var errUnknownFunction = errors.New("the reference knows no function")

// ordered is first, last or last_n: by event time, created time with null lowest, and value in R3's order. Nulls are
// values (R7). An INVALID value is lower than every other, and matters only if it is among those that are given (R26).
func (o aggregatedOutput) ordered(events []countedEvent) Outcome {
	if len(events) == 0 {
		return Outcome{}
	}
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b countedEvent) int {
		v, w := a.values[o.of], b.values[o.of]
		return cmp.Or(cmp.Compare(a.at, b.at), compareInstants(a.created, b.created),
			compareBools(!v.Invalid, !w.Invalid), compareValues(Canonical(v.Value), Canonical(w.Value)))
	})
	given := events[len(events)-1:]
	switch o.function.GetName() {
	case "first":
		given = events[:1]
	case "last_n":
		given = events[max(0, len(events)-int(o.function.GetN())):]
	}
	values := make([]any, len(given))
	for i, event := range given {
		if event.values[o.of].Invalid {
			return invalid
		}
		values[i] = Canonical(event.values[o.of].Value)
	}
	if o.function.GetName() == "last_n" {
		return Outcome{Value: values}
	}
	return Outcome{Value: values[0]}
}

// frequency is a value and how often it is met.
type frequency struct {
	value any
	count int64
}

// frequencies are the values and counts of histogram or top_k.
func (o aggregatedOutput) frequencies(values []any) []Outcome {
	var all []frequency
	for _, v := range values {
		if len(all) > o.maxValues() {
			return invalids
		}
		at := slices.IndexFunc(all, func(f frequency) bool { return SameValue(f.value, v) })
		if at < 0 {
			at, all = len(all), append(all, frequency{value: v})
		}
		all[at].count++
	}
	if len(all) > o.maxValues() {
		return invalids
	}
	slices.SortFunc(all, func(a, b frequency) int { return compareValues(a.value, b.value) })
	if o.function.GetName() == "top_k" {
		slices.SortStableFunc(all, func(a, b frequency) int { return cmp.Compare(b.count, a.count) })
		all = all[:min(len(all), int(o.function.GetN()))]
	}
	listed, counts := []any{}, []any{}
	for _, f := range all {
		listed, counts = append(listed, f.value), append(counts, f.count)
	}
	return []Outcome{{Value: listed}, {Value: counts}}
}

func (o aggregatedOutput) maxValues() int { return cmp.Or(int(o.function.GetMaxValues()), 1000) }

// groupOfEvents is the events with one value of the by column.
type groupOfEvents struct {
	group  any
	events []countedEvent
	result any
}

// grouped is the greatest values of the groups, and the groups. An event without a group counts in none of them, but a
// value of it that is INVALID was read.
func (o aggregatedOutput) grouped(events []countedEvent) []Outcome {
	var groups []*groupOfEvents
	for _, event := range events {
		switch by := event.values[o.by]; {
		case by.Invalid, o.of >= 0 && event.values[o.of].Invalid:
			return invalids
		case by.Value != nil:
			group := Canonical(by.Value)
			at := slices.IndexFunc(groups, func(g *groupOfEvents) bool { return SameValue(g.group, group) })
			if at < 0 {
				at, groups = len(groups), append(groups, &groupOfEvents{group: group})
			}
			groups[at].events = append(groups[at].events, event)
		}
	}
	switch {
	case len(groups) > o.maxValues():
		return invalids
	case len(groups) == 0:
		return nulls
	}
	for _, g := range groups {
		outcome := o.results(g.events)[0]
		if outcome.Invalid {
			return invalids
		}
		g.result = outcome.Value
	}
	slices.SortFunc(groups, func(a, b *groupOfEvents) int {
		return cmp.Or(compareValues(b.result, a.result), compareValues(a.group, b.group))
	})
	values, names := []any{}, []any{}
	for _, g := range groups[:min(len(groups), o.largest)] {
		values, names = append(values, g.result), append(names, g.group)
	}
	return []Outcome{{Value: values}, {Value: names}}
}

// isExact says whether the reference knows the feature's value to the bit.
func (o aggregatedOutput) isExact() bool { return o.function.GetName() != "percentile" }

// sumOf is the exact sum: of integers an INT64 or INVALID, of others rounded once.
func sumOf(values []any) Outcome {
	switch values[0].(type) {
	case int32, int64:
		total := integerSum(values)
		if !total.IsInt64() {
			return invalid
		}
		return Outcome{Value: total.Int64()}
	}
	return Outcome{Value: realSum(values)}
}

func integerSum(values []any) *big.Int {
	total := new(big.Int)
	for _, v := range values {
		total.Add(total, big.NewInt(widen(v).(int64)))
	}
	return total
}

// lowest is the exponent of the least bit of a double. Every finite double is a whole number of 2^-lowest.
const lowest = 1074

// whole is a finite double as a number of 2^-lowest.
func whole(x float64) *big.Int {
	shifted := new(big.Float).SetMantExp(big.NewFloat(x), lowest)
	z, _ := shifted.Int(nil)
	return z
}

// rounded is a fraction of whole numbers of 2^-bits, rounded to the nearest double, ties to even.
func rounded(numerator, denominator *big.Int, bits uint) float64 {
	x, _ := new(big.Rat).SetFrac(numerator, new(big.Int).Lsh(denominator, bits)).Float64()
	return x
}

// realSum is the exact sum rounded once. Any NaN gives NaN, and so do infinities of both signs. A sum of zero is -0.0
// if there is nothing but -0.0.
func realSum(values []any) float64 {
	switch values[0].(type) {
	case int32, int64:
		return rounded(integerSum(values), big.NewInt(1), 0)
	}
	total, special, negative := new(big.Int), 0.0, true
	for _, v := range values {
		x := widen(v).(float64)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			special += x
		} else {
			total.Add(total, whole(x))
		}
		negative = negative && x == 0 && math.Signbit(x)
	}
	switch {
	case special != 0: // NaN is not 0 either.
		return Canonical(special).(float64)
	case negative:
		return math.Copysign(0, -1)
	}
	return rounded(total, big.NewInt(1), lowest)
}

// varianceOf is (nΣx² - (Σx)²) / n², or / n(n-1) of a sample, rounded once. It is NaN if a value is not finite.
func varianceOf(values []any, sample bool) Outcome {
	n := big.NewInt(int64(len(values)))
	divisor := new(big.Int).Mul(n, n)
	if sample {
		if len(values) == 1 {
			return Outcome{}
		}
		divisor.Sub(divisor, n)
	}
	sum, squares, bits := new(big.Int), new(big.Int), uint(0)
	for _, v := range values {
		var x *big.Int
		switch v := widen(v).(type) {
		case int64:
			x = big.NewInt(v)
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return Outcome{Value: Canonical(math.NaN())}
			}
			x, bits = whole(v), 2*lowest
		}
		sum.Add(sum, x)
		squares.Add(squares, new(big.Int).Mul(x, x))
	}
	squares.Mul(squares, n).Sub(squares, sum.Mul(sum, sum))
	return Outcome{Value: rounded(squares, divisor, bits)}
}

// Near is a value that is not known to the bit: any of its sign that differs from it by at most Error of it is the
// same. Zeros, infinities and NaN are exact.
type Near struct{ Value, Error float64 }

// holds says whether a value is near enough.
func (n Near) holds(v any) bool {
	if other, ok := v.(Near); ok {
		return SameValue(other.Value, n.Value) && other.Error == n.Error
	}
	x, ok := v.(float64)
	switch {
	case !ok:
		return false
	case n.Value == 0, math.IsInf(n.Value, 0), math.IsNaN(n.Value):
		return SameValue(x, Canonical(n.Value))
	case math.IsNaN(x), math.IsInf(x, 0), math.Signbit(x) != math.Signbit(n.Value):
		return false
	}
	exact, off := new(big.Rat).SetFloat64(n.Value), new(big.Rat).SetFloat64(x)
	off.Sub(off, exact).Abs(off)
	return off.Cmp(exact.Mul(exact.Abs(exact), new(big.Rat).SetFloat64(n.Error))) <= 0
}

// percentileOf is the value of nearest rank ceil(q*n), at least 1, in R3's order, as far as R21 fixes it. The product
// is one of doubles.
func percentileOf(values []any, quantile, allowed float64) Near {
	var ordered []float64
	for _, v := range values {
		switch v := widen(v).(type) {
		case int64:
			ordered = append(ordered, float64(v))
		case float64:
			ordered = append(ordered, v)
		}
	}
	slices.SortFunc(ordered, compareFloats)
	rank := max(1, int(math.Ceil(float64(quantile*float64(len(ordered))))))
	return Near{ordered[rank-1], allowed}
}

// isNumber says whether values of a type can be added.
func isNumber(declared plumbv1.Type) bool {
	kind := kindOf(declared)
	return kind == anInt || kind == aDouble
}
