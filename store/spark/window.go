package spark

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
)

// window is a reading of one window of a view, or of a part of it.
type window struct {
	engine *Engine
	view   *feature.View
	window offline.Window
	part   *offline.Part
	inputs []feature.Input
}

// Newest implements offline.Store. Spark finds the newest row of each key, and the embedded engine reads these as it
// would read all rows of the window.
func (e *Engine) Newest(ctx context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return e.newest(ctx, request, nil, yield)
}

func (e *Engine) newest(ctx context.Context, request offline.NewestRequest, pinned []feature.Input,
	yield func(arrow.RecordBatch) error,
) (offline.NewestReport, error) {
	if err := request.View.RequireNewestRow(); err != nil {
		return offline.NewestReport{}, err
	}
	w, err := e.window(ctx, request.View, request.Window, request.Part, pinned)
	if err != nil {
		return offline.NewestReport{}, err
	}
	return w.run(ctx, request.View, request.CountBefore, func(r *rows) string { return r.newest(w.window, w.part) },
		func(inner offline.Engine, view *feature.View) (offline.NewestReport, error) {
			request.View, request.Part, request.CountBefore = view, nil, false
			return inner.Newest(ctx, request, yield)
		})
}

// Events implements offline.Store. Spark narrows the rows to those of the window, and the embedded engine sorts them.
func (e *Engine) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return e.events(ctx, request, nil, yield)
}

func (e *Engine) events(ctx context.Context, request offline.EventsRequest, pinned []feature.Input,
	yield func(arrow.RecordBatch) error,
) (offline.NewestReport, error) {
	if request.View.Kind != feature.Windows {
		return offline.NewestReport{}, fault.Inputf("", "view %s has no events, since it computes nothing of them",
			request.View.Name)
	}
	if err := e.EventWise(ctx, request.View.Source); err != nil {
		return offline.NewestReport{}, err
	}
	w, err := e.window(ctx, request.View.Aggregated.Events, request.Window, request.Part, pinned)
	if err != nil {
		return offline.NewestReport{}, err
	}
	return w.run(ctx, request.View, false, func(r *rows) string { return r.events(w.window, w.part) },
		func(inner offline.Engine, view *feature.View) (offline.NewestReport, error) {
			request.View, request.Part = view, nil
			return inner.Events(ctx, request, yield)
		})
}

// window lists the inputs of a window, or takes those of its part.
func (e *Engine) window(ctx context.Context, read *feature.View, of offline.Window, part *offline.Part,
	pinned []feature.Input,
) (*window, error) {
	if err := e.checkPart(part); err != nil {
		return nil, err
	}
	if err := checkSources([]*feature.View{read}); err != nil {
		return nil, err
	}
	w := &window{engine: e, view: read, window: of, part: part, inputs: pinned}
	found, err := e.Inputs(ctx, []*feature.Source{read.Source})
	switch {
	case err != nil:
		return nil, err
	case part != nil:
		w.inputs = part.Inputs
		return w, offline.CheckInputs(part.Inputs, found)
	case pinned == nil:
		w.inputs = found
	}
	return w, nil
}

// checkPart refuses a part that this engine would not divide as the others do.
func (e *Engine) checkPart(part *offline.Part) error {
	switch {
	case part == nil:
		return nil
	case part.Shards < 1 || part.Shard < 0 || part.Shard >= part.Shards:
		return fmt.Errorf("shard %d of %d is none", part.Shard, part.Shards)
	case part.Division != e.Division():
		return &fault.PreconditionError{Message: fmt.Sprintf("the run was divided by %s, and this worker divides by %s; "+
			"run all workers with the offline engine of the project that opened the run", part.Division, e.Division())}
	}
	return nil
}

