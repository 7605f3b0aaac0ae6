package parity

import (
	"bytes"
	"context"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// windowView is a view of rows that counts them and adds the INT64 column x up.
func windowView(spans ...windows.Span) *feature.View {
	view := *plainView
	view.Source = &feature.Source{}
	events := view
	events.Features = []feature.Feature{{Field: feature.Field{Name: "x", Type: plumbv1.Type_INT64}, Column: "x"}}
	view.Aggregated = &feature.Aggregated{Events: &events, Filter: aggregate.None,
		Columns: []feature.EventColumn{{Field: events.Features[0].Field}}}
	for _, span := range spans {
		view.Aggregated.Aggregates = append(view.Aggregated.Aggregates,
			windows.Aggregate{Spec: aggregate.Spec{Function: aggregate.Rows, Column: aggregate.None, By: aggregate.None},
				Span: span},
			windows.Aggregate{Spec: aggregate.Spec{Function: aggregate.Sum, By: aggregate.None, Type: plumbv1.Type_INT64},
				Span: span})
	}
	view.Features = make([]feature.Feature, len(view.Aggregated.Aggregates))
	return &view
}

// numbered are rows whose x is their place.
type numbered struct{ rows }

func (n numbered) Values(_ context.Context, _ *feature.View, places []int64, yield func(int64, []any) error) error {
	for _, place := range places {
		if err := yield(place, []any{place}); err != nil {
			return err
		}
	}
	return nil
}

func drawSpan(t *rapid.T) windows.Span {
	span := windows.Span{Offset: int64(rapid.IntRange(0, 4).Draw(t, "offset"))}
	if rapid.IntRange(0, 4).Draw(t, "lifetime") == 0 {
		return span
	}
	span.Hop = int64(rapid.IntRange(0, 4).Draw(t, "hop"))
	span.Length = max(span.Hop, 1) * int64(rapid.IntRange(1, 4).Draw(t, "hops"))
	return span
}

// isCounted says of R18 in the slowest way whether an event counts: it looks for the start.
func isCounted(span windows.Span, at, event feature.Instant) bool {
	end := at - feature.Instant(span.Offset)
	if span.Length == 0 {
		return event <= end
	}
	start := end - feature.Instant(span.Length)
	for span.Hop > 0 && start%feature.Instant(span.Hop) != 0 {
		start--
	}
	return start < event && event <= end
}

func TestR18_TheWitnessSeesWhatCountsInAnyWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := numbered{drawRows(t)}
		view := windowView(rapid.SliceOfN(rapid.Custom(drawSpan), 1, 3).Draw(t, "spans")...)
		states := newWindowStates(view)
		type question struct {
			key int64
			at  feature.Instant
		}
		var asked []question
		for range rapid.IntRange(0, 12).Draw(t, "questions") {
			q := question{int64(rapid.IntRange(0, 4).Draw(t, "key")), feature.Instant(rapid.IntRange(-1, 30).Draw(t, "at"))}
			asked = append(asked, q)
			states.add(tupleOf(q.key), q.at)
		}
		if err := states.read(context.Background(), source, view); err != nil {
			t.Fatal(err)
		}
		values, err := readWindowValues(context.Background(), source, view, states)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range asked {
			latest, ties := feature.Instant(math.MinInt64), 0
			events, sums := make([]int64, len(view.Features)), make([]int64, len(view.Features))
			for i, row := range source.rows {
				counted := false
				for f, a := range view.Aggregated.Aggregates {
					if row.key == q.key && isCounted(a.Span, q.at, row.event) {
						counted = true
						events[f]++
						sums[f] += source.place(i)
					}
				}
				switch {
				case counted && row.event > latest:
					latest, ties = row.event, 1
				case counted && row.event == latest:
					ties++
				}
			}
			if got := states.at(tupleOf(q.key), q.at); got.event != latest || got.rows != ties {
				t.Fatalf("key %d at %d: got %+v, want %d rows of %d", q.key, q.at, got, ties, latest)
			}
			for f, a := range view.Aggregated.Aggregates {
				want := &witnessed{isNull: true}
				switch {
				case a.Spec.Function == aggregate.Rows:
					want, _ = newWitnessed(events[f])
				case events[f] > 0:
					want, _ = newWitnessed(sums[f])
				}
				got, err := values.of(tupleOf(q.key), q.at, f)
				if err != nil || got == nil || !bytes.Equal(got.bits, want.bits) || got.isNull != want.isNull {
					t.Fatalf("key %d at %d, %s over %+v: got %+v, want %+v: %v", q.key, q.at, a.Spec.Function, a.Span, got, want, err)
				}
			}
		}
	})
}

