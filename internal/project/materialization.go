package project

import (
	"context"
	"errors"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/offline"
)

// Materialization asks for views to be materialized.
//
// Results are handed over view by view and not as one report, so that a command prints what came of a view before the
// next one begins, and an interruption loses nothing of what is done.
type Materialization struct {
	// Views are names. If there are none, all views that are online are materialized.
	Views []string
	materialize.Request
	// Begin, Progress and End are required. Begin is called before each view's run, and Progress during it with the rows
	// that are done. Each returns at once.
	Begin    func(view *feature.View)
	Progress func(view string, rows int64)
	// End is called with the result of each view's run. report.Run.ID is 0 if none was begun. The error that it returns
	// replaces err, so that a caller can add what failed while it reported the result.
	End func(view *feature.View, report materialize.Report, err error) error
}

// Materialize runs the views one after the other. One that fails does not keep the others from running; all failures
// are in the error.
//
// Once ctx is done no other view is begun, and the error is that of the run which was interrupted. What failed before
// it has been handed to End.
func (p *Project) Materialize(ctx context.Context, asked Materialization) error {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return err
	}
	views, err := materialize.Views(snapshot, asked.Views)
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
	var failures []error
	for _, view := range views {
		asked.Begin(view)
		run := recorder.StartMaterialization(view)
		report, err := materializer.Run(ctx, view, asked.Request)
		run.End(ctx, report.Run, err)
		err = asked.End(view, report, err)
		if ctx.Err() != nil {
			return err
		}
		failures = append(failures, err)
	}
	return errors.Join(failures...)
}

// NothingToDo is the outcome of a view if everything was done already, so that there was no run. Start and End are then
// what is done.
const NothingToDo = "nothing to do"

// Materialized is the document of a view's run that has just ended.
type Materialized struct {
	document.Run
	// Before is how many rows lie before the first window, and are not online.
	Before int64 `json:"before,omitempty"`
	// Failures are the first of the rows that were left out.
	Failures []offline.FailedRow `json:"failures,omitempty"`
}

// NewMaterialized is the document of what came of a view's run.
func NewMaterialized(report materialize.Report) Materialized {
	made := Materialized{Run: document.NewRun(RunMessage(report.Run)), Before: report.Before, Failures: report.Failures}
	if done := report.Done; done != nil {
		made.Outcome, made.End = NothingToDo, value.FormatInstant(feature.Instant(done.End))
		made.Start = nil
		if done.Start != nil {
			made.Start = new(value.FormatInstant(feature.Instant(*done.Start)))
		}
	}
	return made
}

func (p *Project) materializer(ctx context.Context, progress func(view string, rows int64)) (
	*materialize.Materializer, error,
) {
	offline, err := p.Offline(ctx)
	if err != nil {
		return nil, err
	}
	online, err := p.Online(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	return materialize.New(materialize.Config{
		Offline:   offline,
		Online:    online,
		Ledger:    ledger,
		Registry:  ledger,
		Sharding:  materialize.Sharding{Ledger: ledger, Sources: offline, LocalStore: p.localStore()},
		TempDir:   p.Config.Offline.TempDir,
		LogFolder: p.LogFolder,
		Now:       p.options.Now,
		Retention: p.Config.OnlineRetention,
		ClockSkew: p.Config.Push.ClockSkew,
		Progress:  progress,
	}), nil
}
