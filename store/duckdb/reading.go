package duckdb

import (
	"context"
	"errors"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// reading implements offline.Reading in one session, which is opened and confined to the files of all views once. The
// rows of a SQL source stay in a table of the session.
type reading struct {
	session   *session.Session
	relations *relation.Set
	views     map[*feature.View]*viewInReading
	// part is all that is read, if it is not nil.
	part *offline.Part
	// keeps says that events of a SQL source are kept in a table. That pays if there are several windows: the query works
	// row by row, so one window alone need not have all its rows.
	keeps  bool
	marked *newestRows
	taken  *native.RowStream
}

// viewInReading has the rows of a view without bounds.
type viewInReading struct {
	rows *viewRows
	// staged is that of windowRows.
	staged bool
}

// Read implements offline.Store.
func (e *Engine) Read(ctx context.Context, views []*feature.View) (offline.Reading, error) {
	return e.read(ctx, views, nil, true)
}

// readWindow is a reading of one window of a view, or of a part of it.
func (e *Engine) readWindow(ctx context.Context, view *feature.View, part *offline.Part) (*reading, error) {
	if err := e.checkPart(part); err != nil {
		return nil, err
	}
	return e.read(ctx, []*feature.View{view}, part, false)
}

func (e *Engine) read(ctx context.Context, views []*feature.View, part *offline.Part, keeps bool) (*reading, error) {
	s, err := e.newSession(ctx)
	if err != nil {
		return nil, err
	}
	r := &reading{session: s, views: map[*feature.View]*viewInReading{}, part: part, keeps: keeps}
	if err := r.open(ctx, e, views); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// open makes the views readable. What user SQL may be bound is checked before, in the session as it was opened.
func (r *reading) open(ctx context.Context, e *Engine, views []*feature.View) (err error) {
	read := make([]*feature.View, len(views))
	sources := make([]*feature.Source, len(views))
	for i, view := range views {
		if read[i], err = rowsRead(view); err != nil {
			return err
		}
		sources[i] = read[i].Source
		if view.Kind == feature.Windows {
			if err := relation.CheckEventWise(ctx, r.session, sources[i]); err != nil {
				return err
			}
		}
	}
	if r.relations, err = e.open(ctx, r.session, sources, r.part); err != nil {
		return err
	}
	for i, view := range views {
		table := fmt.Sprintf("rows%d", i)
		rows, err := readView(ctx, r.relations, read[i], table)
		if err != nil {
			return err
		}
		if view.Kind == feature.Windows && sources[i].IsQuery() {
			rows = rows.unordered() // Events that tie count alike, whatever their order (R20).
			if r.keeps {
				rows = rows.kept(session.Schema + "." + table)
			}
		}
		r.views[view] = &viewInReading{rows: rows}
	}
	if err := r.relations.LoadTexts(ctx); err != nil {
		return err
	}
	if r.marked, err = newNewestRows(r.session.Native()); err != nil {
		return err
	}
	r.taken, err = native.NewRowStream(r.session.Native())
	return err
}

// rowsRead is the view whose features are columns of the rows that are read: of a view of the kind feature.Windows that
// of its events.
func rowsRead(view *feature.View) (*feature.View, error) {
	if view.Kind == feature.Windows {
		return view.Aggregated.Events, nil
	}
	return view, view.RequireNewestRow()
}

// window are the rows of a view with event times in a window.
func (r *reading) window(ctx context.Context, view *feature.View, window offline.Window, part *offline.Part) (
	*windowRows, error,
) {
	if part != r.part {
		return nil, errors.New("a part of a window is read on its own")
	}
	found, ok := r.views[view]
	if !ok {
		return nil, fmt.Errorf("view %s is not one of those that are read", view.Name)
	}
	return &windowRows{session: r.session, relations: r.relations, rows: found.rows.pruned(inclusive(window)),
		window: window, part: part, staged: &found.staged}, context.Cause(ctx)
}

// Close implements offline.Reading.
func (r *reading) Close() error {
	if r.taken != nil {
		r.taken.Close()
	}
	return r.session.Close()
}

// Newest implements offline.Store.
func (e *Engine) Newest(ctx context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	report offline.NewestReport, err error,
) {
	if err := request.View.RequireNewestRow(); err != nil {
		return report, err
	}
	r, err := e.readWindow(ctx, request.View, request.Part)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Newest(ctx, request, yield)
}

// Events implements offline.Store.
func (e *Engine) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	report offline.NewestReport, err error,
) {
	if err := requireEvents(request.View); err != nil {
		return report, err
	}
	r, err := e.readWindow(ctx, request.View, request.Part)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Events(ctx, request, yield)
}
