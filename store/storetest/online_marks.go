package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/plumbstore/plumb/store"
)

func marksOf(t *testing.T, online store.Online, tables ...store.Table) []store.Marks {
	t.Helper()
	marks, err := store.ReadMarks(t.Context(), online, tables...)
	if err != nil {
		t.Fatalf("ReadMarks: %v", err)
	}
	return marks
}

func mark(t *testing.T, write func(context.Context, store.Writer, store.Table, int64, store.Origin) error,
	online store.Online, table store.Table, number int64,
) {
	t.Helper()
	if err := write(t.Context(), online, table, number, 1); err != nil {
		t.Fatal(err)
	}
}

func onlineMarks(t *testing.T, open OpenOnline) {
	online, both := openUpkeep(t, open)
	table := newOnlineTable()
	other, later := table, table
	other.View, later.Generation = "another", 2
	if marks := marksOf(t, online, table, other); marks[0] != (store.Marks{}) || marks[1] != (store.Marks{}) {
		t.Errorf("before anything is marked there is %+v", marks)
	}
	table.Retention = time.Nanosecond // Rows go with it at once, and marks never.
	mark(t, store.WriteBirth, online, table, 3)
	mark(t, store.WriteProgress, online, table, 7)
	mark(t, store.WriteBirth, online, table, 2)
	mark(t, store.WriteProgress, online, table, 300)
	mark(t, store.WriteProgress, online, table, 299)
	mark(t, store.WriteBirth, online, later, 1)
	want := []store.Marks{{Birth: 3, Progress: 300}, {}, {Birth: 1}}
	for i, got := range marksOf(t, open(t), table, other, later) {
		if got != want[i] {
			t.Errorf("table %d has %+v, want %+v", i, got, want[i])
		}
	}
	if found := survey(t, both, table.Project); len(found) != 0 {
		t.Errorf("marks count as rows: %+v", found)
	}
	writeOnline(t, online, other, versionedRow("a", 1, 1, "a"), versionedRow("b", 1, 1, "b"))
	mark(t, store.WriteBirth, online, other, 1)
	if found := survey(t, both, table.Project); len(found) != 1 || found[0].Rows != 2 {
		t.Errorf("marks count as rows: %+v, want 2", found)
	}
	if count := removeView(t, both, other.Project, other.View); count != 2 {
		t.Errorf("%d rows were removed, want 2 and a mark", count)
	}
	if count := removeView(t, both, table.Project, table.View); count != 0 {
		t.Errorf("%d rows were removed, want marks alone", count)
	}
	for i, got := range marksOf(t, online, table, other, later) {
		if got != (store.Marks{}) {
			t.Errorf("table %d has %+v after it was removed", i, got)
		}
	}
}
