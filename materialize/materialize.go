// Package materialize brings feature rows from the offline to the online store, window by window (R5).
//
// A run reads the newest row of each entity key in the half-open window (start, end], packs it, and writes it under
// newest-wins (R14). The window is recorded in the registry's ledger only once every row was written. So a run that was
// killed at any point is simply repeated: the next run starts at the end of what is complete, and writing a row twice
// changes nothing.
//
// For example, one key has rows of 09:00, 10:00 and 11:00. The first run, up to 10:00, has a window without a beginning
// and writes the row of 10:00. The next, up to 11:00, has the window (10:00, 11:00] and writes the row of 11:00.
// Windows meet and do not overlap: an event time of exactly 10:00 is in the first alone. The row of 09:00 is never
// written, since the online store only needs the newest.
//
// A run goes through these steps, each in a file of its own: the window is chosen (window.go); the table's marks are
// looked at, which show whether the store has lost rows, and a birth is set if there is none (loss.go); the rows are
// read, packed and written (copy.go, batch.go), for as long as the view's definition stays as it is (guard.go); the
// progress is marked and then recorded in the ledger.
//
// A run can be divided into shards (shards.go) that workers on several machines do (worker.go), each with a lease
// (lease.go), by a plan that the registry keeps (sharedplan.go).
package materialize

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// bookkeepingTime bounds how long the outcome of a run may take to record. It is recorded even when the run itself was
// cancelled.
const bookkeepingTime = 10 * time.Second

// Config says where rows come from and where they go. Offline, Online, Ledger and Now are required. The owner of the
// first three closes them.
type Config struct {
	Offline Reader
	Online  Online
	Ledger  registry.Ledger
	// Now is the clock (R15).
	Now func() time.Time
	// TempDir is a folder for copies of rows that are being pushed; if empty, the system's.
	TempDir string
	// LogFolder returns the absolute folder of a push log, or why there cannot be one. If nil, no view has one.
	LogFolder func(path string) (string, error)
	// Sharding is what Divide, Work and Cancel need; they need Registry too.
	Sharding Sharding
	// Registry reports whether definitions have changed during a run, which then ends. If nil, they never do.
	Registry Definitions
	// Retention is how long after a view's ttl the online store keeps expired rows (R13); see online.NewTable.
	Retention time.Duration
	// ClockSkew is how far the clocks of machines may be apart: states of windows can be looked up from twice as long
	// before the instant that they are complete through (R27).
	ClockSkew time.Duration
	// Progress, if set, is called after each batch with the number of rows of the view that the store has been given so
	// far. It is called from one goroutine at a time.
	Progress func(view string, rows int64)
	// BatchRows is how many rows are written at once; 4,096 if zero. A batch also ends at 4 MiB.
	BatchRows int
}

// Reader is what a materialization needs of a offline.Store.
type Reader interface {
	Newest(ctx context.Context, request offline.NewestRequest,
		yield func(arrow.RecordBatch) error) (offline.NewestReport, error)
	Events(ctx context.Context, request offline.EventsRequest,
		yield func(arrow.RecordBatch) error) (offline.NewestReport, error)
}

// Definitions is what a materialization needs of a registry.Registry.
type Definitions interface {
	Revision(ctx context.Context, project string) (int64, error)
	Current(ctx context.Context, project string) (*feature.Snapshot, error)
}

// Online is what a materialization needs of a online.Store.
type Online interface {
	online.Reader
	online.Writer
}

// Materializer materializes views. It is safe for concurrent use.
type Materializer struct{ config Config }

// New returns a materializer.
func New(config Config) *Materializer {
	config.BatchRows = cmp.Or(config.BatchRows, 4096)
	if config.Progress == nil {
		config.Progress = func(string, int64) {}
	}
	return &Materializer{config}
}

// Report says what a run did.
type Report struct {
	// Run is what the ledger keeps. Its ID is 0 if there was nothing to do.
	Run registry.Run
	// Failures are the first of the rows that Run.Skipped counts.
	Failures []offline.FailedRow
	// Done, if not nil, says that there was nothing to do, since the view is complete in this interval already.
	Done *registry.Interval
	// Before counts the rows of the source that lie before the window, if it is the first one and has a start: nothing
	// will bring them online.
	Before int64
	// Notes are sentences for the user: that rows later than now were left (R15), that a part is still missing.
	Notes []string
}

// attempts is how often a run is begun that finds at its end that the store has lost rows meanwhile. Another run that
// begins the lost table anew at the same moment looks like a loss, and is over the next time.
const attempts = 3

