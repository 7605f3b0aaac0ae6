package aggregate_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// column 0 of the given type, without groups.
func specOf(function aggregate.Function, of plumbv1.Type) aggregate.Spec {
	return aggregate.Spec{Function: function, Type: of, By: aggregate.None, N: 3, Quantile: 0.5, Error: 0.01,
		MaxValues: 1000}
}

// columnOf are events with one column of values.
func columnOf(of plumbv1.Type, values ...any) *aggregate.Events {
	before := columnTypes
	columnTypes = []plumbv1.Type{of}
	defer func() { columnTypes = before }()
	var events []event
	for _, v := range values {
		events = append(events, event{values: []any{v}})
	}
	return eventsOf(events)
}

// compute adds all rows at one place.
func compute(s aggregate.Spec, events *aggregate.Events) outcome {
	w := newWorld(aggregate.NewPlan([]aggregate.Spec{s}), 1)
	for row := range events.Times {
		w.add(0, events, row)
	}
	return w.result(0, s, 0)
}

func TestR21_Results(t *testing.T) {
	inf, nan, minus0 := math.Inf(1), math.NaN(), math.Copysign(0, -1)
	float, integer := plumbv1.Type_FLOAT64, plumbv1.Type_INT64
	isInvalid := outcome{state: expression.Invalid}
	for _, c := range []struct {
		function aggregate.Function
		of       plumbv1.Type
		values   []any
		want     outcome
	}{
		{aggregate.Rows, integer, []any{nil, int64(1), invalid{}}, present(int64(3))},
		{aggregate.Count, integer, []any{nil, int64(1)}, present(int64(1))},
		{aggregate.Count, integer, []any{invalid{}, int64(1)}, isInvalid},
		{aggregate.Sum, integer, []any{int64(math.MaxInt64), int64(1)}, isInvalid},
		{aggregate.Sum, integer, []any{int64(math.MaxInt64), int64(1), int64(-1)}, present(int64(math.MaxInt64))},
		{aggregate.Mean, integer, []any{int64(math.MaxInt64), int64(math.MaxInt64)}, present(0x1p63)},
		{aggregate.Sum, float, []any{1e16, 1.0, 1.0}, present(1e16 + 2)},
		{aggregate.Sum, float, []any{math.MaxFloat64, math.MaxFloat64}, present(inf)},
		{aggregate.Sum, float, []any{math.MaxFloat64, math.MaxFloat64, -math.MaxFloat64}, present(math.MaxFloat64)},
		{aggregate.Sum, float, []any{minus0, minus0, nil}, present(minus0)},
		{aggregate.Sum, float, []any{minus0, 0.0}, present(0.0)},
		{aggregate.Sum, float, []any{inf, -inf}, present(nan)},
		{aggregate.Sum, float, []any{nil}, null},
		{aggregate.Mean, float, []any{-inf, 1.0}, present(-inf)},
		{aggregate.Mean, float, []any{minus0}, present(minus0)},
		{aggregate.Variance, float, []any{1e9 + 1, 1e9 + 2, 1e9 + 3}, present(2.0 / 3)},
		{aggregate.VarianceSample, integer, []any{int64(1), int64(3)}, present(2.0)},
		{aggregate.StddevSample, integer, []any{int64(7)}, null},
		{aggregate.Stddev, integer, []any{int64(7)}, present(0.0)},
		{aggregate.Stddev, float, []any{inf}, present(nan)},
		{aggregate.Stddev, float, []any{-math.MaxFloat64, math.MaxFloat64}, present(inf)},
		{aggregate.Min, float, []any{0.0, minus0, nan}, present(minus0)},
		{aggregate.Max, float, []any{inf, nan}, present(nan)},
		{aggregate.Max, plumbv1.Type_STRING, []any{"b", "a\xff", "ab"}, present("b")},
		{aggregate.Last, integer, []any{int64(1), nil}, present(int64(1))},
		{aggregate.First, integer, []any{int64(1), nil}, null},
		{aggregate.LastN, integer, []any{int64(2), nil, int64(1), nil}, present([]any{nil, int64(1), int64(2)})},
		{aggregate.LastN, integer, []any{invalid{}, int64(1), int64(2), int64(3)},
			present([]any{int64(1), int64(2), int64(3)})},
		{aggregate.LastN, integer, []any{invalid{}, int64(1)}, isInvalid},
		{aggregate.Distinct, float, []any{0.0, minus0, nan, math.Float64frombits(0xfff8000000000001)}, present(int64(3))},
		{aggregate.TopK, plumbv1.Type_STRING, []any{"c", "b", "a", "b", "a", "d", nil},
			present([]any{"a", "b", "c"}, []any{int64(2), int64(2), int64(1)})},
		{aggregate.Histogram, plumbv1.Type_BOOL, []any{true, false, true},
			present([]any{false, true}, []any{int64(1), int64(2)})},
		{aggregate.Percentile, integer, []any{int64(3), int64(1), int64(2)}, present(2.0)},
		{aggregate.Percentile, float, []any{nan, inf, -inf}, present(inf)},
		{aggregate.Percentile, float, []any{0.0, minus0}, present(minus0)},
		{aggregate.Percentile, float, []any{nan, nan, 1.0}, present(nan)},
	} {
		got := compute(specOf(c.function, c.of), columnOf(c.of, c.values...))
		if got.state != c.want.state || !same(got.values, c.want.values) {
			t.Errorf("%s of %v is %v, not %v", c.function, c.values, got, c.want)
		}
	}
}

