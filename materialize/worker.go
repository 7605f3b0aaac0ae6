package materialize

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
)

// Work asks a worker to do shards of the runs that are divided and open.
type Work struct {
	Project string
	// Wanted says which views' runs are worked on.
	Wanted func(view string) bool
	// Holder is what people know the worker by.
	Holder string
	// Term is how long a shard stays with a worker that is not heard of. A worker is heard of three times in a term.
	Term time.Duration
	// Clock is this machine's, which tells that a term has passed.
	Clock func() time.Time
	// Poll is how often a worker that finds no free shard looks again, as long as others have shards.
	Poll time.Duration

	// Begin is called before each shard, End after it with what it came to, and Closed once this worker has closed a run.
	// They are required, and return at once.
	Begin  func(run registry.ShardedRun, shard int)
	End    func(run registry.ShardedRun, shard int, report Report, err error)
	Closed func(view *feature.View, report Report, err error)
}

// Work does shards until every run that is wanted is closed. Others may do so at the same time, on any machine. It
// closes a run whose shards are all done: the table's progress is then marked and recorded, once.
//
// If it fails, it gives its shard back and leaves the run, which stays open: another worker may not have the trouble.
// But a run is closed as failed if it can never end: its view has got another definition, the online store has lost
// rows meanwhile (checkTable), or more rows fail than may. Either way the worker goes on with the other runs, and all
// failures are in the error. One that has lost its lease goes on with another shard.
func (m *Materializer) Work(ctx context.Context, work Work) error {
	left := map[int64]bool{}
	var failures []error
	for {
		open, err := m.wanted(ctx, &work, left)
		if err != nil || len(open) == 0 {
			return errors.Join(append(failures, err)...)
		}
		did := false
		for _, run := range open {
			did, err = m.advance(ctx, &work, run)
			if err != nil {
				did, left[run.ID] = true, true
				failures = append(failures, err)
			}
			if did {
				break
			}
		}
		if !did {
			err = wait(ctx, work.Poll)
		}
		if ctx.Err() != nil {
			return errors.Join(append(failures, err, context.Cause(ctx))...)
		}
	}
}

func (m *Materializer) wanted(ctx context.Context, work *Work, left map[int64]bool) ([]registry.ShardedRun, error) {
	open, err := m.config.Sharding.Ledger.ShardedRuns(ctx, work.Project)
	if err != nil {
		return nil, fmt.Errorf("read which runs are divided: %w", err)
	}
	var wanted []registry.ShardedRun
	for _, run := range open {
		if work.Wanted(run.View) && !left[run.ID] {
			wanted = append(wanted, run)
		}
	}
	return wanted, nil
}

func wait(ctx context.Context, long time.Duration) error {
	timer := time.NewTimer(long)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// advance does a shard of a run or closes it. It returns false if there is nothing to do at the moment.
func (m *Materializer) advance(ctx context.Context, work *Work, run registry.ShardedRun) (bool, error) {
	o, err := m.openedRun(ctx, run)
	if errors.Is(err, fault.ErrConflict) {
		sum := run.Sum()
		_, failed := m.closeFailed(ctx, &sum, err.Error())
		return true, errors.Join(err, failed)
	}
	if err != nil {
		return false, err
	}
	if sum := run.Sum(); sum.Skipped > o.shared.MaxFailed {
		return true, o.fail(ctx, work, sum, fmt.Errorf("%d rows of all shards cannot be stored, where --max-failed-rows "+
			"allows %d", sum.Skipped, o.shared.MaxFailed))
	}
	if run.AllDone() {
		return true, o.end(ctx, work)
	}
	asked := work.Clock()
	lease, err := m.config.Sharding.Ledger.TakeShard(ctx, run.ID, work.Holder, work.Term)
	if err != nil {
		return false, fmt.Errorf("take a shard of run %d: %w", run.ID, err)
	}
	if lease == nil {
		return false, nil
	}
	work.Begin(run, lease.Shard)
	report, err := o.do(ctx, work, *lease, asked)
	work.End(run, lease.Shard, report, err)
	if errors.Is(err, registry.ErrLeaseLost) && ctx.Err() == nil {
		return true, nil
	}
	return true, err
}

// do does a shard.
func (o *opened) do(ctx context.Context, work *Work, lease registry.Lease, asked time.Time) (report Report, err error) {
	report = Report{Run: o.ShardedRun.Run}
	report.Run.StartedAt = o.config.Now()
	defer func() { report.Run.FinishedAt = o.config.Now() }()
	whileKept, keeping := keep(ctx, o.config.Sharding.Ledger, lease, work, asked)
	err = o.copy(whileKept, lease.Shard, keeping, &report)
	if lost := keeping.end(whileKept); lost != nil {
		return report, lost
	}
	bookkeeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeepingTime)
	defer cancel()
	if err == nil {
		err = o.config.Sharding.Ledger.FinishShard(bookkeeping, lease, report.Run)
	}
	if err == nil || errors.Is(err, registry.ErrLeaseLost) {
		return report, err
	}
	err = fmt.Errorf("materialize shard %d of run %d of view %q: %w", lease.Shard, o.ID, o.View, fault.WithCause(ctx, err))
	if o.isOver(err, report) && ctx.Err() == nil {
		sum := o.Sum()
		sum.Skipped += report.Run.Skipped
		return report, o.close(ctx, work, sum, err)
	}
	why := ""
	if ctx.Err() == nil {
		why = err.Error()
	}
	if given := o.config.Sharding.Ledger.ReturnShard(bookkeeping, lease, why); given != nil {
		err = errors.Join(err, fmt.Errorf("give the shard back, which is free once its lease has run out: %w", given))
	}
	return report, err
}