// run has Spark write rows, and hands them to an embedded engine. The counts of all rows are Spark's.
func (w *window) run(ctx context.Context, view *feature.View, countBefore bool, query func(*rows) string,
	use func(offline.Engine, *feature.View) (offline.NewestReport, error),
) (report offline.NewestReport, err error) {
	o, err := w.engine.begin(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, o.end(ctx)) }()
	all := make([]int, len(w.view.Features))
	for i := range all {
		all[i] = i
	}
	rows, err := o.read(ctx, w.view, w.inputs, all)
	if err != nil {
		return report, err
	}
	s := &staged{folder: "view0", files: rows.files, byFile: rows.folders}
	if err := o.write(ctx, s, query(rows)); err != nil {
		return report, err
	}
	counts, err := o.numbers(ctx, rows.counts(w.window, w.part), 4)
	if err != nil {
		return report, err
	}
	if err := o.release(ctx); err != nil {
		return report, err
	}
	if err := w.engine.checkUnchanged(ctx, []*feature.Source{w.view.Source}, w.inputs); err != nil {
		return report, err
	}
	embedded, err := w.engine.config.Over(o.folder)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, embedded.Close()) }()
	report, err = use(embedded, view.InFiles(s.source()))
	report.NullKeys, report.NullTimes, report.Inputs = counts[1], counts[2], w.inputs
	if report.Read = counts[0]; countBefore {
		report.Before = counts[3]
	}
	for i := range report.Failures {
		report.Failures[i] = o.originOf(report.Failures[i])
	}
	return report, o.replaced(err)
}

// originOf names the row of a source in the place of its copy.
func (o *operation) originOf(failed offline.FailedRow) offline.FailedRow {
	if failed.File == "" {
		return failed
	}
	if path, row, err := o.origin(failed.File, failed.Row-1); err == nil {
		failed.File, failed.Row = path, row+1
	}
	return failed
}

// reading implements offline.Reading: windows one after the other, of inputs that were listed once.
type reading struct {
	engine *Engine
	views  []*feature.View
	inputs []feature.Input
}

// Read implements offline.Store.
func (e *Engine) Read(ctx context.Context, views []*feature.View) (offline.Reading, error) {
	if err := checkSources(views); err != nil {
		return nil, err
	}
	embedded, err := e.Engine.Read(ctx, views) // It says what is wrong with views, and reads no rows.
	if err != nil {
		return nil, err
	}
	if err := embedded.Close(); err != nil {
		return nil, err
	}
	r := &reading{engine: e, views: views}
	r.inputs, err = e.Inputs(ctx, sourcesOf(views))
	return r, err
}

// Newest implements offline.Reading.
func (r *reading) Newest(ctx context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	if err := r.check(request.View, request.Part); err != nil {
		return offline.NewestReport{}, err
	}
	inputs, err := r.of(ctx, request.View)
	if err != nil {
		return offline.NewestReport{}, err
	}
	return r.engine.newest(ctx, request, inputs, yield)
}

// Events implements offline.Reading.
func (r *reading) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	if err := r.check(request.View, request.Part); err != nil {
		return offline.NewestReport{}, err
	}
	inputs, err := r.of(ctx, request.View)
	if err != nil {
		return offline.NewestReport{}, err
	}
	return r.engine.events(ctx, request, inputs, yield)
}

func (r *reading) check(view *feature.View, part *offline.Part) error {
	if part != nil {
		return errors.New("a part of a window is read on its own")
	}
	if !slices.Contains(r.views, view) {
		return fmt.Errorf("view %s is not one of those that are read", view.Name)
	}
	return nil
}

// of are the inputs of a view as they were listed. One that has changed since is an error.
func (r *reading) of(ctx context.Context, view *feature.View) ([]feature.Input, error) {
	now, err := r.engine.Inputs(ctx, []*feature.Source{view.Source})
	if err != nil {
		return nil, err
	}
	var listed []feature.Input
	for _, input := range now {
		if was, there := find(r.inputs, input); there {
			listed = append(listed, was)
		}
	}
	return listed, r.engine.checkUnchanged(ctx, []*feature.Source{view.Source}, listed)
}

// Close implements offline.Reading. It holds nothing.
func (r *reading) Close() error { return nil }
