package duckdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// join implements offline.Join. Each run has a session of its own, the first one that of the plan unless SQL of users
// was bound there; what was fetched of objects is kept until it is closed.
//
// For each use of a view it indexes the label rows, lets the view's rows pass by the index, which leaves every label
// with its winner (R3), and makes a table of the winners' features. The tables are joined to the labels at the end.
type join struct {
	engine  *Engine
	request offline.JoinRequest
	labels  *labelfile.File
	// timeColumn is the position of the labels' instant.
	timeColumn int
	// keyTypes are the declared types of the label columns that are join keys or request inputs of text, by position.
	keyTypes map[int]plumbv1.Type
	uses     []*use
	computed []*computed
	outputs  []column
	// planned are the sources as they were found; a run reads the same files.
	planned *relation.Set
	// ready is the session of the plan until a run takes it.
	ready atomic.Pointer[session.Session]
}

// column is a column of the result.
type column struct {
	name string
	// sql is its expression over the labels l and the found rows p0, p1, …; empty for a label column.
	sql string
	// csv is the expression of its text form.
	csv string
}

// nameColumns lists the result's columns and refuses names that stand twice (R10). An output collides with a name that
// differs in case alone too, since many readers of the result, SQL among them, could not ask for one of the two.
func (j *join) nameColumns() error {
	selection := j.request.Selection
	for _, output := range selection.Outputs {
		value, status := j.outputOf(output)
		j.outputs = append(j.outputs, value)
		if j.request.Statuses {
			j.outputs = append(j.outputs, column{name: output.Name + "__status", sql: status, csv: status})
		}
	}
	for _, u := range j.uses {
		switch {
		case j.request.Provenance:
			j.outputs = append(j.outputs, u.found().traced()...)
		case j.request.EventTimestamps:
			j.outputs = append(j.outputs, u.found().instant("event_timestamp", "e"))
		}
	}
	wanters := map[string]string{}
	for _, c := range j.labels.Columns {
		wanters[strings.ToLower(c.Name)] = fmt.Sprintf("label column %q", c.Name)
	}
	var collisions []string
	for _, c := range j.outputs {
		folded := strings.ToLower(c.name)
		if other, ok := wanters[folded]; ok {
			collisions = append(collisions, fmt.Sprintf("%q is wanted by %s and by the features", c.name, other))
		}
		wanters[folded] = fmt.Sprintf("output %q", c.name)
	}
	if collisions == nil {
		return nil
	}
	return &fault.CollisionError{Names: collisions,
		Hint: "ask for full names (view__feature), or rename the label column"}
}

// outputOf is the column of an output, and the SQL of its status.
func (j *join) outputOf(output feature.Output) (value column, status string) {
	switch from := output.From.(type) {
	case feature.ComputedColumn:
		c := j.computed[from.Computation]
		return c.output(output.Name, from.Feature), c.status(from.Feature)
	case feature.StoredColumn:
		u, stored := j.uses[from.Reference].found(), feature.StoredOutput{StoredColumn: from, Name: output.Name}
		return u.output(stored), u.status(stored)
	}
	return column{}, ""
}

// Explain implements offline.Join. It reads the labels and, of the sources, what they count as: a SQL source is run.
func (j *join) Explain(ctx context.Context) (string, error) {
	var text strings.Builder
	err := j.open(ctx, nil, func(run *joinRun) error {
		labels, err := j.labelTimes(ctx, run.session)
		if err != nil {
			return err
		}
		var ran []*useRun
		for _, u := range j.uses {
			r := run.of(u, labels)
			if err := r.stage(ctx); err != nil {
				return r.explain(ctx, err)
			}
			if err := r.choose(ctx); err != nil {
				return r.explain(ctx, err)
			}
			sql := r.statements()
			fmt.Fprintf(&text, "-- view %s as %s\n-- strategy: %s\n%s;\n\n", u.reference.View.Name, u.reference.Alias, r.chosen,
				strings.Join(sql, ";\n"))
			ran = append(ran, r)
		}
		fmt.Fprintf(&text, "-- result\n%s;\n", j.result(ran, j.typedLabels(), quote.Identifiers(j.columnNames())))
		return nil
	})
	return text.String(), err
}

// labelTimes returns the range of the labels' instants, without bounds if there are no labels.
func (j *join) labelTimes(ctx context.Context, s *session.Session) (timeRange, error) {
	var times timeRange
	return times, s.QueryRow(ctx, "SELECT min(t), max(t) FROM "+session.Schema+".labels", &times.from, &times.to)
}

// Inputs implements offline.Join.
func (j *join) Inputs() []feature.Input { return j.planned.Described() }

// Close implements offline.Join.
func (j *join) Close() error {
	var errs []error
	if s := j.ready.Swap(nil); s != nil {
		errs = append(errs, s.Close())
	}
	if j.planned != nil {
		errs = append(errs, j.planned.Close())
	}
	return errors.Join(errs...)
}

