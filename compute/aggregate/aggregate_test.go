package aggregate_test

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// columnTypes are those of the columns of events in tests.
var columnTypes = []plumbv1.Type{plumbv1.Type_BOOL, plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_FLOAT32,
	plumbv1.Type_FLOAT64, plumbv1.Type_STRING, plumbv1.Type_BYTES, plumbv1.Type_TIMESTAMP}

// allSpecs are all functions of all columns, and by all columns.
func allSpecs() []aggregate.Spec {
	var specs []aggregate.Spec
	for by := aggregate.None; by < len(columnTypes); by++ {
		for of := range columnTypes {
			for _, function := range aggregate.Functions {
				s := aggregate.Spec{Function: function, Column: of, Type: columnTypes[of], By: by, N: 1 + (of+by+1)%4,
					Quantile: float64(of) / 7, Error: 0.01, MaxValues: 7}
				if function == aggregate.Rows {
					s.Column, s.Type = aggregate.None, plumbv1.Type_TYPE_UNSPECIFIED
				}
				if by != aggregate.None {
					s.ByType = columnTypes[by]
				}
				if s.Check() == nil && (function != aggregate.Rows || of == 0) {
					specs = append(specs, s)
				}
			}
		}
	}
	return specs
}

// eventsOf makes columns of events.
func eventsOf(of []event) *aggregate.Events {
	events := &aggregate.Events{}
	for _, t := range columnTypes {
		events.Columns = append(events.Columns, aggregate.NewResult(t, len(of)))
	}
	for row, e := range of {
		events.Times = append(events.Times, e.time)
		events.Created = append(events.Created, e.created)
		for i, v := range e.values {
			column := events.Columns[i]
			switch v := v.(type) {
			case nil:
				column.States[row] = expression.Null
			case invalid:
				column.States[row] = expression.Invalid
			case bool:
				column.Bools[row] = v
			case int64:
				column.Ints[row] = v
			case float64:
				column.Floats[row] = v
			case string:
				column.Texts[row] = v
			}
		}
	}
	return events
}

// world is states of a plan.
type world struct {
	plan  *aggregate.Plan
	parts []aggregate.States
}

func newWorld(plan *aggregate.Plan, places int) *world {
	w := &world{plan: plan}
	for _, part := range plan.Parts() {
		states := aggregate.NewStates(part)
		states.Grow(places)
		w.parts = append(w.parts, states)
	}
	return w
}

func (w *world) add(place int, events *aggregate.Events, row int) {
	for _, states := range w.parts {
		states.Add(place, events, row)
	}
}

// addRows adds a batch in two, of every other row each.
func (w *world) addRows(places []uint32, events *aggregate.Events) {
	for first := range 2 {
		var some, rows []uint32
		for row := first; row < len(places); row += 2 {
			some, rows = append(some, places[row]), append(rows, uint32(row))
		}
		for _, states := range w.parts {
			aggregate.AddRows(states, some, rows, events)
		}
	}
}

// bytes are those of the states of a place.
func (w *world) bytes(place int) [][]byte {
	var all [][]byte
	for _, states := range w.parts {
		all = append(all, states.Append(nil, place))
	}
	return all
}

func (w *world) result(spec int, s aggregate.Spec, place int) outcome {
	var out []*expression.Column
	for _, t := range s.Results() {
		out = append(out, aggregate.NewResult(t, 1))
	}
	w.plan.Result(spec, w.parts, place, out, 0)
	of := outcome{state: out[0].States[0]}
	for _, column := range out {
		if of.state == expression.Present {
			of.values = append(of.values, read(column, 0))
		}
	}
	return of
}

var floats = []float64{0, math.Copysign(0, -1), 1, -1, 0.5, 1.5, 1e-3, 12.34, -99.99, 5e-324, -5e-324, 0x1p-1022, 3e38,
	-3e38, math.MaxFloat64, -math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(),
	math.Float64frombits(0xfff8000000000001), 1 << 53, 1e300, 1e-300, 0x1p-1074 * 7}

var integers = []int64{0, 1, -1, 2, 3, 100, -100, 1 << 31, -1 << 31, 1<<53 + 1, math.MaxInt64, math.MinInt64,
	math.MaxInt64 - 1}

var strings = []string{"", "a", "b", "\x00", "ab", "\xff\xfe", "ä", "a longer text than the others"}

// drawValue draws a value of a type. Tame values are those of usual data.
func drawValue(t *rapid.T, of plumbv1.Type, tame bool) any {
	if kind := rapid.IntRange(0, 60).Draw(t, "kind"); kind < 7 {
		return nil
	} else if kind == 7 && !tame {
		return invalid{}
	}
	switch of {
	case plumbv1.Type_BOOL:
		return rapid.Bool().Draw(t, "bool")
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		return rapid.SampledFrom(strings).Draw(t, "text")
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		x := rapid.SampledFrom(floats).Draw(t, "float")
		switch {
		case tame:
			x = float64(rapid.IntRange(-3, 9).Draw(t, "tame")) * 1.37
		case rapid.Bool().Draw(t, "any"):
			x = rapid.Float64().Draw(t, "double")
		}
		if of == plumbv1.Type_FLOAT32 {
			return float64(float32(x))
		}
		return x
	}
	x := rapid.SampledFrom(integers).Draw(t, "integer")
	if tame {
		x = rapid.Int64Range(-3, 9).Draw(t, "tame")
	}
	if of == plumbv1.Type_INT32 {
		return int64(int32(x))
	}
	return x
}

