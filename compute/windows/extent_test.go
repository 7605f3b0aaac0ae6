package windows_test

import (
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
)

// expectExtents compares the extent of each window, as read from the state, with a loop over all events.
func (w *world) expectExtents(t testing.TB, state []byte, at int64, events []event) {
	t.Helper()
	for _, a := range w.aggregates {
		got, err := w.layout.Extent(state, at, a.Span)
		if err != nil {
			t.Fatal(err)
		}
		start, end := a.Span.Bounds(at)
		count, earliest := int64(0), int64(0)
		for _, e := range events {
			if e.time > start && e.time <= end {
				if count == 0 || e.time < earliest {
					earliest = e.time
				}
				count++
			}
		}
		if mayBeUntold := !w.countsRows(a.Span) && got.First != windows.FirstEvent; got.Events != count &&
			(got.Events != windows.Untold || !mayBeUntold || count == 0) {
			t.Fatalf("at %d, aggregates %+v, window %+v: told %+v, and %d events count", at, w.aggregates, a.Span, got, count)
		}
		ok := got.First == windows.FirstUnknown && (count == 0 || a.Span.Length == 0)
		switch got.First {
		case windows.FirstEvent:
			ok = count > 0 && got.Earliest == earliest
		case windows.FirstTile:
			ok = got.Earliest < earliest && (a.Span.Length == 0 || earliest <= got.Earliest+a.Span.Hop)
		}
		if !ok {
			t.Fatalf("at %d, aggregates %+v, window %+v: told %+v, and the earliest of %d events is at %d", at, w.aggregates,
				a.Span, got, count, earliest)
		}
	}
}

// countsRows says whether an aggregate counts all events of tiles as long as those of a window.
func (w *world) countsRows(of windows.Span) bool {
	for _, a := range w.aggregates {
		if a.Spec.Function == aggregate.Rows && a.Spec.By == aggregate.None && a.Span.Hop == of.Hop &&
			(a.Span.Length == 0) == (of.Length == 0) {
			return true
		}
	}
	return false
}

func TestAStateTellsHowManyEventsAWindowCountsAndSinceWhen(t *testing.T) {
	dayLong := windows.Span{Length: day, Hop: hour}
	rows := windows.Aggregate{Spec: spec(aggregate.Rows, aggregate.None), Span: dayLong}
	sum := windows.Aggregate{Spec: spec(aggregate.Sum, amount), Span: dayLong}
	lifetime := windows.Aggregate{Spec: spec(aggregate.Rows, aggregate.None)}
	events := []event{{time: day / 2}, {time: 30*hour + 20*minute}, {time: 30*hour + 40*minute}, {time: 48 * hour}}
	for name, c := range map[string]struct {
		aggregates []windows.Aggregate
		at         int64
		want       windows.Extent
	}{
		"an aggregate counts all events": {[]windows.Aggregate{sum, rows}, 48 * hour,
			windows.Extent{Events: 3, First: windows.FirstTile, Earliest: 30 * hour}},
		"none does": {[]windows.Aggregate{sum}, 48 * hour,
			windows.Extent{Events: windows.Untold, First: windows.FirstTile, Earliest: 30 * hour}},
		"all events are recent": {[]windows.Aggregate{sum}, 60 * hour,
			windows.Extent{Events: 1, First: windows.FirstEvent, Earliest: 48 * hour}},
		"the window is empty": {[]windows.Aggregate{sum, rows}, 100 * hour, windows.Extent{}},
		"before the floor":    {[]windows.Aggregate{sum, rows}, 47 * hour, windows.Extent{}},
		"it has no beginning": {[]windows.Aggregate{lifetime}, 48 * hour, windows.Extent{Events: 4}},
		"one of several hops": {[]windows.Aggregate{sum, {Spec: rows.Spec, Span: windows.Span{Length: hour, Hop: minute}}},
			48 * hour, windows.Extent{Events: windows.Untold, First: windows.FirstTile, Earliest: 30 * hour}},
	} {
		w := &world{layout: newLayout(t, c.aggregates...)}
		state := w.build(t, w.layout.Horizon(48*hour, 10*second, 0), events)
		got, err := w.layout.Extent(state, c.at, c.aggregates[0].Span)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v, want %+v (%v)", name, got, c.want, err)
		}
	}
}

func TestTheExtentOfADamagedStateIsAnError(t *testing.T) {
	w := newWorld(t, newRandom(t), 0, 40*day)
	w.events = append(w.events, event{time: 39 * day})
	state := w.build(t, w.layout.Horizon(40*day, 10*second, 0), w.events)
	for length := range state {
		if extent, err := w.layout.Extent(state[:length], 40*day, w.aggregates[0].Span); err == nil {
			t.Errorf("%d bytes of %d tell %+v", length, len(state), extent)
		}
	}
}

func TestABuilderCountsTheTilesOfAState(t *testing.T) {
	sum := spec(aggregate.Sum, amount)
	events := []event{{time: day / 2}, {time: 30*hour + 20*minute}, {time: 30*hour + 40*minute}, {time: 32 * hour},
		{time: 48 * hour}}
	for name, c := range map[string]struct {
		spans []windows.Span
		want  int
	}{
		"of a window":                 {[]windows.Span{{Length: day, Hop: hour}}, 2},
		"of two hops":                 {[]windows.Span{{Length: day, Hop: hour}, {Length: 30 * day, Hop: day}}, 4},
		"all together up to a border": {[]windows.Span{{}}, 2},
		"none of an exact window":     {[]windows.Span{{Length: hour}}, 0},
	} {
		var aggregates []windows.Aggregate
		for _, span := range c.spans {
			aggregates = append(aggregates, windows.Aggregate{Spec: sum, Span: span})
		}
		w := &world{layout: newLayout(t, aggregates...)}
		h := w.layout.Horizon(48*hour, 10*second, 0)
		b := windows.NewBuilder(w.layout)
		b.Begin(h)
		w.add(b, h, events)
		appended(t, b)
		if got := b.Tiles(); got != c.want {
			t.Errorf("%s: %d tiles, want %d", name, got, c.want)
		}
	}
}