func TestR22_FunctionsOfNoEvents(t *testing.T) {
	for _, s := range allSpecs() {
		want := null
		if s.By == aggregate.None {
			switch s.Function {
			case aggregate.Rows, aggregate.Count, aggregate.Distinct:
				want = present(int64(0))
			}
		}
		if got := compute(s, eventsOf(nil)); got.state != want.state || !same(got.values, want.values) {
			t.Errorf("%+v of no events is %v", s, got)
		}
	}
}

// TestR21_LongRuns adds thousands of events to one state. An accumulator that carries too late would overflow.
func TestR21_LongRuns(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round, wild := range []bool{false, true, false, true} {
		var floatsOf, integersOf, huge []any
		for range 5000 + random.IntN(2000) {
			x, n := random.ExpFloat64()*100, random.Int64N(1e6)
			if wild {
				x, n = math.Float64frombits(random.Uint64N(0x7ff<<52)), int64(random.Uint64())
			}
			floatsOf, integersOf = append(floatsOf, x), append(integersOf, n)
			huge = append(huge, math.Ldexp(1-float64(round/2), 1020), -0x1p-1070)
		}
		for _, function := range []aggregate.Function{aggregate.Sum, aggregate.Mean, aggregate.Variance,
			aggregate.VarianceSample, aggregate.Stddev, aggregate.StddevSample} {
			for _, values := range [][]any{floatsOf, integersOf, huge} {
				of := plumbv1.Type_FLOAT64
				if _, ok := values[0].(int64); ok {
					of = plumbv1.Type_INT64
				}
				s := specOf(function, of)
				var events []event
				for _, v := range values {
					events = append(events, event{values: []any{v}})
				}
				got, want := compute(s, columnOf(of, values...)), naive(s, events)
				if got.state != want.state || !same(got.values, want.values) {
					t.Errorf("%s of %d values is %v, not %v", function, len(values), got, want)
				}
			}
		}
	}
}

// TestR21_Distinct pins estimates, whose bits are the same on every machine, and checks how close they are.
func TestR21_Distinct(t *testing.T) {
	s := specOf(aggregate.Distinct, plumbv1.Type_STRING)
	plan := aggregate.NewPlan([]aggregate.Spec{s})
	w := newWorld(plan, 2)
	var got []int64
	n := 0
	for _, upTo := range []int{1, 10, 100, 1_000, 10_000, 100_000} {
		for ; n < upTo; n++ {
			w.add(n%2, columnOf(plumbv1.Type_STRING, fmt.Sprint("value ", n)), 0)
		}
		whole := newWorld(plan, 2)
		for _, place := range []int{0, 1, 0} {
			for i := range w.parts {
				whole.parts[i].Merge(0, w.parts[i], place)
				whole.parts[i].Merge(1, w.parts[i], 1-place)
			}
		}
		if i := len(w.parts) - 1; !bytes.Equal(whole.parts[i].Append(nil, 0), whole.parts[i].Append(nil, 1)) {
			t.Error("the order of merging shows in the registers")
		}
		estimate := whole.result(0, s, 1).values[0].(int64)
		if math.Abs(float64(estimate)-float64(n)) > 0.05*float64(n) {
			t.Errorf("%d values are estimated as %d", n, estimate)
		}
		got = append(got, estimate)
	}
	if want := "[1 10 101 991 9831 97640]"; fmt.Sprint(got) != want {
		t.Errorf("the estimates are %v, not %s", got, want)
	}
}

