package materialize

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
)

// MostShards bounds how many shards a run has. Each reads the keys of all rows, so that more are of no use.
const MostShards = 1024

// Sharding is what runs that are divided need beyond Config.
type Sharding struct {
	Ledger  registry.ShardLedger
	Sources Sources
	// LocalStore names the online store if it is a file, which only processes of one machine can write to; empty for
	// others. Workers whose store is another one are refused.
	LocalStore string
}

// Sources is what the opening of a divided run needs of a offline.Store.
type Sources interface {
	Inputs(ctx context.Context, sources []*feature.Source) ([]feature.Input, error)
	Division() string
}

// Divide opens a run of a view and divides it into shards for workers (Work). It plans what Run would do, and
// writes no row. Report.Run is the open run; its ID is 0 if there is nothing to do.
//
// Errors are those of Run, and *fault.PreconditionError if the view has an open run that is divided, or needs what only
// a whole run can do: move rows that an older version has stored, or read pushed rows that are in no Parquet file.
func (m *Materializer) Divide(ctx context.Context, view *feature.View, request Request, shards int) (Report, error) {
	if !view.Online {
		return Report{}, notOnline(view)
	}
	if shards < 1 || shards > MostShards {
		return Report{}, fault.Inputf("shards", "%d is not from 1 to %d", shards, MostShards)
	}
	progress, err := m.config.Ledger.Progress(ctx, view.Project)
	if err != nil {
		return Report{}, fmt.Errorf("read how far view %q has been materialized: %w", view.Name, err)
	}
	marks, err := m.newMarking(ctx, view, progress[view.Name])
	if err != nil {
		return Report{}, err
	}
	now := m.config.Now()
	plan, err := m.newPlan(view, request, progress, marks.loss, feature.InstantOf(now))
	if err != nil {
		return Report{}, err
	}
	report := Report{Run: plan.run(now), Notes: plan.notes, Done: plan.done}
	if plan.done != nil {
		return report, nil
	}
	if err := m.checkDivisible(ctx, plan); err != nil {
		return report, err
	}
	return report, m.open(ctx, plan, marks, request.MaxFailed, shards, &report)
}

// checkDivisible refuses what only a whole run can do, before anything is changed.
func (m *Materializer) checkDivisible(ctx context.Context, p *plan) error {
	open, err := m.config.Sharding.Ledger.ShardedRuns(ctx, p.view.Project)
	if err != nil {
		return fmt.Errorf("read which runs are divided: %w", err)
	}
	for _, run := range open {
		if run.View == p.view.Name {
			return &fault.PreconditionError{Message: fmt.Sprintf("run %d of view %s is divided into %d shards and still open; "+
				"go on with it: plumb materialize --worker, or close it: plumb materialize --cancel --view %[2]s", run.ID,
				run.View, len(run.Shards))}
		}
	}
	if p.anew && p.states == nil && p.view.Source.Log != nil && m.config.LogFolder != nil {
		return &fault.PreconditionError{Message: fmt.Sprintf("view %s has a push log, and a run that starts anew also reads "+
			"pushed rows that are in no Parquet file yet, which workers of other machines cannot; run plumb materialize --view "+
			"%[1]s without --shards once", p.view.Name)}
	}
	switch older, err := m.hasOlder(ctx, p); {
	case err != nil:
		return err
	case older:
		return &fault.PreconditionError{Message: "the online store has rows in the layout of an older version; run " +
			"plumb online-store upgrade first"}
	}
	return nil
}

// open begins the run, sets the table's birth and then lets workers have the shards. A run that cannot be divided any
// more is recorded as failed.
func (m *Materializer) open(ctx context.Context, p *plan, marks *marking, maxFailed int64, shards int,
	report *Report,
) (err error) {
	if report.Run.ID, err = m.config.Ledger.Begin(ctx, report.Run); err != nil {
		return fmt.Errorf("record the start of materializing view %q: %w", p.view.Name, err)
	}
	if err = m.offer(ctx, p, marks, maxFailed, shards, report.Run); err == nil {
		return nil
	}
	err = fmt.Errorf("divide the materialization of view %q: %w", p.view.Name, fault.WithCause(ctx, err))
	return m.finish(ctx, &report.Run, nil, err)
}

func (m *Materializer) offer(ctx context.Context, p *plan, marks *marking, maxFailed int64, shards int,
	run registry.Run,
) (err error) {
	if err := marks.begin(ctx, run.ID); err != nil {
		return err
	}
	if p.states != nil {
		if p.states.build, err = marks.next(ctx, 0); err != nil {
			return err
		}
	}
	shared := p.share(maxFailed, marks)
	shared.LocalStore, shared.Division = m.config.Sharding.LocalStore, m.config.Sharding.Sources.Division()
	shared.Inputs, err = m.config.Sharding.Sources.Inputs(ctx, []*feature.Source{p.view.Source})
	if err != nil {
		return err
	}
	text, err := json.Marshal(shared)
	if err != nil {
		return err
	}
	return m.config.Sharding.Ledger.OpenShards(ctx, run, text, shards)
}

// Cancel closes the open runs of these views that are divided, as failed, and returns them. What their workers have
// written does no harm: it is what the next run writes, or older.
func (m *Materializer) Cancel(ctx context.Context, project string, wanted func(view string) bool) (
	[]registry.Run, error,
) {
	open, err := m.config.Sharding.Ledger.ShardedRuns(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("read which runs are divided: %w", err)
	}
	var cancelled []registry.Run
	for _, run := range open {
		if !wanted(run.View) {
			continue
		}
		sum := run.Sum()
		closed, err := m.closeFailed(ctx, &sum, "cancelled")
		if err != nil {
			return cancelled, err
		}
		if closed {
			cancelled = append(cancelled, sum)
		}
	}
	return cancelled, nil
}

func (m *Materializer) closeFailed(ctx context.Context, run *registry.Run, why string) (bool, error) {
	run.Outcome, run.Error, run.FinishedAt = registry.Failed, why, m.config.Now()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeepingTime)
	defer cancel()
	closed, err := m.config.Sharding.Ledger.CloseShards(ctx, *run, nil)
	if err != nil {
		err = fmt.Errorf("record that run %d of view %q has ended: %w", run.ID, run.View, err)
	}
	return closed, err
}
