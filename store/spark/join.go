package spark

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/spark/connect"
)

// join implements offline.Join. Spark finds the rows of each view that any label sees; the embedded engine joins these
// to the labels as it would join all rows, and so decides what each label gets, and writes it.
type join struct {
	engine  *Engine
	request offline.JoinRequest
	// planned is the join of all rows by the embedded engine, which is never run. It has checked the request, and listed
	// the inputs.
	planned offline.Join
	views   []*usedView
}

// usedView is a view that is read for one or several uses.
type usedView struct {
	view *feature.View
	// read is the view whose features are columns of the rows; of a view of the kind feature.Windows that of its events.
	read   *feature.View
	uses   []feature.Reference
	wanted []int
	// positions are those of the uses among the references.
	positions []int
}

// PlanJoin implements offline.Store.
func (e *Engine) PlanJoin(ctx context.Context, request offline.JoinRequest) (offline.Join, error) {
	if request.Shard != nil {
		return nil, errNoShards
	}
	planned, err := e.Engine.PlanJoin(ctx, request)
	if err != nil {
		return nil, err
	}
	j := &join{engine: e, request: request, planned: planned}
	for i, reference := range request.Selection.References {
		at := slices.IndexFunc(j.views, func(v *usedView) bool { return v.view == reference.View })
		if at < 0 {
			at = len(j.views)
			j.views = append(j.views, newUsedView(reference.View))
		}
		j.views[at].add(i, reference, request.Selection.Reads(i))
	}
	if err := checkSources(viewsRead(j.views)); err != nil {
		return nil, errors.Join(err, planned.Close())
	}
	return j, nil
}

func newUsedView(view *feature.View) *usedView {
	v := &usedView{view: view, read: view}
	if view.Kind == feature.Windows {
		v.read = view.Aggregated.Events
	}
	return v
}

func (v *usedView) add(position int, reference feature.Reference, reads []int) {
	v.uses, v.positions = append(v.uses, reference), append(v.positions, position)
	if v.view.Kind == feature.Windows { // Every event column is read.
		for i := range v.read.Features {
			reads = append(reads, i)
		}
	}
	v.wanted = append(v.wanted, reads...)
}

func viewsRead(views []*usedView) []*feature.View {
	var read []*feature.View
	for _, v := range views {
		read = append(read, v.read)
	}
	return read
}

// checkSources refuses what Spark does not read, before anything is asked of it.
func checkSources(views []*feature.View) error {
	for _, source := range sourcesOf(views) {
		if !source.IsQuery() {
			if err := checkSource(source); err != nil {
				return err
			}
		}
	}
	return nil
}

// Inputs implements offline.Join.
func (j *join) Inputs() []feature.Input { return j.planned.Inputs() }

// errNoShards says that Spark divides the work of a join by itself.
var errNoShards = fault.Inputf("--shards", "is for joins of one machine; Spark divides them itself, so leave it out")

// Divide implements offline.Join.
func (j *join) Divide(context.Context, int) ([]offline.LabelShard, error) { return nil, errNoShards }

// Close implements offline.Join.
func (j *join) Close() error { return j.planned.Close() }

// Stream implements offline.Join.
func (j *join) Stream(ctx context.Context, yield func(arrow.RecordBatch) error) (offline.JoinReport, error) {
	return j.run(ctx, func(inner offline.Join) (offline.JoinReport, error) { return inner.Stream(ctx, yield) })
}

// WriteFile implements offline.Join.
func (j *join) WriteFile(ctx context.Context, path string) (offline.JoinReport, error) {
	return j.run(ctx, func(inner offline.Join) (offline.JoinReport, error) { return inner.WriteFile(ctx, path) })
}

// Explain implements offline.Join. It reads the labels and, of the sources, what Spark says of their columns.
func (j *join) Explain(ctx context.Context) (text string, err error) {
	err = j.within(ctx, func(o *operation, l *labels) error {
		for _, v := range j.views {
			rows, err := o.read(ctx, v.read, j.Inputs(), v.wanted)
			if err != nil {
				return err
			}
			text += fmt.Sprintf("-- view %s: the rows that labels see, found by Spark\n%s;\n\n", v.view.Name,
				intoFolder(filepath.Join(o.folder, "rows"), j.query(v, rows, l)))
		}
		text += "-- result: these rows, joined to the labels by the embedded engine\n"
		return nil
	})
	return text, err
}

// within makes an operation, in which the labels are written for Spark.
func (j *join) within(ctx context.Context, use func(*operation, *labels) error) (err error) {
	o, err := j.engine.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.end(ctx)) }()
	l, err := j.engine.writeLabels(ctx, j.request, filepath.Join(o.folder, "labels.parquet"))
	if err != nil {
		return err
	}
	return use(o, l)
}

