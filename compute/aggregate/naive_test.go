package aggregate_test

import (
	"cmp"
	"math"
	"math/big"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// event is one event of a test. A value is a bool, int64, float64, string, nil for a null, or invalid.
type event struct {
	time, created int64
	values        []any
}

type invalid struct{}

// outcome is what a function gives: values of its one or two results, unless it has none.
type outcome struct {
	state  expression.State
	values []any
}

var null = outcome{state: expression.Null}

func present(values ...any) outcome { return outcome{expression.Present, values} }

// order is R3's order of values.
func order(a, b any) int {
	switch a := a.(type) {
	case invalid:
		return cmp.Compare(rank(a), rank(b))
	case nil:
		return cmp.Compare(rank(a), rank(b))
	case bool:
		if b, ok := b.(bool); ok {
			return cmp.Compare(btoi(a), btoi(b))
		}
	case int64:
		if b, ok := b.(int64); ok {
			return cmp.Compare(a, b)
		}
	case string:
		if b, ok := b.(string); ok {
			return cmp.Compare(a, b)
		}
	case float64:
		if b, ok := b.(float64); ok {
			return orderFloats(a, b)
		}
	}
	return cmp.Compare(rank(a), rank(b))
}

func rank(v any) int {
	switch v.(type) {
	case invalid:
		return 0
	case nil:
		return 1
	}
	return 2
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func orderFloats(a, b float64) int {
	switch aNaN, bNaN := a != a, b != b; {
	case aNaN || bNaN:
		return btoi(aNaN) - btoi(bNaN)
	case a == 0 && b == 0:
		return btoi(math.Signbit(b)) - btoi(math.Signbit(a))
	}
	return cmp.Compare(a, b)
}

// naive computes a function of events, as its rule says it.
func naive(s aggregate.Spec, events []event) outcome {
	if s.By != aggregate.None {
		return naiveGroups(s, events)
	}
	switch s.Function {
	case aggregate.Rows:
		return present(int64(len(events)))
	case aggregate.First, aggregate.Last, aggregate.LastN:
		return naiveOrdered(s, events)
	}
	var values []any
	for _, e := range events {
		switch v := e.values[s.Column].(type) {
		case invalid:
			return outcome{state: expression.Invalid}
		case nil:
		default:
			values = append(values, v)
		}
	}
	slices.SortFunc(values, order)
	switch {
	case s.Function == aggregate.Count:
		return present(int64(len(values)))
	case s.Function == aggregate.Distinct:
		return present(int64(len(slices.CompactFunc(values, func(a, b any) bool { return order(a, b) == 0 }))))
	case len(values) == 0:
		return null
	}
	switch s.Function {
	case aggregate.Min:
		return present(values[0])
	case aggregate.Max:
		return present(values[len(values)-1])
	case aggregate.TopK, aggregate.Histogram:
		return naiveCounted(s, values)
	case aggregate.Percentile:
		at := int(math.Ceil(s.Quantile*float64(len(values)))) - 1
		return present(values[max(at, 0)])
	}
	return naiveNumeric(s, values)
}

func naiveOrdered(s aggregate.Spec, events []event) outcome {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.time, b.time), cmp.Compare(a.created, b.created),
			order(a.values[s.Column], b.values[s.Column]))
	})
	if len(sorted) == 0 {
		return null
	}
	switch s.Function {
	case aggregate.First:
		sorted = sorted[:1]
	case aggregate.Last:
		sorted = sorted[len(sorted)-1:]
	default:
		sorted = sorted[max(0, len(sorted)-s.N):]
	}
	var values []any
	for _, e := range sorted {
		if e.values[s.Column] == (invalid{}) {
			return outcome{state: expression.Invalid}
		}
		values = append(values, e.values[s.Column])
	}
	switch {
	case s.Function == aggregate.LastN:
		return present(values)
	case values[0] == nil:
		return null
	}
	return present(values[0])
}

func naiveCounted(s aggregate.Spec, sorted []any) outcome {
	var values, counts []any
	for i, v := range sorted {
		if i == 0 || order(v, sorted[i-1]) != 0 {
			values, counts = append(values, v), append(counts, int64(0))
		}
		counts[len(counts)-1] = counts[len(counts)-1].(int64) + 1
	}
	if len(values) > s.MaxValues {
		return outcome{state: expression.Invalid}
	}
	if s.Function == aggregate.Histogram {
		return present(values, counts)
	}
	var most, mostCounts []any
	for len(values) > 0 && len(most) < s.N {
		best := 0
		for i := range counts {
			if counts[i].(int64) > counts[best].(int64) {
				best = i
			}
		}
		most, mostCounts = append(most, values[best]), append(mostCounts, counts[best])
		values, counts = slices.Delete(values, best, best+1), slices.Delete(counts, best, best+1)
	}
	return present(most, mostCounts)
}

