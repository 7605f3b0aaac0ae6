package onlinetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/plumbstore/plumb/store/online"
)

// upkeep is what an online store can do besides writing and reading.
type upkeep interface {
	online.Surveyor
	online.Remover
}

func openUpkeep(t *testing.T, open Open) (online.Store, upkeep) {
	t.Helper()
	store := open(t)
	both, ok := store.(upkeep)
	if !ok {
		t.Fatalf("%T is no online.Surveyor and online.Remover", store)
	}
	return store, both
}

func survey(t *testing.T, store upkeep, project string) []online.Holding {
	t.Helper()
	holdings, err := store.Survey(t.Context(), project)
	if err != nil {
		t.Fatalf("Survey: %v", err)
	}
	for i, holding := range holdings {
		if holding.Bytes < holding.Rows*8 {
			t.Errorf("%+v takes fewer bytes than its event times", holding)
		}
		holdings[i].Bytes = 0
	}
	return holdings
}

func removeView(t *testing.T, online upkeep, project, view string) int64 {
	t.Helper()
	removed, err := online.Remove(t.Context(), project, view)
	if err != nil {
		t.Fatalf("Remove: %v", err)
	}
	return removed
}

func onlineSurvey(t *testing.T, open Open) {
	const many = 3000
	store, both := openUpkeep(t, open)
	table := newOnlineTable()
	if found := survey(t, both, table.Project); len(found) != 0 {
		t.Errorf("before anything is written there is %+v", found)
	}
	var rows []online.Row
	for i := range many {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), 1, 1, "payload"))
	}
	writeOnline(t, store, table, rows...)
	table.Generation = 11
	writeOnline(t, store, table, rows[:2]...)
	table.View = "a_view"
	writeOnline(t, store, table, rows[0])
	want := []online.Holding{
		{View: "a_view", Generation: 11, Rows: 1}, {View: "view", Generation: 1, Rows: many},
		{View: "view", Generation: 11, Rows: 2},
	}
	if found := survey(t, both, table.Project); !slices.Equal(found, want) {
		t.Errorf("got  %+v\nwant %+v", found, want)
	}
}

// onlineR16Remove writes keys that imitate others to tables of all pairs of names, then removes one view of one
// project, all generations.
func onlineR16Remove(t *testing.T, open Open) {
	store, both := openUpkeep(t, open)
	unique := newOnlineTable().Project
	names := slices.Concat(awkwardNames, []string{"test_b", "a_test", "*", "[a-z]*", `te\st`})
	var gets []online.Get
	var want []string
	for _, project := range names {
		for _, view := range names {
			for _, generation := range []int64{1, 12} {
				table := online.Table{Project: project + unique, View: view, Generation: generation}
				for _, key := range []string{"key", "}test@1", "x}test@12"} {
					row := versionedRow(key, 1, 1, fmt.Sprintf("%q %q %d %q", project, view, generation, key))
					writeOnline(t, store, table, row)
					gets, want = append(gets, online.Get{Table: table, Key: row.Key}), append(want, payloads([][]byte{row.Value})[0])
				}
			}
		}
	}
	for _, removed := range []string{"test", "*", "[test]", `te\st`} {
		if count := removeView(t, both, "test"+unique, removed); count != 6 {
			t.Errorf("%d rows of view %q were removed, want 6", count, removed)
		}
		for i, get := range gets {
			if get.Table.Project == "test"+unique && get.Table.View == removed {
				want[i] = "-"
			}
		}
		values, err := store.Read(t.Context(), gets)
		if err != nil {
			t.Fatal(err)
		}
		samePayloads(t, values, want...)
	}
	if count := removeView(t, both, "test"+unique, "test"); count != 0 {
		t.Errorf("%d rows were removed once more", count)
	}
}

func onlineRemoveMany(t *testing.T, open Open) {
	const many = 12_000
	store, both := openUpkeep(t, open)
	table := newOnlineTable()
	var rows []online.Row
	for i := range many {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), 1, 1, ""))
	}
	writeOnline(t, store, table, rows...)
	if count := removeView(t, both, table.Project, table.View); count != many {
		t.Errorf("%d of %d rows were removed", count, many)
	}
	if found := survey(t, both, table.Project); len(found) != 0 {
		t.Errorf("there still is %+v", found)
	}
	writeOnline(t, store, table, versionedRow("key1", 0, 0, "older"))
	samePayloads(t, readOnline(t, store, table, "key1"), "older")
}

func onlineUpkeepCancelled(t *testing.T, open Open) {
	_, both := openUpkeep(t, open)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := both.Survey(ctx, "project"); !errors.Is(err, context.Canceled) {
		t.Errorf("Survey: error is %v, want context.Canceled", err)
	}
	if _, err := both.Remove(ctx, "project", "view"); !errors.Is(err, context.Canceled) {
		t.Errorf("Remove: error is %v, want context.Canceled", err)
	}
}
