//go:build !race

// The race detector allocates on its own; make test runs this file without it.

package windows_test

import (
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
)

// usual is a state of windows of an hour, a day and 30 days, with an event each minute.
func usual(t testing.TB) (reader *windows.Reader, state []byte, at int64) {
	var of []windows.Aggregate
	var all []int
	spans := []windows.Span{{Length: hour, Hop: 5 * minute}, {Length: day, Hop: hour}, {Length: 30 * day, Hop: day}}
	for _, span := range spans {
		for _, f := range []aggregate.Function{aggregate.Sum, aggregate.Count, aggregate.Max} {
			all = append(all, len(of))
			of = append(of, windows.Aggregate{Spec: spec(f, price), Span: span})
		}
	}
	w := &world{layout: newLayout(t, of...)}
	for k := range 30 * day / minute {
		w.events = append(w.events, event{time: k * minute, created: aggregate.NoCreated, price: 12.34 + float64(k%100)/100})
	}
	state = w.build(t, w.layout.Horizon(30*day, 10*second, 0), w.events)
	return windows.NewReader(w.layout, all), state, 30*day + 7*second
}

// What a look-up allocates does not grow with the tiles: states are added up in memory that was used before.
func TestAStateAllocatesNothingWhenItIsRead(t *testing.T) {
	reader, state, at := usual(t)
	const rows = 10
	allocations := testing.AllocsPerRun(50, func() {
		e := reader.Begin(rows)
		for range rows {
			if sight, err := e.Add(state, at); err != nil || !sight.Found {
				t.Fatal("the state was not read", err)
			}
		}
		e.Release()
	})
	if allocations > 0 {
		t.Errorf("%v allocations for %d states of %d bytes, want none", allocations, rows, len(state))
	}
}

func BenchmarkState(b *testing.B) {
	reader, state, at := usual(b)
	b.SetBytes(int64(len(state)))
	b.ReportAllocs()
	for b.Loop() {
		e := reader.Begin(1)
		if _, err := e.Add(state, at); err != nil {
			b.Fatal(err)
		}
		e.Release()
	}
}