func drawEvents(t *rapid.T, most int) []event {
	tame := rapid.Bool().Draw(t, "tame")
	events := make([]event, rapid.IntRange(0, most).Draw(t, "events"))
	for i := range events {
		e := event{time: rapid.Int64Range(-2, 3).Draw(t, "time"), created: aggregate.NoCreated}
		if rapid.Bool().Draw(t, "known") {
			e.created = rapid.Int64Range(-2, 2).Draw(t, "created")
		}
		for _, of := range columnTypes {
			e.values = append(e.values, drawValue(t, of, tame))
		}
		events[i] = e
	}
	return events
}

// inParts adds events in any order to several places, which are merged and stored in any order. Parts that can be
// subtracted from also get other events, which are taken out again.
func inParts(t *rapid.T, plan *aggregate.Plan, events []event, others []event) *world {
	const places = 4
	w := newWorld(plan, places)
	added, other := eventsOf(events), eventsOf(others)
	extra := newWorld(plan, places)
	for row := range others {
		place := rapid.IntRange(0, places-1).Draw(t, "other place")
		extra.add(place, other, row)
		for i, part := range plan.Parts() {
			if part.Invertible() {
				w.parts[i].Add(place, other, row)
			}
		}
	}
	if rapid.Bool().Draw(t, "as a batch") {
		w.addRows(rapid.SliceOfN(rapid.Uint32Range(0, places-1), len(events), len(events)).Draw(t, "places"), added)
	} else {
		for _, row := range rapid.Permutation(rowsOf(events)).Draw(t, "order") {
			w.add(rapid.IntRange(0, places-1).Draw(t, "place"), added, row)
		}
	}
	subtract := rapid.IntRange(0, 1).Draw(t, "subtract late")
	for place := range places {
		if subtract == 0 {
			w.subtract(place, extra, place)
		}
	}
	for place := places - 1; place > 0; place-- {
		to := rapid.IntRange(0, place-1).Draw(t, "to")
		w.merge(t, to, place, rapid.Bool().Draw(t, "stored"))
		extra.merge(t, to, place, false)
		if subtract == 1 && place == 1 {
			w.subtract(0, extra, 0)
		}
	}
	return w
}

func rowsOf(events []event) []int {
	rows := make([]int, len(events))
	for i := range rows {
		rows[i] = i
	}
	return rows
}

func (w *world) subtract(place int, from *world, at int) {
	for i, part := range w.plan.Parts() {
		if part.Invertible() {
			w.parts[i].Subtract(place, from.parts[i], at)
		}
	}
}

func (w *world) merge(t *rapid.T, place, at int, stored bool) {
	for i, states := range w.parts {
		if !stored {
			states.Merge(place, states, at)
		} else if rest, err := states.MergeBytes(place, append(states.Append(nil, at), 1, 2)); err != nil || len(rest) != 2 {
			t.Fatalf("%+v: %v, rest %x", w.plan.Parts()[i], err, rest)
		}
		states.Reset(at)
	}
}

func TestR20_OrderIsNothing(t *testing.T) {
	specs := allSpecs()
	plan := aggregate.NewPlan(specs)
	rapid.Check(t, func(t *rapid.T) {
		events, others := drawEvents(t, 14), drawEvents(t, 4)
		one, two := inParts(t, plan, events, others), inParts(t, plan, events, others)
		first, second := one.bytes(0), two.bytes(0)
		for i, part := range plan.Parts() {
			if !bytes.Equal(first[i], second[i]) {
				t.Fatalf("the states of %+v of the same events are %x and %x", part, first[i], second[i])
			}
		}
		for i, s := range specs {
			want, got := naive(s, events), one.result(i, s, 0)
			if err := differs(s, got, want); err != nil {
				t.Fatalf("%+v of %v: %v", s, events, err)
			}
			if got, again := fmt.Sprint(got), fmt.Sprint(two.result(i, s, 0)); got != again {
				t.Fatalf("%+v is %s and %s", s, got, again)
			}
		}
	})
}

// differs returns how a result differs from the one wanted. Sketches may differ within their error, others by no bit.
func differs(s aggregate.Spec, got, want outcome) error {
	isSketch := s.Function == aggregate.Percentile || s.Function == aggregate.Distinct
	switch {
	case got.state != want.state || len(got.values) != len(want.values):
	case s.By != aggregate.None && isSketch:
		// The order of groups follows from values that are not exact.
		if len(got.values) == 0 || len(got.values[0].([]any)) == len(want.values[0].([]any)) {
			return nil
		}
	case got.state != expression.Present:
		return nil
	case s.Function == aggregate.Distinct:
		if math.Abs(float64(got.values[0].(int64)-want.values[0].(int64))) <= 1 {
			return nil
		}
	case s.Function == aggregate.Percentile:
		if isWithin(got.values[0].(float64), want.values[0], s.Error) {
			return nil
		}
	case same(got.values, want.values):
		return nil
	}
	return fmt.Errorf("%+v, not %+v", got, want)
}

func isWithin(got float64, want any, relative float64) bool {
	x, ok := want.(float64)
	if !ok {
		x = float64(want.(int64))
	}
	return got == x || got != got && x != x || math.Abs(got-x) <= relative*math.Abs(x)
}

// same compares bit for bit, and takes no NaN but the one of results.
func same(got, want any) bool {
	switch got := got.(type) {
	case []any:
		want, ok := want.([]any)
		if !ok || len(got) != len(want) {
			return false
		}
		for i := range got {
			if !same(got[i], want[i]) {
				return false
			}
		}
		return true
	case float64:
		want, ok := want.(float64)
		pattern := math.Float64bits(want)
		if want != want {
			pattern = 0x7ff8000000000000
		}
		return ok && math.Float64bits(got) == pattern
	}
	return got == want
}
