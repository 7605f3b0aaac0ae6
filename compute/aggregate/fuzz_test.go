package aggregate_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/internal/hostiletest"
)

// FuzzState gives any bytes to the part with a number. They are an error, or exactly what the state writes that they
// make.
func FuzzState(f *testing.F) {
	plan := aggregate.NewPlan(allSpecs())
	w := newWorld(plan, 1)
	events := eventsOf(written())
	for row := range events.Times {
		w.add(0, events, row)
	}
	for i, part := range plan.Parts() {
		if part.By == aggregate.None || part.By == part.Column {
			f.Add(uint16(i), w.parts[i].Append(nil, 0))
		}
	}
	f.Fuzz(func(t *testing.T, at uint16, src []byte) {
		part := plan.Parts()[int(at)%len(plan.Parts())]
		readAny(t, part, src)
	})
}

func readAny(t *testing.T, part aggregate.Part, src []byte) {
	t.Helper()
	states := aggregate.NewStates(part)
	states.Grow(2)
	var rest []byte
	var err error
	limit := hostiletest.Limit{Allocated: 100_000, Time: time.Minute}
	limit.Within(t, src, func(context.Context) { rest, err = states.MergeBytes(0, src) })
	written := states.Append(nil, 0)
	if err == nil && !bytes.Equal(written, src[:len(src)-len(rest)]) {
		t.Errorf("%+v reads %x, and writes %x", part, src[:len(src)-len(rest)], written)
	}
	if _, err := states.MergeBytes(1, written); err != nil {
		t.Errorf("%+v writes %x, and does not read it", part, written)
	}
	states.Merge(0, states, 1)
	states.Append(nil, 0)
}

// TestDamagedStates damages each state in many ways. They are errors or states, and each state that is cut off is an
// error.
func TestDamagedStates(t *testing.T) {
	plan := aggregate.NewPlan(allSpecs())
	w := newWorld(plan, 1)
	events := eventsOf(written())
	for row := range events.Times {
		w.add(0, events, row)
	}
	for i, part := range plan.Parts() {
		state := w.parts[i].Append(nil, 0)
		for length := range state {
			states := aggregate.NewStates(part)
			states.Grow(1)
			if _, err := states.MergeBytes(0, state[:length]); err == nil {
				t.Errorf("%+v reads %x, which is cut off", part, state[:length])
			}
		}
		if part.By != aggregate.None && part.By != part.Column {
			continue
		}
		for n := range 25 {
			readAny(t, part, hostiletest.Mutation(state, n))
		}
	}
}
