package storetest

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/store/offline"
)

// UnwritableResultsLeaveNothing checks that an engine that cannot write the result leaves no file behind, and leaves
// what was there unchanged.
func (s Offline) UnwritableResultsLeaveNothing(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	readOnly := unwritable(t)
	for _, path := range []string{
		filepath.Join(readOnly, "result.parquet"), filepath.Join(readOnly, "result.csv"),
		filepath.Join(readOnly, "result.arrow"), filepath.Join(folder, "nowhere", "result.parquet"),
		filepath.Join(folder, "data"), filepath.Join(folder, "result.txt"),
	} {
		before := listFolder(t, folder)
		if _, err := join.WriteFile(t.Context(), path); err == nil || !strings.Contains(err.Error(), filepath.Base(path)) {
			t.Errorf("writing %s: %v, want an error that names it", path, err)
		}
		if after := listFolder(t, folder); !slices.Equal(before, after) {
			t.Errorf("writing %s left %q", path, after)
		}
		if left := listFolder(t, readOnly); slices.ContainsFunc(left, func(name string) bool {
			return strings.Contains(name, "result")
		}) {
			t.Errorf("writing %s left %q", path, left)
		}
	}
}

// unwritable is a folder in which nobody can make files; permissions alone do not stop root.
func unwritable(t *testing.T) string {
	t.Helper()
	if os.Geteuid() == 0 {
		return "/sys"
	}
	folder := t.TempDir()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	return folder
}

// FailedRunsKeepWhatWasThere checks that an engine replaces an older result only with a whole one: a value that does
// not fit is found only while the join runs.
func (s Offline) FailedRunsKeepWhatWasThere(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	c := caseOf(t, folder, `
view weather (airport STRING): temp INT32
load weather
  airport  event  temp:FLOAT64
  "EWR"    06:00  39.02
join weather
  airport  event_timestamp
  "EWR"    06:59
`)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"old.parquet", "old.arrow", "old.csv"} {
		out := filepath.Join(folder, "out", name)
		writeText(t, out, "what was there")
		_, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, filepath.Join("out", name))
		if err := refused(err, "temp", "39.02", "row 1", "0.parquet"); err != nil {
			t.Error(err)
		}
		if content, err := os.ReadFile(out); err != nil || string(content) != "what was there" {
			t.Errorf("%s is now %q, %v", name, content, err)
		}
	}
	if err := c.refuseWindow(t, engine); err != nil {
		t.Error(err)
	}
	if left := listFolder(t, filepath.Join(folder, "out")); len(left) != 3 {
		t.Errorf("the folder holds %q", left)
	}
}

// refuseWindow expects that materialization refuses the value too.
func (c *Case) refuseWindow(t *testing.T, engine offline.Store) error {
	snapshot, err := c.World.Snapshot()
	if err != nil {
		return err
	}
	_, _, err = newest(t.Context(), engine, snapshot.Views()[0], offline.Window{End: math.MaxInt64 - 1})
	return refused(err, "temp", "39.02", "row 1", "0.parquet")
}
