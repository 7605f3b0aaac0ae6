package lookup_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// writeBy stores a row that an origin writes.
func writeBy(t *testing.T, store online.Store, view *feature.View, origin packed.Origin, row storetest.SourceRow) {
	t.Helper()
	packed := storetest.Pack(t, view.Keys, view.Schema(), row)[0]
	packed.Value = storetest.WithOrigin(packed.Value, origin)
	if _, err := store.Write(t.Context(), online.NewTable(view, 0), []online.Row{packed}); err != nil {
		t.Fatal(err)
	}
}

func provenanceOf(t *testing.T, prepared *lookup.Lookup, store online.Store, at feature.Instant,
	keys ...*plumbv1.KeyColumn,
) []*plumbv1.ViewProvenance {
	t.Helper()
	reply, err := prepared.Reply(t.Context(), store, lookup.Request{Keys: keys, At: at, Provenance: true})
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	return reply.Provenance()
}

func TestALookUpSaysWhereItsRowsComeFrom(t *testing.T) {
	online := onlinetest.NewMemory()
	flight := storetest.NewView("flight", []feature.Field{origin}, delay)
	flight.TTL, flight.Revision, flight.Hash = 5*time.Microsecond, 3, feature.DefinitionHash{7, 31: 9}
	row := func(key string, event feature.Instant, created *feature.Instant) storetest.SourceRow {
		return storetest.SourceRow{Keys: []any{key}, Event: &event, Created: created, Features: []any{1.5}}
	}
	writeBy(t, online, flight, packed.RunOrigin(12), row("run", 8, new(feature.Instant(9))))
	writeBy(t, online, flight, packed.PushOrigin(1000), row("push", 7, nil))
	writeBy(t, online, flight, 0, row("unknown", 10, new(feature.Instant(0))))
	writeBy(t, online, flight, packed.RunOrigin(13), row("expired", 1, nil))
	writeBy(t, online, flight, packed.RunOrigin(14), row("future", 11, nil))
	const run, push, unknown, none = byte(plumbv1.ViewProvenance_RUN), byte(plumbv1.ViewProvenance_PUSH),
		byte(plumbv1.ViewProvenance_UNKNOWN), byte(plumbv1.ViewProvenance_NO_ROW)
	got := provenanceOf(t, storetest.NewLookup(t, flight), online, 10,
		withNulls(texts("origin", "run", "push", "unknown", "expired", "future", "nowhere", "run"), 0, 0, 0, 0, 0, 0, 1))
	want := []*plumbv1.ViewProvenance{{
		Alias: "flight", View: "flight", DefinitionRevision: 3, DefinitionHash: flight.Hash[:],
		Origins:           []byte{run, push, unknown, run, none, none, none},
		Runs:              []int64{12, 0, 0, 13, 0, 0, 0},
		PushedTimestamps:  []int64{0, 1000, 0, 0, 0, 0, 0},
		EventTimestamps:   []int64{8, 7, 10, 1, 0, 0, 0},
		CreatedTimestamps: []int64{9, 0, 0, 0, 0, 0, 0},
		CreatedNulls:      []byte{0, 1, 0, 1, 0, 0, 0},
		AgeMicros:         []int64{2, 3, 0, 9, 0, 0, 0},
		SchemaIds:         []uint32{1, 1, 1, 1, 0, 0, 0},
	}}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// One view under two names, a row of unknown origin, and a view without keys, whose one row is everyone's (R12).
func TestEachUseOfAViewHasItsProvenance(t *testing.T) {
	store := onlinetest.NewMemory()
	flight, world := storetest.NewView("flight", []feature.Field{origin}, delay), storetest.NewView("world", nil, delay)
	old := storetest.Pack(t, flight.Keys, flight.Schema(),
		storetest.SourceRow{Keys: []any{"b"}, Event: new(feature.Instant(1)), Features: []any{1.5}})[0]
	old.Value = storetest.WithoutOrigin(old.Value)
	if _, err := store.Write(t.Context(), online.NewTable(flight, 0), []online.Row{old}); err != nil {
		t.Fatal(err)
	}
	writeBy(t, store, flight, packed.RunOrigin(2),
		storetest.SourceRow{Keys: []any{"a"}, Event: new(feature.Instant(1)), Features: []any{1.5}})
	row := storetest.SourceRow{Event: new(feature.Instant(1)), Features: []any{1.5}}
	writeBy(t, store, world, packed.RunOrigin(3), row)
	selection := &feature.Selection{References: []feature.Reference{
		{View: flight, Alias: "there", LabelColumns: []string{"from"}},
		{View: flight, Alias: "back", LabelColumns: []string{"to"}},
		{View: world, Alias: "world"},
	}}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	got := provenanceOf(t, prepared, store, 1, texts("from", "a", "b"), texts("to", "b", "c"))
	type use struct {
		Alias, View string
		Origins     []plumbv1.ViewProvenance_Origin
		Runs        []int64
	}
	var uses []use
	for _, view := range got {
		u := use{Alias: view.GetAlias(), View: view.GetView(), Runs: view.GetRuns()}
		for _, origin := range view.GetOrigins() {
			u.Origins = append(u.Origins, plumbv1.ViewProvenance_Origin(origin))
		}
		uses = append(uses, u)
	}
	const run, unknown, none = plumbv1.ViewProvenance_RUN, plumbv1.ViewProvenance_UNKNOWN, plumbv1.ViewProvenance_NO_ROW
	want := []use{
		{"there", "flight", []plumbv1.ViewProvenance_Origin{run, unknown}, []int64{2, 0}},
		{"back", "flight", []plumbv1.ViewProvenance_Origin{unknown, none}, []int64{0, 0}},
		{"world", "world", []plumbv1.ViewProvenance_Origin{run, run}, []int64{3, 3}},
	}
	if diff := cmp.Diff(want, uses); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The distance of the furthest instants is more than a number of 64 bits can hold.
func TestTheGreatestAgeIsTheGreatestNumber(t *testing.T) {
	online, world := onlinetest.NewMemory(), storetest.NewView("world", nil, delay)
	writeBy(t, online, world, 1, storetest.SourceRow{Event: new(feature.Instant(math.MinInt64 + 1)), Features: []any{1.5}})
	for at, want := range map[feature.Instant]int64{math.MinInt64 + 1: 0, 0: math.MaxInt64, math.MaxInt64: math.MaxInt64} {
		if got := provenanceOf(t, storetest.NewLookup(t, world), online, at)[0].GetAgeMicros(); got[0] != want {
			t.Errorf("at %d the age is %d, want %d", at, got[0], want)
		}
	}
}
