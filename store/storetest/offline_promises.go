package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/store/offline"
)

// ConcurrentUse asks one engine, and one join, many things at a time.
func (s Offline) ConcurrentUse(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(8)
	for _, c := range readAllCases(t, folder) {
		group.Go(func() error { return errors.Join(c.World.Write(), c.hold(ctx, engine)) })
	}
	c := caseOf(t, folder, weather)
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	for range 4 {
		group.Go(func() error {
			table := &Table{}
			report, err := join.Stream(ctx, table.Add)
			if err == nil && (report.Rows != 1 || len(table.Rows) != 1) {
				err = fmt.Errorf("a stream gave %d rows and reports %d, want 1", len(table.Rows), report.Rows)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

// YieldErrorsComeBack checks that streams return a yield's error unchanged, and end there.
func (s Offline) YieldErrorsComeBack(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	enough := errors.New("enough")
	if err := writeLabels(c); err != nil {
		t.Fatal(err)
	}
	join, selection, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	calls := 0
	yield := func(arrow.RecordBatch) error { calls++; return enough }
	if _, err := join.Stream(t.Context(), yield); !errors.Is(err, enough) {
		t.Errorf("Stream returned %v", err)
	}
	view := selection.References[0].View
	request := offline.NewestRequest{View: view, Window: offline.Window{End: math.MaxInt64 - 1}}
	if _, err := engine.Newest(t.Context(), request, yield); !errors.Is(err, enough) {
		t.Errorf("Newest returned %v", err)
	}
	if calls != 2 {
		t.Errorf("yield was called %d times, want once for each stream", calls)
	}
}

// writeLabels writes the label file of the case's only join.
func writeLabels(c *Case) error {
	labels := *c.labels()
	labels.Path = filepath.Join(c.World.Folder, labels.Path)
	return labels.Write()
}

// CancelledRunsLeaveNothing cancels a run at every point where the engine looks, and checks that the result file
// appears whole or not at all.
func (s Offline) CancelledRunsLeaveNothing(t *testing.T) {
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
	cancelled := 0
	for _, ending := range []string{".parquet", ".arrow", ".csv"} {
		for after := 0; ; after += 5 {
			out := t.TempDir()
			ctx := newCountdown(t.Context(), after)
			_, err := join.WriteFile(ctx, filepath.Join(out, "result"+ending))
			left := listFolder(t, out)
			if err == nil {
				if !slices.Equal(left, []string{"result" + ending}) {
					t.Errorf("a finished run left %q", left)
				}
				break
			}
			cancelled++
			if !errors.Is(err, context.Canceled) || len(left) > 0 {
				t.Fatalf("cancelled at look %d: left %q and returned %v", after, left, err)
			}
		}
	}
	if cancelled < 3 {
		t.Errorf("only %d runs were cancelled", cancelled)
	}
}

func listFolder(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// countdown is a context that is cancelled after it has been looked at a given number of times, so that a test can
// cancel in the middle of a run, at the same place every time and without waiting.
type countdown struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newCountdown(parent context.Context, looks int) *countdown {
	ctx, cancel := context.WithCancel(parent)
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(int64(looks))
	return c
}

func (c *countdown) look() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}

// Done implements context.Context.
func (c *countdown) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// Err implements context.Context.
func (c *countdown) Err() error {
	c.look()
	return c.Context.Err()
}
