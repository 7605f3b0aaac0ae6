package onlinetest

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// onlineR7Values writes random rows of random views and looks them up.
func onlineR7Values(t *testing.T, open Open) {
	store := open(t)
	rapid.Check(t, func(t *rapid.T) {
		keys := make([]feature.Field, rapid.IntRange(1, 3).Draw(t, "keys"))
		for i := range keys {
			keys[i] = feature.Field{Name: fmt.Sprint("key", i), Type: rapid.SampledFrom(storetest.KeyTypes).Draw(t, "key type")}
		}
		features := make([]feature.Field, rapid.IntRange(1, 6).Draw(t, "features"))
		types := rapid.Int32Range(int32(plumbv1.Type_BOOL), int32(plumbv1.Type_TIMESTAMP_ARRAY))
		for i := range features {
			features[i] = feature.Field{Name: fmt.Sprint("feature", i), Type: plumbv1.Type(types.Draw(t, "type"))}
		}
		view := newOnlineView(keys, features...)
		history := &storetest.History{Rows: drawOnlineRows(t, view)}
		writeOnline(t, store, online.NewTable(view, 0), storetest.Pack(t, view.Keys, view.Schema(), history.Rows...)...)
		var tuples [][]any
		for _, row := range history.Rows {
			tuples = append(tuples, row.Keys)
		}
		compareOnline(t, store, view, history, tuples)
	})
}

// drawOnlineRows draws rows in which one key may come several times.
func drawOnlineRows(t *rapid.T, view *feature.View) []storetest.SourceRow {
	rows := make([]storetest.SourceRow, rapid.IntRange(1, 8).Draw(t, "rows"))
	for i := range rows {
		event := feature.Instant(rapid.Int64Range(-3, 3).Draw(t, "event"))
		rows[i] = storetest.SourceRow{Event: &event, Number: i}
		for _, key := range view.Keys {
			rows[i].Keys = append(rows[i].Keys, storetest.DrawValue(t, key.Type))
		}
		for _, f := range view.Features {
			rows[i].Features = append(rows[i].Features, storetest.DrawNullable(t, f.Type, 4))
		}
	}
	return rows
}

// compareOnline checks look-ups after all events against the reference.
func compareOnline(t *rapid.T, store online.Store, view *feature.View, history *storetest.History, tuples [][]any) {
	const at = 3
	for f, cells := range lookUpOnline(t, store, view, at, tuples...) {
		for row, got := range cells {
			sighting := history.At(tuples[row], at, false)
			want := storetest.Cell{Event: *sighting.Row.Event}
			want.Value, want.Status = sighting.Value(f)
			if !got.Same(want) {
				t.Fatalf("feature %d of key %s is %v, want %v", f, storetest.Show(tuples[row]), got, want)
			}
		}
	}
}

// onlineR9Keys gives each of many keys that are easily confused a row of its own.
func onlineR9Keys(t *testing.T, open Open) {
	online := open(t)
	var binary, texts, pairs [][]any
	for b := range 256 {
		binary = append(binary, []any{[]byte{byte(b)}}, []any{[]byte{'a', byte(b), 'b'}}, []any{[]byte{byte(b), byte(b)}})
	}
	binary = append(binary, []any{[]byte{}}, []any{[]byte("}view@1")}, []any{[]byte("{project1:")}, []any{[]byte("a*")})
	for _, text := range []string{
		"", " ", "a", "a ", "a\x00", "A", "\u00e1", "a\u0301", "%", "_", "*", "?", "'", `"`, "null", "11",
	} {
		texts = append(texts, []any{text, text + "1"}, []any{text + "1", text + "2"}, []any{"1" + text, text})
	}
	for _, pair := range [][2]int64{{1, 11}, {11, 1}, {0, 0}, {-1, 1}, {1, -1}, {math.MinInt64, math.MaxInt64}} {
		pairs = append(pairs, []any{pair[0], pair[1]})
	}
	for _, c := range []struct {
		types  []plumbv1.Type
		tuples [][]any
	}{
		{[]plumbv1.Type{plumbv1.Type_BYTES}, binary},
		{[]plumbv1.Type{plumbv1.Type_STRING, plumbv1.Type_STRING}, texts},
		{[]plumbv1.Type{plumbv1.Type_INT64, plumbv1.Type_INT64}, pairs},
	} {
		checkOwnRows(t, online, c.types, c.tuples)
	}
}

func checkOwnRows(t *testing.T, store online.Store, types []plumbv1.Type, tuples [][]any) {
	t.Helper()
	var keys []feature.Field
	for i, keyType := range types {
		keys = append(keys, feature.Field{Name: fmt.Sprint("key", i), Type: keyType})
	}
	view := newOnlineView(keys, feature.Field{Name: "number", Type: plumbv1.Type_INT64})
	event := feature.Instant(1)
	var rows []storetest.SourceRow
	var want []storetest.Cell
	// Every other one is written; those in between must not be found.
	for i, tuple := range tuples {
		if i%2 == 1 {
			want = append(want, notFoundCell)
			continue
		}
		rows = append(rows, storetest.SourceRow{Keys: tuple, Event: &event, Features: []any{int64(i)}})
		want = append(want, storetest.Cell{Value: int64(i), Status: plumbv1.Status_PRESENT, Event: event})
	}
	writeOnline(t, store, online.NewTable(view, 0), storetest.Pack(t, view.Keys, view.Schema(), rows...)...)
	sameCells(t, lookUpOnline(t, store, view, 1, tuples...)[0], want...)
}

