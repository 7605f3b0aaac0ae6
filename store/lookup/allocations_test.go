//go:build !race

// The race detector allocates on its own; make test runs this file without it.

package lookup_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/storetest"
)

// What a look-up allocates does not grow with columns and views: they are written into memory that was used before.
func TestALookUpAllocatesNothingForEachColumn(t *testing.T) {
	for _, count := range []int{5, 25} {
		online := onlinetest.NewMemory()
		var views []*feature.View
		for i := range count {
			var features []feature.Field
			values := make([]any, 10)
			for j := range values {
				features, values[j] = append(features, feature.Field{Name: fmt.Sprint("f", i, j), Type: plumbv1.Type_FLOAT64}), 1.5
			}
			views = append(views, storetest.NewView(fmt.Sprint("view", i), []feature.Field{origin, number}, features...))
			write(t, online, views[i], storetest.SourceRow{Keys: []any{"EWR", int64(1)}, Event: new(feature.Instant(1)),
				Features: values})
		}
		prepared := storetest.NewLookup(t, views...)
		request := lookup.Request{Keys: []*plumbv1.KeyColumn{texts("origin", "EWR"), numbers("number", 1)}, At: 5,
			EventTimestamps: true}
		ctx, text := context.Background(), make([]byte, 0, 1<<20)
		allocations := testing.AllocsPerRun(100, func() {
			reply, err := prepared.Reply(ctx, online, request)
			if err != nil || reply.Seen()[count-1].Values[plumbv1.Status_PRESENT] != 10 {
				t.Fatal("the look-up went wrong", err)
			}
			if _, err := reply.Wire(); err != nil {
				t.Fatal(err)
			}
			if _, err := reply.AppendJSON(text, 0); err != nil {
				t.Fatal(err)
			}
			reply.Release()
		})
		const most = 5
		ofStore := float64(count) // It hands out a copy of each row.
		if allocations -= ofStore; allocations > most {
			t.Errorf("%d views: %v allocations beside the store's, want at most %d", count, allocations, most)
		}
	}
}

// What is computed is computed in memory that was used before.
func TestAComputedFeatureAllocatesNothing(t *testing.T) {
	selection := ratios(t)
	store := newOnline(t, selection, map[string][]any{"EWR": {int64(7), 1.5}})
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	request := lookup.Request{Keys: []*plumbv1.KeyColumn{texts("origin", "EWR")}, At: 5,
		Inputs: []*plumbv1.InputColumn{input("count", plumbv1.Type_INT64, int64(2))}}
	ctx := context.Background()
	allocations := testing.AllocsPerRun(100, func() {
		reply, err := prepared.Reply(ctx, store, request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reply.Wire(); err != nil {
			t.Fatal(err)
		}
		reply.Release()
	})
	const most = 7 // One is of the store, and one for the columns of inputs.
	if allocations > most {
		t.Errorf("%v allocations, want at most %d", allocations, most)
	}
}

// A look-up allocates as much for a state of many tiles as for one of few, apart from the texts in the tiles.
func TestALookUpOfWindowsAllocatesForTheTextsOfTilesAlone(t *testing.T) {
	snapshot, store := delays(t), onlinetest.NewMemory()
	view, err := snapshot.View("delays")
	if err != nil {
		t.Fatal(err)
	}
	flown(t, store, view, "few", 1, 2)
	flown(t, store, view, "many", make([]int64, 90)...)
	selection, err := snapshot.SelectFeatures([]string{"delays:sum_minutes_1h", "delays:sum_minutes_1d"}, false)
	if err != nil {
		t.Fatal(err)
	}
	prepared, err := lookup.New(selection)
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, airport := range []string{"few", "many"} {
		request := lookup.Request{At: 2 * 24 * 60 * aMinute, Keys: []*plumbv1.KeyColumn{texts("origin", airport)}}
		ctx := t.Context()
		counted[airport] = testing.AllocsPerRun(100, func() {
			reply, err := prepared.Reply(ctx, store, request)
			if err != nil || reply.Seen()[0].Values[plumbv1.Status_PRESENT] != 2 {
				t.Fatal("the look-up went wrong", err)
			}
			if _, err := reply.Wire(); err != nil {
				t.Fatal(err)
			}
			reply.Release()
		})
	}
	// Each of 24 tiles of an hour has two carriers, one of them also as the last.
	if few, many := counted["few"], counted["many"]; many > few+3*24 {
		t.Errorf("%v allocations for a state of few tiles, and %v for one of many", few, many)
	}
}
