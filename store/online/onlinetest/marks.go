package onlinetest

import (
	"context"
	"testing"
	"time"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

func marksOf(t *testing.T, store online.Store, tables ...online.Table) []online.Marks {
	t.Helper()
	marks, err := online.ReadMarks(t.Context(), store, tables...)
	if err != nil {
		t.Fatalf("ReadMarks: %v", err)
	}
	return marks
}

func mark(t *testing.T, write func(context.Context, online.Writer, online.Table, int64, packed.Origin) error,
	store online.Store, table online.Table, number int64,
) {
	t.Helper()
	if err := write(t.Context(), store, table, number, 1); err != nil {
		t.Fatal(err)
	}
}

func onlineMarks(t *testing.T, open Open) {
	store, both := openUpkeep(t, open)
	table := newOnlineTable()
	other, later := table, table
	other.View, later.Generation = "another", 2
	if marks := marksOf(t, store, table, other); marks[0] != (online.Marks{}) || marks[1] != (online.Marks{}) {
		t.Errorf("before anything is marked there is %+v", marks)
	}
	table.Retention = time.Nanosecond // Rows go with it at once, and marks never.
	mark(t, online.WriteBirth, store, table, 3)
	mark(t, online.WriteProgress, store, table, 7)
	mark(t, online.WriteBirth, store, table, 2)
	mark(t, online.WriteProgress, store, table, 300)
	mark(t, online.WriteProgress, store, table, 299)
	mark(t, online.WriteBirth, store, later, 1)
	want := []online.Marks{{Birth: 3, Progress: 300}, {}, {Birth: 1}}
	for i, got := range marksOf(t, open(t), table, other, later) {
		if got != want[i] {
			t.Errorf("table %d has %+v, want %+v", i, got, want[i])
		}
	}
	if found := survey(t, both, table.Project); len(found) != 0 {
		t.Errorf("marks count as rows: %+v", found)
	}
	writeOnline(t, store, other, versionedRow("a", 1, 1, "a"), versionedRow("b", 1, 1, "b"))
	mark(t, online.WriteBirth, store, other, 1)
	if found := survey(t, both, table.Project); len(found) != 1 || found[0].Rows != 2 {
		t.Errorf("marks count as rows: %+v, want 2", found)
	}
	if count := removeView(t, both, other.Project, other.View); count != 2 {
		t.Errorf("%d rows were removed, want 2 and a mark", count)
	}
	if count := removeView(t, both, table.Project, table.View); count != 0 {
		t.Errorf("%d rows were removed, want marks alone", count)
	}
	for i, got := range marksOf(t, store, table, other, later) {
		if got != (online.Marks{}) {
			t.Errorf("table %d has %+v after it was removed", i, got)
		}
	}
}
