package project

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/pushlog"
)

// Status says how far each view has been materialized.
type Status struct {
	Project  string
	Revision int64
	Views    []ViewStatus
	// LossesUnknown says why it is not known whether the online store has lost rows, or nil if it is known. A store that
	// cannot be reached does not hide what the registry knows.
	LossesUnknown error
}

// ViewStatus is what is known of one view.
type ViewStatus struct {
	View  *feature.View
	State ViewState
	// Done is what the view has been materialized for, and Last its last run. Each is nil if there is none.
	Done *registry.Progress
	Last *registry.Run
	// AheadOfClock reports a window that was recorded as done although it ends later than the clock says, or is nil if
	// there is none.
	AheadOfClock error
	// Waiting are rows that were pushed long enough ago to be in a Parquet file of the push log, and are not.
	Waiting pushlog.Unfinished
	// Windows says what is stored for windows; nil unless the view is of the kind feature.Windows.
	Windows *StoredWindows
}

// StoredWindows says what is stored of the entities of a view of the kind feature.Windows.
type StoredWindows struct {
	// Windows are those of the view, each once, in the order of its aggregations.
	Windows []feature.WindowWords
	// Floor is since when look-ups of every entity are exact (R27); nil if nothing is complete.
	Floor *feature.Instant
	// MostTiles is how many tiles an entity has at the most; see windows.Layout.MostTiles.
	MostTiles int64
	// MeanTiles and MeanBytes are means over the entities that the last run has written; nil if there are none.
	MeanTiles, MeanBytes *float64
}

// storedWindows returns nil if the view has no windows.
func (p *Project) storedWindows(s *ViewStatus) (*StoredWindows, error) {
	if s.View.Kind != feature.Windows {
		return nil, nil
	}
	layout, err := s.View.Layout()
	if err != nil {
		return nil, err
	}
	stored := &StoredWindows{MostTiles: layout.MostTiles()}
	for _, a := range s.View.Aggregated.Aggregates {
		if words := feature.WordsOf(a.Span); !slices.Contains(stored.Windows, words) {
			stored.Windows = append(stored.Windows, words)
		}
	}
	if s.State == Complete {
		through := s.Done.Last().End
		stored.Floor = new(feature.Instant(layout.Horizon(through, p.Config.Push.ClockSkew.Microseconds(), 0).Floor))
	}
	// What the store had newer states of may be counted in the bytes or not.
	if run := s.Last; run != nil && run.Written > 0 && run.Older == 0 {
		stored.MeanTiles = new(float64(run.Tiles) / float64(run.Written))
		stored.MeanBytes = new(float64(run.Bytes) / float64(run.Written))
	}
	return stored, nil
}

// Status reads the registry, and asks the online store what it has lost.
func (p *Project) Status(ctx context.Context) (*Status, error) {
	snapshot, err := p.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	status := &Status{Project: snapshot.Project, Revision: snapshot.Revision}
	status.Views, status.LossesUnknown, err = p.statusOf(ctx, snapshot.Views())
	if err != nil {
		return nil, err
	}
	return status, nil
}

// StatusOf is the status of some views.
func (p *Project) StatusOf(ctx context.Context, views []*feature.View) ([]ViewStatus, error) {
	status, unknown, err := p.statusOf(ctx, views)
	if err := errors.Join(err, unknown); err != nil {
		return nil, err
	}
	return status, nil
}

// statusOf returns unknown if it cannot be determined what the online store has lost.
func (p *Project) statusOf(ctx context.Context, views []*feature.View) (status []ViewStatus, unknown, err error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, nil, err
	}
	progress, err := ledger.Progress(ctx, p.Config.Project)
	if err != nil {
		return nil, nil, err
	}
	runs, err := ledger.LastRuns(ctx, p.Config.Project)
	if err != nil {
		return nil, nil, err
	}
	losses, unknown := p.losses(ctx, views)
	for _, view := range views {
		one := ViewStatus{View: view}
		if done, ok := progress[view.Name]; ok {
			one.Done = &done
		}
		if last, ok := runs[view.Name]; ok {
			one.Last = &last
		}
		one.State = viewStateOf(view, one.Done, one.Last, losses[view.Name])
		if one.Windows, err = p.storedWindows(&one); err != nil {
			return nil, nil, err
		}
		if err := p.findProblems(ctx, &one); err != nil {
			return nil, nil, err
		}
		status = append(status, one)
	}
	return status, unknown, nil
}

// losses returns what the online store has lost of the views. If nothing was materialized, it does not open the store,
// so that the store is not created.
func (p *Project) losses(ctx context.Context, views []*feature.View) (map[string]materialize.Loss, error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	recorded, err := ledger.Recorded(ctx, p.Config.Project)
	if err != nil || len(recorded) == 0 {
		return nil, err
	}
	online, err := p.Online(ctx)
	if err != nil {
		return nil, err
	}
	return materialize.Losses(ctx, ledger, online, p.Config.Project, views)
}

// findProblems looks for problems that the runs of a view do not show.
func (p *Project) findProblems(ctx context.Context, status *ViewStatus) (err error) {
	view := status.View
	if !view.Online {
		return nil
	}
	if status.Done != nil {
		end, now := feature.Instant(status.Done.Last().End), feature.InstantOf(p.options.Now())
		status.AheadOfClock = materialize.AheadOfClock(view.Name, end, now)
	}
	status.Waiting, err = p.waitingRows(ctx, view)
	return err
}

// waitingRows are those that wait in a push log for longer than usual. A row waits for up to the log's interval as a
// rule. If it waits longer, no process keeps the log, or the online store does not take its rows.
func (p *Project) waitingRows(ctx context.Context, view *feature.View) (pushlog.Unfinished, error) {
	// grace is how much longer than usual it may take.
	const grace = time.Minute
	if view.Source.Log == nil {
		return pushlog.Unfinished{}, nil
	}
	folder, err := p.LogFolder(view.Source.Log.Path)
	if err != nil {
		return pushlog.Unfinished{}, err
	}
	left, err := pushlog.Unrolled(ctx, folder)
	if err != nil || left.Rows == 0 || p.options.Now().Sub(left.Since) < p.Config.Push.LogInterval+grace {
		return pushlog.Unfinished{}, err
	}
	return left, nil
}

// Runs are the materialization runs of a view, newest first; none of a view that was never registered. limit, unless it
// is 0, is how many are returned at most.
func (p *Project) Runs(ctx context.Context, view string, limit int) ([]registry.Run, error) {
	ledger, err := p.Registry(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := ledger.Runs(ctx, p.Config.Project, view)
	if err != nil {
		return nil, err
	}
	slices.Reverse(runs)
	if limit > 0 {
		runs = runs[:min(limit, len(runs))]
	}
	return runs, nil
}