// isOver says whether what failed a shard fails the run, whoever tries it again.
func (o *opened) isOver(err error, report Report) bool {
	return errors.Is(err, fault.ErrConflict) || errors.Is(err, errLostMeanwhile) ||
		report.Run.Skipped > o.shared.MaxFailed
}

// copy reads, packs and writes a shard, if the table is still the one that the run began with.
func (o *opened) copy(ctx context.Context, shard int, keeping *keeping, report *Report) error {
	if err := o.checkTable(ctx); err != nil {
		return err
	}
	p, err := o.plan(shard, feature.InstantOf(o.config.Now()))
	if err != nil {
		return err
	}
	report.Notes, p.keeping = p.notes, keeping
	if p.states != nil {
		return o.copyStates(ctx, p, o.shared.MaxFailed, report)
	}
	return o.copyWindow(ctx, p, o.shared.MaxFailed, report)
}

// checkTable looks whether the table is the one that the run began to write to. One that came back from an older
// snapshot has lost rows. One of another birth, or of none, has too if it is a file, whose name is that of the run's
// (checkStore). Elsewhere the worker may have been given another store than the others, so that it ends nothing.
func (o *opened) checkTable(ctx context.Context) error {
	marks, err := online.ReadMarks(ctx, o.config.Online, online.NewTable(o.view, 0))
	switch {
	case err != nil:
		return err
	case marks[0].Birth == o.shared.Birth && marks[0].Progress >= o.shared.Mark:
		return nil
	case marks[0].Birth == o.shared.Birth, o.shared.LocalStore != "":
		return errLostMeanwhile
	}
	return &fault.PreconditionError{Message: fmt.Sprintf("the online store of this worker does not have the table that "+
		"run %d began to write: give the worker the store of the others, or, if that has lost its rows, close the run with "+
		"plumb materialize --cancel --view %s and divide another", o.ID, o.View)}
}

// end closes a run whose shards are all done: it marks the table's progress and records it. Of several workers that
// come to this, one closes the run, and a mark that is later than what is recorded does no harm.
func (o *opened) end(ctx context.Context, work *Work) error {
	sum, progress := o.Sum(), o.progress()
	var mark int64
	err := o.checkTable(ctx)
	if err == nil {
		mark, err = o.marking().end(ctx)
	}
	if errors.Is(err, errLostMeanwhile) {
		return o.fail(ctx, work, sum, err)
	}
	if err != nil {
		return fmt.Errorf("mark the end of run %d of view %q: %w", o.ID, o.View, err)
	}
	progress.Mark = mark
	sum.Outcome, sum.FinishedAt = registry.Succeeded, o.config.Now()
	bookkeeping, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeepingTime)
	defer cancel()
	closed, err := o.config.Sharding.Ledger.CloseShards(bookkeeping, sum, progress)
	if err != nil {
		return fmt.Errorf("record the end of run %d of view %q: %w", o.ID, o.View, err)
	}
	if closed {
		work.Closed(o.view, Report{Run: sum}, nil)
	}
	return nil
}

// fail closes a run that can never end.
func (o *opened) fail(ctx context.Context, work *Work, sum registry.Run, why error) error {
	return o.close(ctx, work, sum, fmt.Errorf("materialize view %q in shards: %w; divide another run", o.View, why))
}

func (o *opened) close(ctx context.Context, work *Work, sum registry.Run, why error) error {
	closed, err := o.closeFailed(ctx, &sum, why.Error())
	if closed {
		work.Closed(o.view, Report{Run: sum}, why)
	}
	return errors.Join(why, err)
}
