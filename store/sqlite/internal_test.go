package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

var sample = online.Table{Project: "test", View: "view", Generation: 1}

func row(key string, size int) online.Row {
	header := packed.NewHeader(0, nil, 1, 0)
	return online.Row{Key: []byte(key), Value: append(header.Append(nil), make([]byte, size)...)}
}

func openImpatient(t *testing.T, patience time.Duration) *Store {
	t.Helper()
	s, err := open(t.Context(), filepath.Join(t.TempDir(), "online.db"), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// lock makes another connection hold the file until the returned function is called.
func lock(t *testing.T, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite3", path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	tx, err := db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAFileThatStaysLockedIsUnavailable(t *testing.T) {
	s := openImpatient(t, time.Millisecond)
	release := lock(t, s.path)
	_, err := s.Write(t.Context(), sample, []online.Row{row("key", 0)})
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "has kept it locked for 1ms") {
		t.Errorf("error is %v", err)
	}
	if _, err := s.Read(t.Context(), []online.Get{{Table: sample, Key: []byte("key")}}); err != nil {
		t.Errorf("readers go on meanwhile: %v", err)
	}
	release()
	if _, err := s.Write(t.Context(), sample, []online.Row{row("key", 0)}); err != nil {
		t.Errorf("once it is free again: %v", err)
	}
}

func TestADeadlineEndsTheWaitForALock(t *testing.T) {
	s := openImpatient(t, time.Hour)
	defer lock(t, s.path)()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Write(ctx, sample, []online.Row{row("key", 0)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error is %v", err)
	}
}

func TestAFullDiskStoresNothingAndSaysSo(t *testing.T) {
	s := openImpatient(t, time.Second)
	if _, err := s.Write(t.Context(), sample, []online.Row{row("before", 0)}); err != nil {
		t.Fatal(err)
	}
	// The limit makes SQLite answer as it does when the disk is full.
	if _, err := s.writer.Exec("PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Write(t.Context(), sample, []online.Row{row("first", 0), row("second", 1<<20)})
	if err == nil || !errors.Is(err, fault.ErrDiskFull) ||
		!strings.Contains(err.Error(), "no space left on disk; make room and do it again") {
		t.Errorf("error is %v", err)
	}
	gets := []online.Get{{Table: sample, Key: []byte("before")}, {Table: sample, Key: []byte("first")}}
	values, err := s.Read(t.Context(), gets)
	if err != nil || values[0] == nil || values[1] != nil {
		t.Errorf("values are %v, %v, want the one from before alone", values, err)
	}
	if _, err := s.writer.Exec("PRAGMA max_page_count = 1000000"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), sample, []online.Row{row("second", 1<<20)}); err != nil {
		t.Errorf("once there is room again: %v", err)
	}
}

func TestALookUpSearchesByThePrimaryKey(t *testing.T) {
	s := openImpatient(t, time.Second)
	args := []any{1, []byte("a"), []byte("b")}
	var id, parent, unused int
	var plan string
	row := s.reader.QueryRow("EXPLAIN QUERY PLAN "+selectQuery(2), args...)
	if err := row.Scan(&id, &parent, &unused, &plan); err != nil {
		t.Fatal(err)
	}
	want := "SEARCH packed_rows USING PRIMARY KEY (owner=? AND key=?)"
	if plan != want {
		t.Errorf("plan is %q, want %q", plan, want)
	}
}

func TestALookUpOfManyTablesSearchesByThePrimaryKey(t *testing.T) {
	s := openImpatient(t, time.Second)
	query, args := selectEach([]wanted{{1, []byte("a"), 0}, {2, []byte("b"), 1}})
	rows, err := s.reader.Query("EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plans []string
	for rows.Next() {
		var id, parent, unused int
		var plan string
		if err := rows.Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		plans = append(plans, plan)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	want := "SEARCH packed_rows USING PRIMARY KEY (owner=? AND key=?)"
	if !slices.Contains(plans, want) {
		t.Errorf("plan is %q, want %q", plans, want)
	}
}

func TestALookUpOfManyTablesAnswersEachGetInItsPlace(t *testing.T) {
	s := openImpatient(t, time.Second)
	s.chunk = 4
	var gets []online.Get
	var want []string
	for generation := range int64(3) {
		table := online.Table{Project: sample.Project, View: sample.View, Generation: generation + 1}
		stored := row("key", 10+int(generation))
		if _, err := s.Write(t.Context(), table, []online.Row{stored}); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"key", "none", "key"} {
			gets = append(gets, online.Get{Table: table, Key: []byte(key)})
			want = append(want, map[string]string{"key": string(stored.Value)}[key])
		}
	}
	values, err := s.Read(t.Context(), gets)
	if err != nil {
		t.Fatal(err)
	}
	for i, value := range values {
		if string(value) != want[i] || (value == nil) != (gets[i].Key[0] == 'n') {
			t.Errorf("get %d of %v: %d bytes, want %d", i, gets[i].Table, len(value), len(want[i]))
		}
	}
}
