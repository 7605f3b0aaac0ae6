package windows_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

const (
	second = int64(1_000_000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// The columns of events in these tests.
const (
	amount = iota
	price
	shop
)

var types = []plumbv1.Type{plumbv1.Type_INT64, plumbv1.Type_FLOAT64, plumbv1.Type_STRING}

// event is one event of an entity.
type event struct {
	time, created int64
	amount        int64
	price         float64
	shop          string
	// states are those of the columns.
	states [3]expression.State
	// arrived is when the source has it, for tests in which events come late.
	arrived int64
}

// eventsOf are events in columns.
func eventsOf(events []event) *aggregate.Events {
	columns := make([]*expression.Column, len(types))
	for i, t := range types {
		columns[i] = &expression.Column{Type: t}
	}
	all := &aggregate.Events{Columns: columns}
	for _, e := range events {
		all.Times, all.Created = append(all.Times, e.time), append(all.Created, e.created)
		columns[amount].Ints = append(columns[amount].Ints, e.amount)
		columns[price].Floats = append(columns[price].Floats, e.price)
		columns[shop].Texts = append(columns[shop].Texts, e.shop)
		for i, column := range columns {
			column.States = append(column.States, e.states[i])
		}
	}
	return all
}

func spec(function aggregate.Function, column int) aggregate.Spec {
	s := aggregate.Spec{Function: function, Column: column, By: aggregate.None}
	if column != aggregate.None {
		s.Type = types[column]
	}
	switch function {
	case aggregate.LastN, aggregate.TopK:
		s.N, s.MaxValues = 3, 10
	case aggregate.Percentile:
		s.Quantile, s.Error = 0.9, 0.01
	case aggregate.Histogram:
		s.MaxValues = 20
	}
	return s
}

// by is a function of a column for the shops where it is greatest.
func by(function aggregate.Function, column int) aggregate.Spec {
	s := spec(function, column)
	s.By, s.ByType, s.N, s.MaxValues = shop, types[shop], 2, 10
	return s
}

// specs are some of each kind of part.
var specs = []aggregate.Spec{
	spec(aggregate.Rows, aggregate.None), spec(aggregate.Count, price), spec(aggregate.Sum, amount),
	spec(aggregate.Sum, price), spec(aggregate.Max, price), spec(aggregate.Last, shop), spec(aggregate.LastN, amount),
	spec(aggregate.LastN, shop), spec(aggregate.First, price), spec(aggregate.Min, shop), spec(aggregate.Mean, price),
	spec(aggregate.Stddev, amount), spec(aggregate.VarianceSample, price), spec(aggregate.Distinct, shop),
	spec(aggregate.Percentile, price), spec(aggregate.TopK, shop), spec(aggregate.Histogram, amount),
	by(aggregate.Sum, price), by(aggregate.Rows, aggregate.None),
}

// spans are windows of all kinds.
var spans = []windows.Span{
	{Length: hour, Hop: 5 * minute}, {Length: day, Hop: hour}, {Length: 30 * day, Hop: day}, {Length: 7 * day, Hop: hour},
	{Length: day, Hop: hour, Offset: 90 * minute}, {Length: 3 * day, Hop: day, Offset: 2 * day}, {Length: 10 * minute},
	{}, {Offset: day}, {Length: 20 * minute, Hop: minute},
}

// world is a random layout and random events of one entity.
type world struct {
	*rand.Rand
	layout     *windows.Layout
	aggregates []windows.Aggregate
	reader     *windows.Reader
	events     []event
}

func newWorld(t testing.TB, random *rand.Rand, from, to int64) *world {
	t.Helper()
	w := &world{Rand: random}
	mine := slices.Clone(spans)
	random.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
	for range 1 + random.IntN(6) {
		w.aggregates = append(w.aggregates, windows.Aggregate{Spec: specs[random.IntN(len(specs))],
			Span: mine[random.IntN(1+random.IntN(4))]})
	}
	w.layout = newLayout(t, w.aggregates...)
	var all []int
	for i := range w.aggregates {
		all = append(all, i)
	}
	w.reader = windows.NewReader(w.layout, all)
	for range random.IntN(60) {
		w.events = append(w.events, w.event(from, to))
	}
	for range random.IntN(3) {
		if len(w.events) > 0 {
			w.events = append(w.events, w.events[random.IntN(len(w.events))])
		}
	}
	w.sort()
	return w
}

func newLayout(t testing.TB, aggregates ...windows.Aggregate) *windows.Layout {
	t.Helper()
	l, err := windows.NewLayout(aggregates, types)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// instant is often at the border of a hop, or beside one.
func (w *world) instant(from, to int64) int64 {
	at := from + w.Int64N(to-from)
	if w.IntN(3) > 0 {
		hop := []int64{minute, 5 * minute, hour, day}[w.IntN(4)]
		at = at/hop*hop + w.Int64N(3) - 1
	}
	return min(max(at, from), to)
}

func (w *world) event(from, to int64) event {
	e := event{time: w.instant(from, to), created: aggregate.NoCreated, amount: w.Int64N(200) - 100,
		price: float64(w.IntN(400)-200) / 4, shop: string(rune('a' + w.IntN(4)))}
	if w.IntN(2) == 0 {
		e.created = e.time + w.Int64N(2*hour) - hour/2
	}
	for i := range e.states {
		if w.IntN(6) == 0 {
			e.states[i] = expression.State(1 + w.IntN(2))
		}
	}
	return e
}

// sort orders events by time, and those of one time at random.
func (w *world) sort() {
	w.Shuffle(len(w.events), func(i, j int) { w.events[i], w.events[j] = w.events[j], w.events[i] })
	slices.SortStableFunc(w.events, func(a, b event) int { return cmp.Compare(a.time, b.time) })
}

// build is the state of all events at once.
func (w *world) build(t testing.TB, h windows.Horizon, events []event) []byte {
	t.Helper()
	b := windows.NewBuilder(w.layout)
	b.Begin(h)
	w.add(b, h, events)
	return appended(t, b)
}

// add adds what a source is asked for.
func (w *world) add(b *windows.Builder, h windows.Horizon, events []event) {
	start, ok := w.layout.Start(h)
	columns := eventsOf(events)
	for row, e := range events {
		if (!ok || e.time > start) && e.time <= h.Through {
			b.Add(columns, row)
		}
	}
}

func appended(t testing.TB, b *windows.Builder) []byte {
	t.Helper()
	state, err := b.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return state
}

// expect compares what a state shows at an instant with a loop over all events.
func (w *world) expect(t testing.TB, state []byte, at int64, events []event) {
	t.Helper()
	got := w.shown(t, state, at)
	if want := w.naive(at, events); got != want {
		t.Fatalf("at %d, aggregates %+v\n got %s\nwant %s", at, w.aggregates, got, want)
	}
	w.expectExtents(t, state, at, events)
}

func (w *world) shown(t testing.TB, state []byte, at int64) string {
	t.Helper()
	e := w.reader.Begin(1)
	defer e.Release()
	sight, err := e.Add(state, at)
	if err != nil {
		t.Fatal(err)
	}
	if sight.BeforeFloor {
		return "before the floor"
	}
	if !sight.Found {
		return "nothing"
	}
	text := fmt.Sprint(sight.Event)
	for i := range w.aggregates {
		for _, column := range e.Columns(i) {
			text += "; " + describe(column, 0)
		}
	}
	return text
}

func (w *world) naive(at int64, events []event) string {
	columns := eventsOf(events)
	plan := aggregate.NewPlan(specsOf(w.aggregates))
	latest, found := int64(0), false
	text := ""
	for i, a := range w.aggregates {
		start, end := a.Span.Bounds(at)
		states := make([]aggregate.States, len(plan.Parts()))
		for j, part := range plan.Parts() {
			states[j] = aggregate.NewStates(part)
			states[j].Grow(1)
		}
		for row, e := range events {
			if e.time <= start || e.time > end {
				continue
			}
			if !found || e.time > latest {
				latest, found = e.time, true
			}
			for _, part := range slices.Compact(slices.Sorted(slices.Values(plan.PartsOf(i)))) {
				states[part].Add(0, columns, row)
			}
		}
		var results []*expression.Column
		for _, t := range a.Spec.Results() {
			results = append(results, aggregate.NewResult(t, 1))
		}
		plan.Result(i, states, 0, results, 0)
		for _, result := range results {
			text += "; " + describe(result, 0)
		}
	}
	if !found {
		return "nothing"
	}
	return fmt.Sprint(latest) + text
}

func specsOf(aggregates []windows.Aggregate) []aggregate.Spec {
	var all []aggregate.Spec
	for _, a := range aggregates {
		all = append(all, a.Spec)
	}
	return all
}

func describe(c *expression.Column, row int) string {
	if c.States[row] != expression.Present {
		return [...]string{"", "null", "invalid"}[c.States[row]]
	}
	switch {
	case c.Elements != nil:
		from := 0
		if row > 0 {
			from = c.Ends[row-1]
		}
		text := "["
		for i := from; i < c.Ends[row]; i++ {
			text += describe(c.Elements, i) + " "
		}
		return text + "]"
	case c.Type == plumbv1.Type_FLOAT64:
		return fmt.Sprint(c.Floats[row])
	case c.Type == plumbv1.Type_STRING:
		return c.Texts[row]
	}
	return fmt.Sprint(c.Ints[row])
}