func onlineR13Statuses(t *testing.T, open Open) {
	store := open(t)
	view := newOnlineView([]feature.Field{{Name: "airport", Type: plumbv1.Type_STRING}},
		feature.Field{Name: "temp", Type: plumbv1.Type_FLOAT64},
		feature.Field{Name: "gusts", Type: plumbv1.Type_INT64_ARRAY})
	view.TTL = time.Hour
	hour := feature.Instant(time.Hour.Microseconds())
	now := 500_000 * hour
	fresh, old, future := now-hour/2, now-2*hour, now+1
	rows := storetest.Pack(t, view.Keys, view.Schema(),
		storetest.SourceRow{Keys: []any{"EWR"}, Event: &fresh, Features: []any{39.02, []any{int64(1), nil}}},
		storetest.SourceRow{Keys: []any{"JFK"}, Event: &fresh, Features: []any{nil, []any{}}},
		storetest.SourceRow{Keys: []any{"LGA"}, Event: &old, Features: []any{1.5, nil}},
		storetest.SourceRow{Keys: []any{"BOS"}, Event: &future, Features: []any{1.5, nil}})
	writeOnline(t, store, online.NewTable(view, time.Hour), rows...)
	cells := lookUpOnline(t, store, view, now, []any{"EWR"}, []any{"JFK"}, []any{"LGA"}, []any{"BOS"}, []any{"XXX"},
		[]any{nil})
	sameCells(t, cells[0],
		storetest.Cell{Value: 39.02, Status: plumbv1.Status_PRESENT, Event: fresh},
		storetest.Cell{Status: plumbv1.Status_NULL, Event: fresh},
		storetest.Cell{Status: plumbv1.Status_EXPIRED, Event: old}, notFoundCell, notFoundCell, notFoundCell)
	sameCells(t, cells[1],
		storetest.Cell{Value: []any{int64(1), nil}, Status: plumbv1.Status_PRESENT, Event: fresh},
		storetest.Cell{Value: []any{}, Status: plumbv1.Status_PRESENT, Event: fresh},
		storetest.Cell{Status: plumbv1.Status_EXPIRED, Event: old}, notFoundCell, notFoundCell, notFoundCell)
}

func onlineR13LookBack(t *testing.T, open Open) {
	store := open(t)
	for _, ttl := range []time.Duration{0, time.Microsecond, 1500 * time.Millisecond, 3 * time.Hour} {
		view := newOnlineView(nil, feature.Field{Name: "temp", Type: plumbv1.Type_FLOAT64})
		view.TTL = ttl
		event := feature.InstantOf(time.Date(2013, 1, 1, 6, 0, 0, 0, time.UTC))
		row := storetest.SourceRow{Event: &event, Features: []any{1.5}}
		writeOnline(t, store, online.NewTable(view, time.Hour), storetest.Pack(t, nil, view.Schema(), row)...)
		history := &storetest.History{Rows: []storetest.SourceRow{row}, TTL: ttl}
		edge := event + feature.Instant(ttl.Microseconds())
		for _, at := range []feature.Instant{event - 1, event, edge - 1, edge, edge + 1, event + 1<<50} {
			sighting := history.At(nil, at, false)
			want := notFoundCell
			if sighting.Row != nil {
				want.Event = event
				want.Value, want.Status = sighting.Value(0)
			}
			if got := lookUpOnline(t, store, view, at, nil)[0][0]; !got.Same(want) {
				t.Errorf("ttl %s, %d after the event: %v, want %v", ttl, at-event, got, want)
			}
		}
	}
}

// awkwardNames are prefixes and suffixes of one another, or mean something to some store.
var awkwardNames = []string{
	"test", "mytest", "test2", "tes", "te_t", "te%t", "te*t", "te?t", "[test]", "test:", ":test", "{test}", "test}",
	"te st", "TEST", "test@1", "test\x00", "tést", "%74est", "test'", "",
}

// onlineR16Tables writes one key to tables of all pairs of names, then touches one table alone.
func onlineR16Tables(t *testing.T, open Open) {
	store := open(t)
	unique := newOnlineTable().Project
	var gets []online.Get
	var want []string
	for _, project := range awkwardNames {
		for _, view := range awkwardNames {
			table := online.Table{Project: project + unique, View: view, Generation: 1}
			row := versionedRow("key", 1, 1, fmt.Sprintf("%q %q", project, view))
			writeOnline(t, store, table, row)
			gets, want = append(gets, online.Get{Table: table, Key: row.Key}), append(want, payloads([][]byte{row.Value})[0])
		}
	}
	check := func() {
		t.Helper()
		values, err := store.Read(t.Context(), gets)
		if err != nil {
			t.Fatal(err)
		}
		samePayloads(t, values, want...)
	}
	check()
	at := slices.IndexFunc(gets, func(get online.Get) bool {
		return get.Table.Project == "test"+unique && get.Table.View == "test"
	})
	writeOnline(t, store, gets[at].Table, versionedRow("key", 2, 1, "changed"))
	want[at] = "changed"
	check()
}

func onlineR16Generations(t *testing.T, open Open) {
	online, table := open(t), newOnlineTable()
	generations := []int64{0, 1, 11, 111, math.MaxInt64}
	for _, generation := range generations {
		table.Generation = generation
		writeOnline(t, online, table, versionedRow("key", 1000-generation%1000, 0, fmt.Sprint(generation)))
	}
	for _, generation := range generations {
		table.Generation = generation
		samePayloads(t, readOnline(t, online, table, "key"), fmt.Sprint(generation))
	}
}