func TestR18_TheBoundsOfAWindowStayWithinAllInstants(t *testing.T) {
	for name, c := range map[string]struct {
		span       windows.Span
		at         feature.Instant
		start, end feature.Instant
	}{
		"the example of R18": {windows.Span{Length: 3600e6, Hop: 300e6}, 36150e6, 32400e6, 36150e6},
		"before 1970":        {windows.Span{Length: 10, Hop: 5}, -1, -15, -1},
		"exact":              {windows.Span{Length: 10}, 7, -3, 7},
		"with an offset":     {windows.Span{Length: 10, Hop: 5, Offset: 3}, 20, 5, 17},
		"without a start":    {windows.Span{Offset: 3}, 20, math.MinInt64, 17},
		"at the beginning":   {windows.Span{Length: 10, Hop: 7}, math.MinInt64 + 2, math.MinInt64, math.MinInt64 + 2},
	} {
		if start, end := windowAt(c.span, c.at); start != c.start || end != c.end {
			t.Errorf("%s: (%d, %d], want (%d, %d]", name, start, end, c.start, c.end)
		}
	}
}

func TestR21_TheWitnessComputesWithoutRounding(t *testing.T) {
	double := func(function aggregate.Function) aggregate.Spec {
		return aggregate.Spec{Function: function, By: aggregate.None, Type: plumbv1.Type_FLOAT64}
	}
	whole := func(function aggregate.Function) aggregate.Spec {
		return aggregate.Spec{Function: function, By: aggregate.None, Type: plumbv1.Type_INT64}
	}
	minus := math.Copysign(0, -1)
	payload := math.Float64frombits(0xfff8_0000_0000_0001)
	const greatest, highest = math.MaxFloat64, int64(math.MaxInt64)
	for name, c := range map[string]struct {
		spec   aggregate.Spec
		values []any
		want   any
	}{
		"nulls are no values":            {double(aggregate.Count), []any{1.0, nil, nil}, int64(1)},
		"a sum loses nothing":            {double(aggregate.Sum), []any{1e16, 1.0, -1e16}, 1.0},
		"of all magnitudes":              {double(aggregate.Sum), []any{math.MaxFloat64, 5e-324, -math.MaxFloat64}, 5e-324},
		"an overflow":                    {double(aggregate.Sum), []any{math.MaxFloat64, math.MaxFloat64}, math.Inf(1)},
		"one that is taken back":         {double(aggregate.Sum), []any{greatest, greatest, -greatest}, greatest},
		"-0.0 alone":                     {double(aggregate.Sum), []any{minus, minus}, minus},
		"-0.0 and 0.0":                   {double(aggregate.Sum), []any{minus, 0.0}, 0.0},
		"what cancels":                   {double(aggregate.Sum), []any{-1.0, 1.0, minus}, 0.0},
		"an infinity":                    {double(aggregate.Sum), []any{math.Inf(-1), 1.0}, math.Inf(-1)},
		"both infinities":                {double(aggregate.Mean), []any{math.Inf(-1), math.Inf(1)}, math.NaN()},
		"the mean of nothing":            {double(aggregate.Mean), []any{nil}, nil},
		"a mean":                         {double(aggregate.Mean), []any{1.0, 2.0, nil}, 1.5},
		"-0.0 is below 0.0":              {double(aggregate.Min), []any{0.0, minus}, minus},
		"a NaN is above infinity":        {double(aggregate.Max), []any{math.Inf(1), payload}, math.NaN()},
		"an INT64":                       {whole(aggregate.Sum), []any{highest, int64(1), int64(-1)}, highest},
		"the mean of more than an INT64": {whole(aggregate.Mean), []any{highest, highest}, 9223372036854775807.0},
	} {
		for split := range len(c.values) + 1 {
			one, other := &tally{}, &tally{}
			for i, v := range c.values {
				if i < split {
					one.add(v)
				} else {
					other.add(v)
				}
			}
			one.merge(other)
			got, err := one.result(c.spec)
			if f, ok := c.want.(float64); ok && f != f {
				c.want = math.Float64frombits(0x7ff8_0000_0000_0000)
			}
			want, _ := newWitnessed(c.want)
			if err != nil || got.isNull != want.isNull || !bytes.Equal(got.bits, want.bits) {
				t.Errorf("%s: got %x, want %x: %v", name, got.bits, want.bits, err)
			}
		}
	}
	beyond := &tally{}
	beyond.add(int64(math.MaxInt64))
	beyond.add(int64(1))
	if got, _ := beyond.result(whole(aggregate.Sum)); !got.isInvalid || !got.is(cell{status: plumbv1.Status_INVALID}) {
		t.Errorf("R26: a sum beyond an INT64 is %+v", got)
	}
}

