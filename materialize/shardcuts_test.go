package materialize_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
)

// cut is a process that dies at one of its calls to the registry or the online store: before the call does anything, or
// after it has done it. It makes no call from then on.
type cut struct {
	left  int
	after bool
	dead  bool
}

var errCut = errors.New("the process is dead")

// call makes a call, unless the process is dead or dies.
func (c *cut) call(really func() error) error {
	switch {
	case c.dead:
		return errCut
	case c.left > 0:
		c.left--
		return really()
	}
	c.dead = true
	if c.after {
		_ = really()
	}
	return errCut
}

type cutLedger struct {
	registry.ShardLedger
	*cut
}

func (l cutLedger) ShardedRuns(ctx context.Context, project string) (runs []registry.ShardedRun, err error) {
	err = l.call(func() error {
		runs, err = l.ShardLedger.ShardedRuns(ctx, project)
		return err
	})
	return runs, err
}

func (l cutLedger) TakeShard(ctx context.Context, run int64, holder string, term time.Duration) (
	lease *registry.Lease, err error,
) {
	err = l.call(func() error {
		lease, err = l.ShardLedger.TakeShard(ctx, run, holder, term)
		return err
	})
	return lease, err
}

func (l cutLedger) ReturnShard(ctx context.Context, lease registry.Lease, why string) error {
	return l.call(func() error { return l.ShardLedger.ReturnShard(ctx, lease, why) })
}

func (l cutLedger) FinishShard(ctx context.Context, lease registry.Lease, done registry.Run) error {
	return l.call(func() error { return l.ShardLedger.FinishShard(ctx, lease, done) })
}

func (l cutLedger) CloseShards(ctx context.Context, run registry.Run, progress *registry.Progress) (
	closed bool, err error,
) {
	err = l.call(func() error {
		closed, err = l.ShardLedger.CloseShards(ctx, run, progress)
		return err
	})
	return closed && err == nil, err
}

type cutStore struct {
	online.Store
	*cut
}

func (s cutStore) Write(ctx context.Context, table online.Table, rows []online.Row) (
	report online.WriteReport, err error,
) {
	err = s.call(func() error {
		report, err = s.Store.Write(ctx, table, rows)
		return err
	})
	return report, err
}

// A worker dies at each of its calls in turn, and another one goes on.
func TestAWorkerThatDiesAtAnyCallLeavesWhatTheNextOneCompletes(t *testing.T) {
	for _, after := range []bool{false, true} {
		for at := 0; ; at++ {
			if dies := dieAt(t, &cut{left: at, after: after}); !dies {
				if at < 8 {
					t.Errorf("a worker makes %d calls", at)
				}
				break
			}
		}
	}
}

// dieAt returns false if the worker has done everything before it would die.
func dieAt(t *testing.T, c *cut) bool {
	prices, shops := manyPrices(12)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	run := p.divide(p.Materializer(store), 2)
	at, after := c.left, c.after
	dying := p.Materializer(cutStore{store, c}, func(config *materialize.Config) {
		config.Sharding.Ledger = cutLedger{p.Registry, c}
	})
	err := dying.Work(t.Context(), p.asked())
	if c.dead != errors.Is(err, errCut) {
		t.Fatalf("at call %d, after it %v: the worker says %v", at, after, err)
	}
	p.expire()
	if err := p.Materializer(store).Work(t.Context(), p.asked()); err != nil {
		t.Errorf("at call %d, after it %v: the next worker says %v", at, after, err)
	}
	last := must(p.Registry.LastRuns(t.Context(), "shops"))(t)["price"]
	if last.ID != run.ID || last.Outcome != registry.Succeeded || last.Read != 24 || last.Written+last.Older != 12 {
		t.Errorf("at call %d, after it %v: the run is %+v", at, after, last)
	}
	if losses := p.losses(store); len(losses) != 0 {
		t.Errorf("at call %d, after it %v: the store has lost %v", at, after, losses)
	}
	p.expectSame(store, shops)
	return c.dead
}