// Run materializes one view over the window that the request asks for. If the online store has lost rows of the view,
// Run brings back what was materialized before, and says so in the report's notes.
//
// It returns a *fault.InputError for a request that makes no sense or a source that cannot be read, a
// *fault.PreconditionError for a view that is not online, and an error that wraps fault.ErrUnavailable if a store
// cannot be reached. After any error the recorded end is unchanged, and the run, once begun, is recorded as failed. The
// report then also holds what is known.
func (m *Materializer) Run(ctx context.Context, view *feature.View, request Request) (Report, error) {
	if !view.Online {
		return Report{}, notOnline(view)
	}
	var notes []string
	for attempt := 1; ; attempt++ {
		report, err := m.attempt(ctx, view, request)
		report.Notes = slices.Concat(notes, report.Notes)
		if !errors.Is(err, errLostMeanwhile) || attempt == attempts {
			return report, err
		}
		again := fmt.Sprintf("run %d of view %q is begun anew: %v", report.Run.ID, view.Name, errLostMeanwhile)
		notes = slices.Concat(report.Notes, []string{again})
	}
}

// attempt is one run. It is in the ledger before it writes anything, since its id goes into every row that it writes
// (packed.RunOrigin). That the marks cannot be read counts only after that, so that the ledger has a failed run to
// show.
func (m *Materializer) attempt(ctx context.Context, view *feature.View, request Request) (Report, error) {
	progress, err := m.config.Ledger.Progress(ctx, view.Project)
	if err != nil {
		return Report{}, fmt.Errorf("read how far view %q has been materialized: %w", view.Name, err)
	}
	marks, unread := m.newMarking(ctx, view, progress[view.Name])
	now := m.config.Now()
	plan, err := m.newPlan(view, request, progress, marks.loss, feature.InstantOf(now))
	if err != nil {
		return Report{}, err
	}
	report := Report{Run: plan.run(now), Notes: plan.notes}
	if plan.done != nil {
		report.Done = plan.done
		return report, unread
	}
	note, err := m.unfinished(ctx, view)
	if err != nil {
		return report, err
	}
	report.Notes = append(report.Notes, note...)
	if report.Run.ID, err = m.config.Ledger.Begin(ctx, report.Run); err != nil {
		return report, fmt.Errorf("record the start of materializing view %q: %w", view.Name, err)
	}
	if err = unread; err == nil {
		err = m.copyMarked(ctx, plan, marks, request.MaxFailed, &report)
	}
	if err != nil {
		err = fmt.Errorf("materialize view %q: %w", view.Name, fault.WithCause(ctx, err))
	}
	return report, m.finish(ctx, &report.Run, plan.progress, err)
}

func (m *Materializer) newPlan(view *feature.View, request Request, recorded map[string]registry.Progress, loss Loss,
	now feature.Instant,
) (*plan, error) {
	if view.Kind == feature.Windows {
		return newPlanOfStates(view, request, recorded, loss, now, m.config.ClockSkew)
	}
	return newPlan(view, request, recorded, loss, now)
}

// copyMarked is copyAll between the marks that tell later whether the store still has the rows.
func (m *Materializer) copyMarked(ctx context.Context, p *plan, marks *marking, maxFailed int64, report *Report) error {
	older, err := m.hasOlder(ctx, p)
	if err != nil {
		return err
	}
	if err := marks.begin(ctx, report.Run.ID); err != nil {
		return err
	}
	if p.states != nil {
		if p.states.build, err = marks.next(ctx, 0); err != nil {
			return err
		}
	}
	if err := m.copyAll(ctx, p, maxFailed, report); err != nil {
		return err
	}
	if older {
		if err := m.upgrade(ctx, p, marks.table, report); err != nil {
			return err
		}
	}
	p.progress.Birth = marks.birth
	p.progress.Mark, err = marks.end(ctx)
	return err
}

// unfinished says that another run of the view was begun and has not ended. Whether it still goes on or was killed,
// both are safe: newest wins in the store (R14), and the ledger keeps what both have done.
func (m *Materializer) unfinished(ctx context.Context, view *feature.View) ([]string, error) {
	last, err := m.config.Ledger.LastRuns(ctx, view.Project)
	if err != nil {
		return nil, fmt.Errorf("read the last run of view %q: %w", view.Name, err)
	}
	run, ok := last[view.Name]
	if !ok || run.Outcome != registry.Running {
		return nil, nil
	}
	return []string{fmt.Sprintf("run %d of view %q began at %s and has not ended: it still goes on, or was killed; "+
		"this one does no harm to it", run.ID, view.Name, feature.InstantOf(run.StartedAt))}, nil
}

// finish records the outcome, even if ctx is cancelled, and returns the failure that the run ended with. A run that
// failed records no progress, however much it has written: the next one does the whole window again.
func (m *Materializer) finish(ctx context.Context, run *registry.Run, progress *registry.Progress,
	failure error,
) error {
	run.FinishedAt, run.Outcome = m.config.Now(), registry.Succeeded
	if failure != nil {
		run.Outcome, run.Error, progress = registry.Failed, failure.Error(), nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeepingTime)
	defer cancel()
	if err := m.config.Ledger.Finish(ctx, *run, progress); err != nil {
		err = fmt.Errorf("record the outcome of materializing view %q: %w", run.View, err)
		return errors.Join(failure, err)
	}
	return failure
}
