package lookup_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// delays has windows of an hour and a day over the minutes and the carriers of flights from an airport, and an
// on-demand view that reads them.
func delays(t testing.TB) *feature.Snapshot {
	t.Helper()
	view := &plumbv1.FeatureView{
		Name: "delays", Entities: []string{"airport"}, Source: "flights",
		Features: []*plumbv1.Feature{
			{Name: "sum_minutes_1h", Type: plumbv1.Type_INT64}, {Name: "sum_minutes_1d", Type: plumbv1.Type_INT64},
			{Name: "top_2_carrier_1d", Type: plumbv1.Type_STRING_ARRAY},
			{Name: "top_2_carrier_1d_counts", Type: plumbv1.Type_INT64_ARRAY},
			{Name: "last_carrier_1d", Type: plumbv1.Type_STRING},
		},
		Aggregations: []*plumbv1.Aggregation{
			{Of: "minutes", Windows: []string{"1h", "1d"}, Functions: []*plumbv1.AggregateFunction{{Name: "sum"}}},
			{Of: "carrier", Windows: []string{"1d"}, Functions: []*plumbv1.AggregateFunction{{Name: "top_k", N: 2}}},
			{Of: "carrier", Windows: []string{"1d"}, Functions: []*plumbv1.AggregateFunction{{Name: "last"}}},
		},
	}
	snapshot, err := feature.NewSnapshot("test", 1, storetest.StateOf(&plumbv1.Definitions{
		Entities: []*plumbv1.Entity{originEntity},
		Sources: []*plumbv1.Source{{
			Name: "flights", EventTimestamp: "at",
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "flights.parquet"}},
			Columns: []*plumbv1.SourceColumn{{Name: "minutes", Type: plumbv1.Type_INT64, Column: "minutes"},
				{Name: "carrier", Type: plumbv1.Type_STRING, Column: "carrier"}},
		}},
		FeatureViews: []*plumbv1.FeatureView{view},
		OnDemandViews: []*plumbv1.OnDemandView{{
			Name: "risk", Views: []*plumbv1.ViewInput{{View: "delays"}},
			Features: []*plumbv1.ComputedFeature{{Name: "twice", Type: plumbv1.Type_INT64,
				Expression: "coalesce(delays.sum_minutes_1h, 0) * 2"}},
		}},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

const (
	aMinute  = 60_000_000
	aQuarter = 15 * aMinute
)

// flown stores a state of an airport whose flights had these delays, a quarter of an hour apart up to midnight of the
// second day.
func flown(t testing.TB, store online.Store, view *feature.View, airport string, minutes ...int64) {
	t.Helper()
	layout, err := view.Layout()
	if err != nil {
		t.Fatal(err)
	}
	const through = 2 * 24 * 60 * aMinute
	b := windows.NewBuilder(layout)
	b.Begin(layout.Horizon(through, 10_000_000, 0))
	events := &aggregate.Events{Columns: []*expression.Column{{Type: plumbv1.Type_INT64}, {Type: plumbv1.Type_STRING}}}
	for i, m := range minutes {
		events.Times = append(events.Times, through-int64(len(minutes)-1-i)*aQuarter)
		events.Created = append(events.Created, aggregate.NoCreated)
		events.Columns[0].Ints = append(events.Columns[0].Ints, m)
		events.Columns[0].States = append(events.Columns[0].States, 0)
		events.Columns[1].Texts = append(events.Columns[1].Texts, []string{"UA", "AA"}[i%2])
		events.Columns[1].States = append(events.Columns[1].States, 0)
		b.Add(events, i)
	}
	state, err := b.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	value, err := packed.StateRow(through, 1, view.Schema().ID, packed.RunOrigin(7)).AppendState(nil, state)
	if err != nil {
		t.Fatal(err)
	}
	key := packed.AppendWireKey(nil, []*plumbv1.KeyColumn{texts("origin", airport)}, []int{0}, 0)
	if _, err := store.Write(t.Context(), online.NewTable(view, 0), []online.Row{{Key: key, Value: value}}); err != nil {
		t.Fatal(err)
	}
}

func lookUpDelays(t *testing.T, snapshot *feature.Snapshot, store online.Store, at feature.Instant,
	references ...string,
) [][]storetest.Cell {
	t.Helper()
	selection, err := snapshot.SelectFeatures(references, false)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := prepared.Get(t.Context(), store, lookup.Request{At: at, EventTimestamps: true,
		Keys: []*plumbv1.KeyColumn{texts("origin", "EWR", "JFK", "LGA")}})
	if err != nil {
		t.Fatal(err)
	}
	cells := make([][]storetest.Cell, len(columns))
	for i, column := range columns {
		cells[i] = storetest.Cells(column)
	}
	return cells
}

func TestR22_ALookUpComputesWindowsWithStatusesAndEventTimes(t *testing.T) {
	snapshot, store := delays(t), onlinetest.NewMemory()
	view, err := snapshot.View("delays")
	if err != nil {
		t.Fatal(err)
	}
	flown(t, store, view, "EWR", 1, 2, 4, 8, 16, 32)
	flown(t, store, view, "JFK", math.MaxInt64, 1)
	const through = feature.Instant(2 * 24 * 60 * aMinute)
	none := storetest.Cell{Status: plumbv1.Status_NOT_FOUND}
	is := func(value any, status plumbv1.Status) storetest.Cell {
		return storetest.Cell{Value: value, Status: status, Event: through}
	}
	present, invalid, null := plumbv1.Status_PRESENT, plumbv1.Status_INVALID, plumbv1.Status_NULL
	got := lookUpDelays(t, snapshot, store, through+1, "delays:*", "risk:twice")
	want := [][]storetest.Cell{
		{is(int64(60), present), is(nil, invalid), none},
		{is(int64(63), present), is(nil, invalid), none},
		{is([]any{"AA", "UA"}, present), is([]any{"AA", "UA"}, present), none},
		{is([]any{int64(3), int64(3)}, present), is([]any{int64(1), int64(1)}, present), none},
		{is("AA", present), is("AA", present), none},
		{{Value: int64(120), Status: present, Event: through + 1}, {Status: invalid, Event: through + 1},
			{Value: int64(0), Status: present, Event: through + 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the last event (-want +got):\n%s", diff)
	}
	// Two hours later the hour is empty and the day is not; two days later nothing counts.
	got = lookUpDelays(t, snapshot, store, through+8*aQuarter, "delays:sum_minutes_1h", "delays:sum_minutes_1d")
	if diff := cmp.Diff([]storetest.Cell{is(nil, null), is(nil, null), none}, got[0]); diff != "" {
		t.Errorf("two hours later (-want +got):\n%s", diff)
	}
	got = lookUpDelays(t, snapshot, store, 2*through, "delays:sum_minutes_1h", "delays:sum_minutes_1d")
	if diff := cmp.Diff([]storetest.Cell{none, none, none}, got[1]); diff != "" {
		t.Errorf("two days later (-want +got):\n%s", diff)
	}
	got = lookUpDelays(t, snapshot, store, through-20_000_001, "delays:sum_minutes_1d")
	if diff := cmp.Diff([]storetest.Cell{none, none, none}, got[0]); diff != "" {
		t.Errorf("before the floor (-want +got):\n%s", diff)
	}
}

func TestAStateThatIsDamagedIsAnError(t *testing.T) {
	snapshot, store := delays(t), onlinetest.NewMemory()
	view, err := snapshot.View("delays")
	if err != nil {
		t.Fatal(err)
	}
	key := packed.AppendWireKey(nil, []*plumbv1.KeyColumn{texts("origin", "EWR")}, []int{0}, 0)
	value, err := packed.StateRow(5, 1, view.Schema().ID, 0).AppendState(nil, []byte{1, 2, 3, 4, 5, 6})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Write(t.Context(), online.NewTable(view, 0), []online.Row{{Key: key, Value: value}}); err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"delays:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	_, err = prepared.Get(t.Context(), store, lookup.Request{At: 5, Keys: []*plumbv1.KeyColumn{texts("origin", "EWR")}})
	if !errors.Is(err, windows.ErrCorrupt) {
		t.Error("the error is ", fmt.Sprint(err))
	}
}

func TestProvenanceSaysWhatTheLongestWindowCounts(t *testing.T) {
	snapshot, store := delays(t), onlinetest.NewMemory()
	view, err := snapshot.View("delays")
	if err != nil {
		t.Fatal(err)
	}
	flown(t, store, view, "EWR", 1, 2, 3)
	flown(t, store, view, "JFK", 1)
	selection, err := snapshot.SelectFeatures([]string{"delays:sum_minutes_1h", "risk:twice"}, false)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	const through = 2 * 24 * 60 * aMinute
	keys := texts("origin", "EWR", "JFK", "LGA")
	reply, err := prepared.Reply(t.Context(), store, lookup.Request{Keys: []*plumbv1.KeyColumn{keys}, At: through,
		Provenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	message, err := reply.Message()
	if err != nil {
		t.Fatal(err)
	}
	got := message.GetProvenance()[0]
	const tile, exact, unknown = byte(plumbv1.ViewProvenance_EARLIEST_TILE), byte(plumbv1.ViewProvenance_EARLIEST_EVENT),
		byte(plumbv1.ViewProvenance_EARLIEST_UNKNOWN)
	want := &plumbv1.ViewProvenance{Events: []int64{-1, 1, 0}, Earliest: []byte{tile, exact, unknown},
		EarliestTimestamps: []int64{through - 60*aMinute, through, 0}}
	told := &plumbv1.ViewProvenance{Events: got.GetEvents(), Earliest: got.GetEarliest(),
		EarliestTimestamps: got.GetEarliestTimestamps()}
	if diff := cmp.Diff(want, told, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	computed := []*plumbv1.ComputedProvenance{{Alias: "risk", View: "risk", Views: []string{"delays"},
		DefinitionHash: snapshot.OnDemandViews()[0].Hash[:]}}
	if diff := cmp.Diff(computed, message.GetComputed(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