func TestR21_PercentilesAreWithinTheirError(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for _, relative := range []float64{0.5, 0.25, 0.1, 0.01, 0.003, 0.0001} {
		for round := range 200 {
			var floatsOf, integersOf []any
			var events, wholes []event
			for range 1 + random.IntN(30) {
				x, n := math.Float64frombits(random.Uint64()), int64(random.Uint64())>>random.IntN(64)
				floatsOf, integersOf = append(floatsOf, x), append(integersOf, n)
				events = append(events, event{values: []any{x}})
				wholes = append(wholes, event{values: []any{n}})
			}
			s := specOf(aggregate.Percentile, plumbv1.Type_FLOAT64)
			s.Error, s.Quantile = relative, float64(round%21)/20
			got, want := compute(s, columnOf(s.Type, floatsOf...)), naive(s, events)
			if !isWithin(got.values[0].(float64), want.values[0], relative) {
				t.Errorf("%v is more than %v from %v", got, relative, want)
			}
			s.Type = plumbv1.Type_INT64
			got, want = compute(s, columnOf(s.Type, integersOf...)), naive(s, wholes)
			if !isWithin(got.values[0].(float64), want.values[0], relative) {
				t.Errorf("%v is more than %v from %v", got, relative, want)
			}
		}
	}
}

func TestR21_MoreThanMaxValuesAreInvalidUntilTheyAreTakenOut(t *testing.T) {
	for _, function := range []aggregate.Function{aggregate.TopK, aggregate.Histogram, aggregate.Rows} {
		s := specOf(function, plumbv1.Type_INT64)
		if function == aggregate.Rows {
			s.Column, s.By, s.ByType = aggregate.None, 0, s.Type
		}
		w := newWorld(aggregate.NewPlan([]aggregate.Spec{s}), 2)
		var values []any
		for n := range 1001 {
			values = append(values, int64(n*7919))
		}
		events := columnOf(plumbv1.Type_INT64, values...)
		for row := range values {
			w.add(0, events, row)
		}
		w.add(1, events, 500)
		if got := w.result(0, s, 0); got.state != expression.Invalid {
			t.Errorf("%s of 1,001 values is %v", function, got)
		}
		w.subtract(0, w, 1)
		if got := w.result(0, s, 0); got.state != expression.Present {
			t.Errorf("%s of 1,000 values is %v", function, got)
		}
	}
}

func TestSpecsShareParts(t *testing.T) {
	var specs []aggregate.Spec
	for _, function := range []aggregate.Function{aggregate.Count, aggregate.Sum, aggregate.Mean, aggregate.Stddev,
		aggregate.Variance, aggregate.Max, aggregate.Percentile, aggregate.Percentile} {
		specs = append(specs, specOf(function, plumbv1.Type_INT32))
	}
	specs[7].Quantile = 0.9
	var kinds []string
	for _, part := range aggregate.NewPlan(specs).Parts() {
		kinds = append(kinds, names[part.Kind])
	}
	if got := fmt.Sprint(kinds); got != "[count sum squares max buckets]" {
		t.Errorf("the parts are %s", got)
	}
}

func TestSpecsThatCannotBeComputed(t *testing.T) {
	float := plumbv1.Type_FLOAT64
	change := func(s aggregate.Spec, f func(*aggregate.Spec)) aggregate.Spec {
		f(&s)
		return s
	}
	for _, c := range []struct {
		spec aggregate.Spec
		want string
	}{
		{specOf(aggregate.Mean, plumbv1.Type_STRING),
			"mean is computed of numbers, and the column is STRING; compute a number in columns"},
		{specOf(aggregate.Max, plumbv1.Type_INT32_ARRAY), "max is computed of single values, and the column is INT32_ARRAY"},
		{change(specOf(aggregate.TopK, float), func(s *aggregate.Spec) { s.By, s.ByType = 1, float }),
			"top_k gives an array, and with by there would be one for each group; leave by out"},
		{change(specOf(aggregate.Sum, float), func(s *aggregate.Spec) { s.By, s.ByType = 1, plumbv1.Type_BOOL_ARRAY }),
			"events are grouped by single values, and the column of by is BOOL_ARRAY"},
		{change(specOf(aggregate.LastN, float), func(s *aggregate.Spec) { s.N = 0 }),
			"last_n gives at least one value; say how many"},
		{change(specOf(aggregate.Percentile, float), func(s *aggregate.Spec) { s.Quantile = math.NaN() }),
			"a quantile of NaN is not between 0 and 1"},
		{change(specOf(aggregate.Percentile, float), func(s *aggregate.Spec) { s.Error = 0 }),
			"an error of 0 is not between 0.0001 and 0.5"},
	} {
		if err := c.spec.Check(); err == nil || err.Error() != c.want {
			t.Errorf("%+v: %v, not %s", c.spec, err, c.want)
		}
	}
}