// run has Spark find the rows, and joins them.
func (j *join) run(ctx context.Context, write func(offline.Join) (offline.JoinReport, error)) (
	report offline.JoinReport, err error,
) {
	err = j.within(ctx, func(o *operation, l *labels) error {
		reduced := &reduced{join: j, selection: *j.request.Selection}
		reduced.selection.References = slices.Clone(j.request.Selection.References)
		for i, v := range j.views {
			o.watch(j.request.Progress, "Spark reads view "+v.view.Name)
			if err := reduced.find(ctx, o, l, i, v); err != nil {
				return fmt.Errorf("view %s: %w", v.view.Name, err)
			}
		}
		if err := o.release(ctx); err != nil {
			return err
		}
		if err := j.engine.checkUnchanged(ctx, sourcesOf(viewsRead(j.views)), j.Inputs()); err != nil {
			return err
		}
		report, err = reduced.write(ctx, o, write)
		return err
	})
	return report, err
}

// watch has the statements that follow tell how far they are.
func (o *operation) watch(progress func(offline.Progress), step string) {
	if progress == nil {
		return
	}
	progress(offline.Progress{Step: step})
	o.session = o.session.Watched(func(p connect.Progress) {
		progress(offline.Progress{Step: fmt.Sprintf("%s, %d of %d tasks", step, p.TasksDone, p.Tasks)})
	})
}

// query is what Spark runs for a view.
func (j *join) query(v *usedView, r *rows, l *labels) string {
	seen := l.sighted(v.uses)
	if v.view.Kind == feature.Windows {
		reach := v.reach()
		return r.counted(seen, l.bounds(reach), reach, j.request.AsKnown)
	}
	var ttl *int64
	if micros := v.view.TTL.Microseconds(); micros > 0 && !j.request.Statuses {
		ttl = &micros
	}
	if j.request.AsKnown {
		return r.known(seen, l.bounds(ttl))
	}
	return r.seen(seen, l.bounds(ttl))
}

// reach is how far before a label an event may lie that it counts; nil if that has no bound.
func (v *usedView) reach() *int64 {
	var longest int64
	for _, a := range v.view.Aggregated.Aggregates {
		if a.Span.Length == 0 {
			return nil
		}
		longest = max(longest, a.Span.Length+a.Span.Hop+a.Span.Offset)
	}
	return &longest
}

// bounds are the event times that labels see which look back by at most that.
func (l *labels) bounds(back *int64) bounds {
	if l.rows == 0 {
		return bounds{nothing: true}
	}
	b := bounds{to: &l.last}
	if back != nil && l.first > math.MinInt64+*back {
		from := l.first - *back
		b.from = &from
	}
	return b
}

// reduced is a run of a join over the rows that Spark has found.
type reduced struct {
	join      *join
	selection feature.Selection
	// unusable has how many rows of each view have no time, and how many have one and no value of a key.
	unusable [][2]int64
}

// find has Spark write the rows of a view that labels see.
func (r *reduced) find(ctx context.Context, o *operation, l *labels, number int, v *usedView) error {
	rows, err := o.read(ctx, v.read, r.join.Inputs(), v.wanted)
	if err != nil {
		return err
	}
	s := &staged{folder: fmt.Sprintf("view%d", number), files: rows.files}
	s.byFile = len(rows.files) > 0 && (rows.folders || r.join.request.Provenance)
	if err := o.write(ctx, s, r.join.query(v, rows, l)); err != nil {
		return err
	}
	counts := []int64{0, 0}
	if !rows.allUsable() {
		if counts, err = o.numbers(ctx, rows.unusable(), len(counts)); err != nil {
			return err
		}
	}
	r.unusable = append(r.unusable, [2]int64(counts))
	read := v.view.InFiles(s.source())
	for _, at := range v.positions {
		r.selection.References[at].View = read
	}
	return nil
}

// source are the files of the rows as a source.
func (s *staged) source() feature.Files {
	return feature.Files{Path: s.folder, Format: feature.Parquet, Copies: &feature.Copies{Names: s.names}}
}

// write joins the rows to the labels, and completes the report.
func (r *reduced) write(ctx context.Context, o *operation, write func(offline.Join) (offline.JoinReport, error)) (
	report offline.JoinReport, err error,
) {
	embedded, err := r.join.engine.config.Over(o.folder)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, embedded.Close()) }()
	request := r.join.request
	request.Selection, request.Only, request.Diagnose = &r.selection, nil, false
	if seal := request.Seal; seal != nil {
		request.Seal = func(ctx context.Context, written string, report offline.JoinReport) (string, error) {
			return seal(ctx, written, r.complete(report))
		}
	}
	inner, err := embedded.PlanJoin(ctx, request)
	if err != nil {
		return report, o.replaced(err)
	}
	defer func() { err = errors.Join(err, inner.Close()) }()
	report, err = write(inner)
	return r.complete(report), o.replaced(err)
}

// complete adds to a report what the rows that Spark has found do not tell.
func (r *reduced) complete(report offline.JoinReport) offline.JoinReport {
	report.Inputs = r.join.Inputs()
	report.Views = slices.Clone(report.Views)
	for i, v := range r.join.views {
		for _, at := range v.positions {
			if at < len(report.Views) && i < len(r.unusable) {
				report.Views[at].NullTimes, report.Views[at].NullKeys = r.unusable[i][0], r.unusable[i][1]
			}
		}
	}
	return report
}
