package panes_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/panes"
)

// world is some events and labels, and what is asked.
type world struct {
	hashes, checks []uint64
	events         aggregate.Events
	labels         panes.Labels
	question       panes.Question
	specs          []aggregate.Spec
}

var (
	keys = []uint64{0, 1, 1 << 40, 1 << 63, math.MaxUint64}
	// instants include the ends of time, where bounds of windows are clipped.
	instants = rapid.OneOf(rapid.Int64Range(-30, 30), rapid.SampledFrom([]int64{math.MinInt64, math.MinInt64 + 1,
		math.MinInt64 + 7, math.MaxInt64 - 7, math.MaxInt64}))
)

func draw(t *rapid.T) *world {
	w := &world{}
	column := func(kind plumbv1.Type) *expression.Column { return &expression.Column{Type: kind} }
	ints, floats, texts := column(plumbv1.Type_INT64), column(plumbv1.Type_FLOAT64), column(plumbv1.Type_STRING)
	w.events.Columns = []*expression.Column{ints, floats, texts}
	for range rapid.IntRange(0, 40).Draw(t, "events") {
		hash := rapid.SampledFrom(keys).Draw(t, "key")
		// An event of another key may have the hash of a label's.
		w.hashes, w.checks = append(w.hashes, hash), append(w.checks, hash+rapid.Uint64Range(0, 1).Draw(t, "check"))
		w.events.Times = append(w.events.Times, instants.Draw(t, "time"))
		w.events.Created = append(w.events.Created, instants.Draw(t, "created"))
		state := rapid.SampledFrom([]expression.State{0, 0, 0, 0, expression.Null, expression.Invalid})
		for _, column := range w.events.Columns {
			column.States = append(column.States, state.Draw(t, "state"))
		}
		ints.Ints = append(ints.Ints, rapid.Int64Range(-3, 3).Draw(t, "int"))
		floats.Floats = append(floats.Floats, rapid.Float64().Draw(t, "float"))
		texts.Texts = append(texts.Texts, rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "text"))
	}
	for range rapid.IntRange(0, 20).Draw(t, "labels") {
		hash := rapid.SampledFrom(keys).Draw(t, "key")
		w.labels.Hashes, w.labels.Checks = append(w.labels.Hashes, hash), append(w.labels.Checks, hash)
		w.labels.Times = append(w.labels.Times, instants.Draw(t, "t"))
	}
	w.ask(t)
	return w
}

func (w *world) ask(t *rapid.T) {
	choices := []aggregate.Spec{
		{Function: aggregate.Rows, Column: aggregate.None, By: aggregate.None},
		{Function: aggregate.Sum, Column: 0, Type: plumbv1.Type_INT64, By: aggregate.None},
		{Function: aggregate.Mean, Column: 1, Type: plumbv1.Type_FLOAT64, By: aggregate.None},
		{Function: aggregate.Max, Column: 1, Type: plumbv1.Type_FLOAT64, By: aggregate.None},
		{Function: aggregate.Min, Column: 2, Type: plumbv1.Type_STRING, By: aggregate.None},
		{Function: aggregate.Distinct, Column: 2, Type: plumbv1.Type_STRING, By: aggregate.None},
		{Function: aggregate.LastN, N: 2, Column: 2, Type: plumbv1.Type_STRING, By: aggregate.None},
		{Function: aggregate.Histogram, MaxValues: 2, Column: 0, Type: plumbv1.Type_INT64, By: aggregate.None},
	}
	span := rapid.Custom(func(t *rapid.T) windows.Span {
		span := rapid.SampledFrom([]windows.Span{{}, {Length: 1}, {Length: 7}, {Length: 10, Hop: 5}, {Length: 40, Hop: 10}}).
			Draw(t, "window")
		span.Offset = rapid.SampledFrom([]int64{0, 0, 3, 20}).Draw(t, "offset")
		return span
	})
	for range rapid.IntRange(1, 5).Draw(t, "aggregates") {
		a := windows.Aggregate{Spec: rapid.SampledFrom(choices).Draw(t, "spec"), Span: span.Draw(t, "span")}
		w.question.Aggregates = append(w.question.Aggregates, a)
		w.specs = append(w.specs, a.Spec)
		w.question.Spans = append(w.question.Spans, a.Span)
	}
	// Some of the view's windows may not be asked for.
	w.question.Spans = append(w.question.Spans, span.Draw(t, "other"))
	if rapid.Bool().Draw(t, "extent") {
		w.question.Widest = &w.question.Spans[len(w.question.Spans)-1]
	}
	w.question.AsKnown = rapid.Bool().Draw(t, "as known")
	w.question.Plan = aggregate.NewPlan(w.specs)
	w.question.Bytes = math.MaxInt64
}