func naiveNumeric(s aggregate.Spec, values []any) outcome {
	n := new(big.Rat).SetInt64(int64(len(values)))
	// No sum of doubles or of their squares has more bits.
	const enough = 4400
	total, totalSquare := new(big.Float).SetPrec(enough), new(big.Float).SetPrec(enough)
	special, negativeZeros, finite := 0.0, 0, true
	for _, v := range values {
		x := new(big.Float).SetPrec(enough)
		switch v := v.(type) {
		case int64:
			x.SetInt64(v)
		case float64:
			if math.IsInf(v, 0) || v != v {
				special += v
				finite = false
				continue
			}
			x.SetFloat64(v)
			if v == 0 && math.Signbit(v) {
				negativeZeros++
			}
		}
		total.Add(total, x)
		totalSquare.Add(totalSquare, x.Mul(x, x))
	}
	sum, _ := total.Rat(nil)
	squares, _ := totalSquare.Rat(nil)
	rounded, _ := sum.Float64()
	switch {
	case !finite:
		rounded = special
	case negativeZeros == len(values):
		rounded = math.Copysign(0, -1)
	}
	switch s.Function {
	case aggregate.Sum:
		switch _, isFloat := values[0].(float64); {
		case isFloat:
			return present(rounded)
		case sum.Num().IsInt64():
			return present(sum.Num().Int64())
		}
		return outcome{state: expression.Invalid}
	case aggregate.Mean:
		return present(rounded / float64(len(values)))
	}
	divisor := new(big.Rat).Set(n)
	if s.Function == aggregate.VarianceSample || s.Function == aggregate.StddevSample {
		if divisor.Sub(n, big.NewRat(1, 1)); divisor.Sign() == 0 {
			return null
		}
	}
	if !finite {
		return present(math.NaN())
	}
	squares.Sub(squares.Mul(squares, n), sum.Mul(sum, sum))
	result, _ := squares.Quo(squares, divisor.Mul(divisor, n)).Float64()
	if s.Function == aggregate.Stddev || s.Function == aggregate.StddevSample {
		result = math.Sqrt(result)
	}
	return present(result)
}

func naiveGroups(s aggregate.Spec, events []event) outcome {
	groups := map[any][]event{}
	var keys []any
	isOrdered := s.Function == aggregate.First || s.Function == aggregate.Last
	for _, e := range events {
		key := e.values[s.By]
		if key == (invalid{}) || s.Column != aggregate.None && !isOrdered && e.values[s.Column] == (invalid{}) {
			return outcome{state: expression.Invalid}
		}
		if key == nil {
			continue
		}
		if f, ok := key.(float64); ok {
			// A map has one zero, and any number of NaNs.
			if key = math.Float64bits(f); f != f {
				key = "NaN"
			}
		}
		if groups[key] == nil {
			keys = append(keys, e.values[s.By])
		}
		groups[key] = append(groups[key], e)
	}
	switch {
	case len(keys) > s.MaxValues:
		return outcome{state: expression.Invalid}
	case len(keys) == 0:
		return null
	}
	type result struct{ key, value any }
	var results []result
	inner := s
	inner.By = aggregate.None
	for _, members := range groups {
		of := naive(inner, members)
		switch of.state {
		case expression.Invalid:
			return of
		case expression.Null:
			of.values = []any{nil}
		}
		results = append(results, result{members[0].values[s.By], of.values[0]})
	}
	slices.SortFunc(results, func(a, b result) int { return cmp.Or(order(b.value, a.value), order(a.key, b.key)) })
	var values, of []any
	for _, each := range results[:min(s.N, len(results))] {
		values, of = append(values, each.value), append(of, each.key)
	}
	return present(values, of)
}

// read returns what a result column has in a row.
func read(column *expression.Column, row int) any {
	switch {
	case column.States[row] != expression.Present:
		return nil
	case column.Ends != nil:
		from := 0
		if row > 0 {
			from = column.Ends[row-1]
		}
		var values []any
		for i := from; i < column.Ends[row]; i++ {
			values = append(values, read(column.Elements, i))
		}
		return values
	}
	switch column.Type {
	case plumbv1.Type_BOOL:
		return column.Bools[row]
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		return column.Texts[row]
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		return column.Floats[row]
	}
	return column.Ints[row]
}
