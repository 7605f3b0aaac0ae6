package project

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
)

// workerPoll is how often a worker that waits for others looks again.
const workerPoll = time.Second

// Division asks for runs that are divided into shards.
type Division struct {
	// Views are names. If there are none, all views that are online are divided.
	Views []string
	materialize.Request
	Shards int
	// End is called with what came of each view. report.Run.ID is 0 if no run was opened. The error that it returns
	// replaces err.
	End func(view *feature.View, report materialize.Report, err error) error
}

// Divide opens a divided run of each view. One that fails does not keep the others from being opened.
func (p *Project) Divide(ctx context.Context, asked Division) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	views, err := materialize.Views(snapshot, asked.Views)
	if err != nil {
		return err
	}
	materializer, err := p.materializer(ctx, nil)
	if err != nil {
		return err
	}
	var failures []error
	for _, view := range views {
		report, err := materializer.Divide(ctx, view, asked.Request, asked.Shards)
		failures = append(failures, asked.End(view, report, err))
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(failures...)
}

// Working asks a worker to do shards.
type Working struct {
	// Views are names. If there are none, runs of all views are worked on.
	Views  []string
	Holder string
	Term   time.Duration
	// The functions are those of materialize.Work, and Progress is called with the rows of a shard so far.
	Begin    func(run registry.ShardedRun, shard int)
	Progress func(view string, rows int64)
	End      func(run registry.ShardedRun, shard int, report materialize.Report, err error)
	Closed   func(view *feature.View, report materialize.Report, err error)
}

// Work does shards until no run of the views is open.
func (p *Project) Work(ctx context.Context, asked Working) error {
	wanted, err := p.wanted(ctx, asked.Views)
	if err != nil {
		return err
	}
	materializer, err := p.materializer(ctx, asked.Progress)
	if err != nil {
		return err
	}
	recorder, err := p.Lineage()
	if err != nil {
		return err
	}
	return materializer.Work(ctx, materialize.Work{
		Project: p.Config.Project, Wanted: wanted, Holder: asked.Holder, Term: asked.Term,
		Clock: p.options.Now, Poll: workerPoll, Begin: asked.Begin, End: asked.End,
		Closed: func(view *feature.View, report materialize.Report, err error) {
			recorder.StartMaterialization(view).End(ctx, report.Run, err)
			asked.Closed(view, report, err)
		},
	})
}

// CancelShards closes the divided runs of the views, or of all if none is named, and returns them.
func (p *Project) CancelShards(ctx context.Context, views []string) ([]registry.Run, error) {
	wanted, err := p.wanted(ctx, views)
	if err != nil {
		return nil, err
	}
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	// Neither store is needed.
	materializer := materialize.New(materialize.Config{Ledger: ledger, Registry: ledger, Now: p.options.Now,
		Sharding: materialize.Sharding{Ledger: ledger}})
	return materializer.Cancel(ctx, p.Config.Project, wanted)
}

// wanted says which views are meant: all if none is named. A name has to be that of a view or of an open run, whose
// view may be gone.
func (p *Project) wanted(ctx context.Context, views []string) (func(view string) bool, error) {
	if len(views) == 0 {
		return func(string) bool { return true }, nil
	}
	open, err := p.ShardedRuns(ctx)
	if err != nil {
		return nil, err
	}
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range views {
		isOpen := slices.ContainsFunc(open, func(run registry.ShardedRun) bool { return run.View == name })
		if _, err := snapshot.View(name); err != nil && !isOpen {
			return nil, err
		}
	}
	return func(view string) bool { return slices.Contains(views, view) }, nil
}

// ShardedRuns are the runs that are divided and open.
func (p *Project) ShardedRuns(ctx context.Context) ([]registry.ShardedRun, error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return ledger.ShardedRuns(ctx, p.Config.Project)
}

// refuseDivided refuses what may not be done to a view while workers may write its rows.
func (p *Project) refuseDivided(ctx context.Context, view string) error {
	open, err := p.ShardedRuns(ctx)
	if err != nil {
		return err
	}
	for _, run := range open {
		if run.View == view {
			return &fault.PreconditionError{Message: fmt.Sprintf("run %d of view %s is divided into shards and still open, so "+
				"that workers may write its rows; close it first: plumb materialize --cancel --view %[2]s", run.ID, view)}
		}
	}
	return nil
}

// localStore names a store that only the processes of this machine can reach, and is empty for others.
func (p *Project) localStore() string {
	if p.Config.OnlineStore.Scheme() != "sqlite" {
		return ""
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown machine"
	}
	return p.Config.OnlineStore.Path() + " on " + host
}