// counted are the events that count in a window at a label.
func (w *world) counted(hash uint64, at int64, span windows.Span) []int {
	var rows []int
	start, end := span.Bounds(at)
	for row, time := range w.events.Times {
		created := w.events.Created[row]
		known := !w.question.AsKnown || created != aggregate.NoCreated && created <= at
		if w.hashes[row] == hash && w.checks[row] == hash && time > start && time <= end && known {
			rows = append(rows, row)
		}
	}
	return rows
}

// naive goes through all events for a label.
func (w *world) naive(hash uint64, at int64) string {
	latest := int64(math.MinInt64)
	for _, span := range w.question.Spans {
		for _, row := range w.counted(hash, at, span) {
			latest = max(latest, w.events.Times[row])
		}
	}
	if latest == math.MinInt64 {
		return "no row"
	}
	text := fmt.Sprint(latest)
	if w.question.Widest != nil {
		rows := w.counted(hash, at, *w.question.Widest)
		text += fmt.Sprint(" ", len(rows))
		if len(rows) > 0 {
			earliest := int64(math.MaxInt64)
			for _, row := range rows {
				earliest = min(earliest, w.events.Times[row])
			}
			text += fmt.Sprint(" ", earliest)
		}
	}
	for i, a := range w.question.Aggregates {
		states := make([]aggregate.States, len(w.question.Plan.Parts()))
		for _, part := range w.question.Plan.PartsOf(i) {
			states[part] = aggregate.NewStates(w.question.Plan.Parts()[part])
			states[part].Grow(1)
			for _, row := range w.counted(hash, at, a.Span) {
				states[part].Add(0, &w.events, row)
			}
		}
		out := results(a.Spec)
		w.question.Plan.Result(i, states, 0, out, 0)
		text += spell(out, 0)
	}
	return text
}

func results(spec aggregate.Spec) []*expression.Column {
	var out []*expression.Column
	for _, t := range spec.Results() {
		out = append(out, aggregate.NewResult(t, 1))
	}
	return out
}

// spell is the text of a row of results.
func spell(out []*expression.Column, row int) string {
	text := ""
	for _, column := range out {
		text += fmt.Sprint(" ", column.States[row], ":")
		if column.States[row] != expression.Present {
			continue
		}
		one := &expression.Column{Type: column.Type}
		if column.Elements != nil {
			one.Elements = &expression.Column{Type: column.Elements.Type}
		}
		panes.Append(one, column, row)
		text += fmt.Sprintf("%t %d %v %q", one.Bools, one.Ints, one.Floats, one.Texts)
		if one.Elements != nil {
			text += fmt.Sprintf("%d %d %v %q", one.Elements.States, one.Elements.Ints, one.Elements.Floats, one.Elements.Texts)
		}
	}
	return text
}

// index adds all events, in batches, on several threads.
func (w *world) index(t *rapid.T, batch int) *panes.Index {
	labels := panes.Labels{Hashes: slices.Clone(w.labels.Hashes), Checks: slices.Clone(w.labels.Checks),
		Times: slices.Clone(w.labels.Times)}
	x, err := panes.NewIndex(w.question, labels)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for from := 0; from < len(w.hashes); from += batch {
		to := min(from+batch, len(w.hashes))
		wait.Go(func() {
			part := &panes.Batch{Hashes: w.hashes[from:to], Checks: w.checks[from:to], Events: &aggregate.Events{
				Times: w.events.Times[from:to], Created: w.events.Created[from:to]}}
			for _, column := range w.events.Columns {
				copied := &expression.Column{Type: column.Type}
				for row := from; row < to; row++ {
					panes.Append(copied, column, row)
				}
				part.Events.Columns = append(part.Events.Columns, copied)
			}
			x.Add(part, &panes.Work{})
		})
	}
	wait.Wait()
	if err := x.Settle(context.Background(), 2); err != nil {
		t.Fatal(err)
	}
	return x
}

