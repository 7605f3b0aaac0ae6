package aggregate_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/compute/aggregate"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

var update = flag.Bool("update", false, "write the golden files")

// written are events of which the bytes of states are pinned.
func written() []event {
	events := []event{
		{1_700_000_000_000_000, 1_700_000_000_500_000, []any{true, int64(7), int64(1 << 40), 1.5, 12.34, "a", "\x00b",
			int64(1_600_000_000_000_000)}},
		{1_700_000_000_000_000, aggregate.NoCreated, []any{false, int64(-7), int64(-3), -0.25, 99.99, "b", "", int64(0)}},
		{1_700_000_060_000_000, 1_700_000_000_000_000, []any{nil, nil, nil, nil, nil, nil, nil, nil}},
		{-5, -7, []any{true, int64(0), int64(9), 0.0, 1e-300, "a", "c", int64(-1)}},
		{9, 9, []any{true, int64(0), int64(9), 0x1p100, 1e300, "a", "c", invalid{}}},
	}
	return append(events, event{10, 10, []any{false, int64(1), int64(9), float64(float32(0.1)), floats[1], "d", "c", nil}})
}

// TestBytesOfStates pins the bytes of each part. They are stored, so they do not change unless the version of what
// stores them does.
func TestBytesOfStates(t *testing.T) {
	plan := aggregate.NewPlan(allSpecs())
	w := newWorld(plan, 2)
	events := eventsOf(written())
	for row := range events.Times {
		w.add(0, events, row)
	}
	var text bytes.Buffer
	for i, part := range plan.Parts() {
		if part.By != aggregate.None && part.By != 5 && part.Column > 0 {
			continue
		}
		state := w.parts[i].Append(nil, 0)
		fmt.Fprintf(&text, "%s of %s by %s, at most %d: %x\n", names[part.Kind], part.Type, part.ByType, part.N, state)
		if _, err := w.parts[i].MergeBytes(1, state); err != nil || !bytes.Equal(w.parts[i].Append(nil, 1), state) {
			t.Errorf("%+v is not read as it was written: %v", part, err)
		}
	}
	const path = "testdata/states.golden"
	if *update {
		if err := os.WriteFile(path, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Error(diff)
	}
}

var names = map[aggregate.PartKind]string{aggregate.PartRows: "rows", aggregate.PartCount: "count",
	aggregate.PartSum: "sum", aggregate.PartSquares: "squares", aggregate.PartMin: "min", aggregate.PartMax: "max",
	aggregate.PartFirst: "first", aggregate.PartLast: "last", aggregate.PartDistinct: "distinct",
	aggregate.PartBuckets: "buckets"}

// TestATileIsSmall holds the size of the states of sum, count and max of usual prices.
func TestATileIsSmall(t *testing.T) {
	var specs []aggregate.Spec
	for _, function := range []aggregate.Function{aggregate.Sum, aggregate.Count, aggregate.Max} {
		specs = append(specs, aggregate.Spec{Function: function, Type: plumbv1.Type_FLOAT64, By: aggregate.None})
	}
	w := newWorld(aggregate.NewPlan(specs), 1)
	events := &aggregate.Events{Columns: eventsOf(nil).Columns[:0]}
	column := aggregate.NewResult(plumbv1.Type_FLOAT64, 1000)
	events.Columns = append(events.Columns, column)
	for row := range column.Floats {
		column.Floats[row] = float64(row*7919%100_000) / 100
		w.add(0, events, row)
	}
	if size := len(bytes.Join(w.bytes(0), nil)); size > 28 {
		t.Errorf("%d bytes", size)
	}
}