// Of 100,000 additions a sum of 53 bits is wrong.
func TestR20_TheWitnessAddsLongRuns(t *testing.T) {
	sum, want := &tally{}, new(big.Rat)
	for i := range 100_000 {
		sum.add(0.1 * float64(i%7))
		want.Add(want, new(big.Rat).SetFloat64(0.1*float64(i%7)))
	}
	if exact, _ := want.Float64(); sum.float() != exact {
		t.Errorf("%v, want %v", sum.float(), exact)
	}
}

func TestLabelRowsAreAimedAtTheEdgesOfWindows(t *testing.T) {
	hop := windows.Span{Length: 20, Hop: 5, Offset: 3}
	exact := windows.Span{Length: 20}
	for name, c := range map[string]struct {
		family edgeFamily
		event  feature.Instant
		span   windows.Span
		want   []feature.Instant
	}{
		"reach":               {edgeReach, 12, hop, []feature.Instant{14, 15, 16}},
		"loss":                {edgeLoss, 12, hop, []feature.Instant{37, 38, 39}},
		"loss at a border":    {edgeLoss, 15, hop, []feature.Instant{37, 38, 39}},
		"loss, exact":         {edgeLoss, 12, exact, []feature.Instant{31, 32, 33}},
		"loss before 1970":    {edgeLoss, -12, hop, []feature.Instant{12, 13, 14}},
		"border":              {edgeBorder, 15, hop, []feature.Instant{38}},
		"just after a border": {edgeBorder, 16, hop, []feature.Instant{38}},
	} {
		if !c.family.has(c.event, c.span) {
			t.Errorf("%s: there is no edge", name)
		}
		var got []feature.Instant
		for _, aim := range c.family.aims(seedRow{event: c.event}, 0, c.span) {
			got = append(got, aim.at)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: aimed at %v, want %v", name, got, c.want)
		}
	}
	at, _ := lossOf(12, hop)
	if !isCounted(hop, at-1, 12) || isCounted(hop, at, 12) {
		t.Errorf("an event of 12 is not lost at %d", at)
	}
	for name, none := range map[string]bool{
		"no offset":   edgeReach.has(12, exact),
		"no border":   edgeBorder.has(12, hop),
		"no hop":      edgeBorder.has(15, exact),
		"no start":    edgeLoss.has(12, windows.Span{}),
		"beyond time": edgeLoss.has(math.MaxInt64-20, exact),
	} {
		if none {
			t.Errorf("%s: there is an edge", name)
		}
	}
}