// prepare runs everything up to the result in a session that may touch the extra files too, and hands that over with
// the uses as they ran.
func (j *join) prepare(ctx context.Context, extra []string, write func(*session.Session, []*useRun) error,
) (offline.JoinReport, error) {
	var report offline.JoinReport
	err := j.open(ctx, extra, func(run *joinRun) error {
		s := run.session
		report.Rows, report.Inputs, report.Labels = run.labels, run.relations.Described(), j.labels.Columns
		var err error
		if report.NaiveTimes, err = j.labels.Naive(ctx, s, j.timeColumn); err != nil {
			return err
		}
		times, err := j.labelTimes(ctx, s)
		if err != nil {
			return err
		}
		progress := newProgress(j.request.Progress, s)
		for _, u := range j.uses {
			progress.expect(max(u.rows.count(), 0))
		}
		progress.expect(report.Rows)
		var ran []*useRun
		for _, whole := range j.uses {
			r := run.of(whole, times)
			ran = append(ran, r)
			counted, err := r.run(ctx, progress)
			if err != nil {
				return err
			}
			if j.request.Diagnose && counted.Matched < (report.Rows+few-1)/few {
				// The join is correct without it, even if a row that no label sees has a key that does not fit.
				counted.Unmatched, _ = whole.unmatched(ctx, s, times)
			}
			report.Views = append(report.Views, counted)
		}
		err = progress.during("writing rows", report.Rows, func() error { return run.relations.Blame(ctx, write(s, ran)) })
		for _, c := range run.computing {
			report.Computed = append(report.Computed, c.report())
		}
		for _, r := range ran {
			if invalid := r.invalid(); len(invalid.Invalid) > 0 {
				report.Computed = append(report.Computed, invalid)
			}
		}
		return err
	})
	return report, err
}

// open hands over a run in whose session the sources can be read and the labels are loaded, and which may touch the
// extra files too.
func (j *join) open(ctx context.Context, extra []string, use func(*joinRun) error) (err error) {
	reopen, s := j.planned.Resume, j.ready.Swap(nil)
	if s == nil {
		if s, err = j.engine.newSession(ctx); err != nil {
			return err
		}
		reopen = func(ctx context.Context, files []string) (*relation.Set, error) {
			return j.planned.Reopen(ctx, s, files)
		}
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	relations, err := reopen(ctx, append(extra, j.labels.Path))
	if err != nil {
		return err
	}
	load := j.labels.Load
	if j.passes() {
		load = j.labels.Pass
	}
	if err := load(ctx, s, j.timeColumn); err != nil {
		return err
	}
	if err := relations.LoadTexts(ctx); err != nil {
		return err
	}
	run := &joinRun{session: s, relations: relations, choice: j.engine.choosing, uses: j.uses,
		threads: cmp.Or(j.engine.config.Threads, runtime.GOMAXPROCS(0))}
	if err := s.QueryRow(ctx, "SELECT count(*) FROM "+session.Schema+".labels", &run.labels); err != nil {
		return err
	}
	if err := run.collector.register(s.Native()); err != nil {
		return err
	}
	for _, c := range j.computed {
		computing := newComputing(c)
		run.computing = append(run.computing, computing)
		if err := computing.register(s.Native()); err != nil {
			return err
		}
	}
	return use(run)
}

// typedLabels are the label columns as they are.
func (j *join) typedLabels() []string {
	columns := quote.Numbered("l.c", len(j.labels.Columns))
	if j.labels.Format == labelfile.CSV {
		columns[j.timeColumn] = "make_timestamptz(l.t)"
	}
	return columns
}

// columnNames are the names of the result's columns.
func (j *join) columnNames() []string {
	var names []string
	for _, c := range j.labels.Columns {
		names = append(names, c.Name)
	}
	for _, c := range j.outputs {
		names = append(names, c.name)
	}
	return names
}

// result is the query for the rows of the result, in label order (R6), from the uses as they ran, the label columns'
// expressions and all columns' SQL names.
func (j *join) result(ran []*useRun, labels, names []string) string {
	columns := make([]string, len(names))
	for i := range labels {
		columns[i] = labels[i] + " AS " + names[i]
	}
	for i, c := range j.outputs {
		columns[len(labels)+i] = c.sql + " AS " + names[len(labels)+i]
	}
	return "SELECT " + strings.Join(columns, ",\n  ") + "\n" + j.from(ran)
}

// from reads the labels with the winners whose features are kept, and joins what was found otherwise. DuckDB keeps the
// order of a table that it only reads; what is joined has to be sorted. What is computed is a column of the rows that
// come of that, so that each program runs once for each row, however many outputs it has.
func (j *join) from(ran []*useRun) string {
	kept, joins, order := []string{"*"}, "", ""
	rows := []string{"l.*"}
	for _, r := range ran {
		if u := r.use; r.chosen.keeps {
			kept = append(kept, u.found().kept())
		} else {
			joins += fmt.Sprintf("\nLEFT JOIN %s p%d ON p%d.n = l.n", u.table("found"), u.number, u.number)
			rows = append(rows, fmt.Sprintf("p%d", u.number))
			order = "\nORDER BY l.n"
		}
	}
	labels := session.Schema + ".labels"
	if len(kept) > 1 {
		labels = fmt.Sprintf("(SELECT %s\n  FROM %s)", strings.Join(kept, ",\n    "), labels)
	}
	from := "FROM " + labels + " l" + joins
	if j.computed == nil {
		return from + order
	}
	for _, c := range j.computed {
		rows = append(rows, c.call())
	}
	return fmt.Sprintf("FROM (SELECT %s\n%s) l%s", strings.Join(rows, ",\n    "), from, order)
}