func (w *world) answer(x *panes.Index, label int) string {
	var places [1]panes.Place
	x.Find(w.labels.Hashes[label:label+1], w.labels.Times[label:label+1], places[:])
	if places[0].Shard == panes.NoShard {
		return "no row"
	}
	text := fmt.Sprint(x.EventTime(places[0]))
	if w.question.Widest != nil {
		count, earliest := x.Extent(places[0])
		text += fmt.Sprint(" ", count)
		if count > 0 {
			text += fmt.Sprint(" ", earliest)
		}
	}
	for i := range w.question.Aggregates {
		text += spell(x.Results(i, places[0].Shard), int(places[0].Row))
	}
	return text
}

func TestR18toR22_PanesGiveWhatEveryWindowGivesOnItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := draw(t)
		x := w.index(t, rapid.IntRange(1, 50).Draw(t, "batch"))
		matched := int64(0)
		for label, hash := range w.labels.Hashes {
			want := w.naive(hash, w.labels.Times[label])
			if diff := cmp.Diff(want, w.answer(x, label)); diff != "" {
				t.Fatalf("key %d at %d (-want +got):\n%s", hash, w.labels.Times[label], diff)
			}
			if want != "no row" {
				matched++
			}
		}
		if x.Matched() != matched {
			t.Fatalf("%d labels matched, want %d", x.Matched(), matched)
		}
	})
}

func TestTwoKeysOfOneHashAreACollision(t *testing.T) {
	question := panes.Question{Plan: aggregate.NewPlan(nil), Spans: []windows.Span{{}}, Bytes: math.MaxInt64}
	_, err := panes.NewIndex(question, panes.Labels{Hashes: []uint64{5, 5}, Checks: []uint64{1, 2}, Times: []int64{0, 0}})
	if !errors.Is(err, panes.ErrCollision) {
		t.Errorf("got error %v, want a collision", err)
	}
}

func TestStatesThatTakeTooMuchMemoryAreAnError(t *testing.T) {
	spec := aggregate.Spec{Function: aggregate.Histogram, MaxValues: 1000, Column: 0, Type: plumbv1.Type_INT64,
		By: aggregate.None}
	question := panes.Question{Plan: aggregate.NewPlan([]aggregate.Spec{spec}), Bytes: 40_000,
		Aggregates: []windows.Aggregate{{Spec: spec}}, Spans: []windows.Span{{}}}
	x, err := panes.NewIndex(question, panes.Labels{Hashes: []uint64{5}, Checks: []uint64{5}, Times: []int64{1 << 40}})
	if err != nil {
		t.Fatal(err)
	}
	batch := &panes.Batch{Events: &aggregate.Events{Columns: []*expression.Column{{Type: plumbv1.Type_INT64}}}}
	for i := range 2_000 {
		batch.Hashes, batch.Checks = append(batch.Hashes, 5), append(batch.Checks, 5)
		batch.Events.Times, batch.Events.Created = append(batch.Events.Times, int64(i)), append(batch.Events.Created, 0)
		column := batch.Events.Columns[0]
		column.States, column.Ints = append(column.States, expression.Present), append(column.Ints, int64(i))
	}
	x.Add(batch, &panes.Work{})
	if err := x.Settle(t.Context(), 1); !errors.Is(err, panes.ErrFull) {
		t.Errorf("got error %v, want that the states take too much memory", err)
	}
}

func TestACancelledContextEndsTheComputation(t *testing.T) {
	question := panes.Question{Plan: aggregate.NewPlan(nil), Spans: []windows.Span{{}}, Bytes: math.MaxInt64}
	x, err := panes.NewIndex(question, panes.Labels{Hashes: []uint64{5}, Checks: []uint64{1}, Times: []int64{0}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := x.Settle(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
}