// However many label rows are aimed at windows, they cost no more materializations than there are edges and bases.
func TestStatesAreMaterializedAFewTimes(t *testing.T) {
	var source rows
	for i := range int64(5000) {
		source = append(source, plainRow{i % 90, feature.Instant(i * 1e6), math.MinInt64})
	}
	view := &sandboxView{View: windowView(windows.Span{Length: 600e6, Hop: 60e6}, windows.Span{Length: 60e6, Offset: 5e6},
		windows.Span{})}
	v := &verification{Config: Config{Witness: source, Sandbox: Sandbox{ClockSkew: 10 * time.Second},
		Progress: func(offline.Progress) {}}}
	if err := v.look(t.Context(), view); err != nil {
		t.Fatal(err)
	}
	only := &target{uses: []use{{view: view, columns: []int{0}}}, keys: view.Keys, inputs: 1}
	s := newSampler(only, rand.New(rand.NewPCG(1, 2)), 3000, nil)
	if err := s.draw(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	v.targets = []*target{only}
	view.states = newWitnessStates(view.View)
	kinds := map[Kind]int{}
	for i := range only.labels {
		kinds[only.labels[i].kind]++
		if tuple, ok := only.uses[0].tuple(&only.labels[i]); ok {
			view.states.add(tuple, only.labels[i].at)
		}
	}
	if err := view.states.read(t.Context(), source, view.View); err != nil {
		t.Fatal(err)
	}
	if stops := v.stopsOf(view); len(stops) > mostBases+mostWindowEdges+seams {
		t.Errorf("%d materializations for %d label rows", len(stops), len(only.labels))
	}
	for _, kind := range []Kind{Uniform, AtRow, BeforeRow, AfterRow, AtReach, BeforeReach, AfterReach, AtLoss, BeforeLoss,
		AfterLoss, AtBorder, AtFloor, UnseenKey, NullKey} {
		if kinds[kind] == 0 {
			t.Errorf("no label row is %s", kind)
		}
	}
}

func TestTheCausesOfWindowsAreToldByTheThreeSides(t *testing.T) {
	one, two := []byte{1}, []byte{2}
	invalid, told := plumbv1.Status_INVALID, &witnessed{bits: one}
	seen := sourceState{rows: 1, event: 90}
	last := aggregate.Spec{Function: aggregate.Last}
	for name, c := range map[string]struct {
		spec            aggregate.Spec
		filter          int
		offline, online cell
		source          sourceState
		told            *witnessed
		want            Cause
	}{
		"all agree":               {offline: cell{present, 90, one}, source: sourceState{rows: 2, event: 90}, told: told},
		"the witness cannot tell": {offline: cell{null, 90, nil}, source: sourceState{rows: 2, event: 90}},
		"both have no value":      {offline: cell{invalid, 90, nil}, source: seen, told: &witnessed{isInvalid: true}},
		"both have another value": {offline: cell{present, 90, two}, source: seen, told: told,
			want: Witness},
		"both miss an event":           {offline: cell{present, 80, one}, source: seen, want: Witness},
		"both see nothing":             {offline: cell{notFound, 0, nil}, source: seen, want: Witness},
		"both count what is not there": {offline: cell{present, 80, one}, want: Witness},
		"a filter":                     {filter: 1, offline: cell{present, 80, two}, source: seen, told: told},
		"a filter leaves nothing":      {filter: 1, offline: cell{notFound, 0, nil}, source: seen},
		"a filter makes events": {filter: 1, offline: cell{present, 95, one}, source: seen,
			want: Witness},
		"no value on one side": {offline: cell{invalid, 90, nil}, online: cell{present, 90, one},
			source: sourceState{rows: 2, event: 90}, want: Status},
		"a sum of events that tie": {offline: cell{present, 90, one}, online: cell{present, 90, two},
			source: sourceState{rows: 2, event: 90}, want: Value},
		"the last of events that tie": {spec: last, offline: cell{present, 90, one}, online: cell{present, 90, two},
			source: sourceState{rows: 2, event: 90}, want: Tie},
		"one side counts nothing": {offline: cell{present, 90, one}, online: cell{notFound, 0, nil},
			source: sourceState{rows: 1, event: 90}, want: MissingRow},
	} {
		if c.online.status == 0 {
			c.online = c.offline
		}
		view := windowView(windows.Span{Length: 50})
		view.Aggregated.Filter = c.filter - 1
		view.Aggregated.Aggregates[0].Spec = c.spec
		played := &sandboxView{View: view, computed: &windowValues{aggregateOf: []int{0, 1}}}
		compared := comparison{use: &use{view: played}, label: &label{at: 100}, offline: c.offline, online: c.online,
			witnessed: c.source, told: c.told}
		if got := compared.cause(); got != c.want {
			t.Errorf("%s: the cause is %q, want %q", name, got, c.want)
		}
	}
}
