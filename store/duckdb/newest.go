package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// newest is one search for the newest rows of a window.
//
// Keys and times pass by first: for each key the position of its greatest row is found and marked. Then all columns
// pass by, and the marked rows go out as they come. So nothing is sorted or joined, and what is held is a position for
// each key, which DuckDB can spill, and a bit for each row of the source.
//
// Created times are read only for keys that have several rows of their latest event time (R3).
type newest struct {
	windowRows

	marked *newestRows
	taken  *native.RowStream
}

// Newest implements offline.Reading.
func (r *reading) Newest(ctx context.Context, request offline.NewestRequest, yield func(arrow.RecordBatch) error) (
	report offline.NewestReport, err error,
) {
	if err := request.View.RequireNewestRow(); err != nil {
		return report, err
	}
	window, err := r.window(ctx, request.View, request.Window, request.Part)
	if err != nil {
		return report, err
	}
	n := &newest{windowRows: *window, marked: r.marked, taken: r.taken}
	report, err = n.find(ctx, request.MaxFailed)
	if err == nil && request.CountBefore && request.Window.Start != nil {
		report.Before, err = r.countThrough(ctx, request.View, *request.Window.Start)
	}
	report.Inputs = n.rows.described(r.relations)
	if err != nil {
		return report, r.relations.Blame(ctx, err)
	}
	var refusal error
	err = n.stream(ctx, report.Failed > 0, func(batch arrow.RecordBatch) error {
		refusal = yield(batch)
		return refusal
	})
	if refusal != nil {
		return report, refusal
	}
	return report, r.relations.Blame(ctx, err)
}

// find marks the newest rows, and counts.
func (n *newest) find(ctx context.Context, maxFailed int64) (report offline.NewestReport, err error) {
	if err := n.stage(ctx); err != nil {
		return report, err
	}
	n.marked.begin()
	if err := n.mark(ctx); err != nil {
		return report, err
	}
	report.Read = n.marked.read.Load()
	if err := n.countNulls(ctx, &report); err != nil {
		return report, err
	}
	if err := n.findFailed(ctx, &report); err != nil {
		return report, err
	}
	if report.Failed > maxFailed {
		return report, offline.TooManyFailed(report, maxFailed)
	}
	return report, nil
}

// mark marks the greatest row of each key (R3).
func (n *newest) mark(ctx context.Context) error {
	keys := quote.Numbered("k", len(n.rows.keys))
	if n.rows.created == nil {
		return n.session.Exec(ctx, fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_newest(last, n))\n"+
			"FROM (SELECT max(_plumb_pack(e, o)) AS last, count(*) AS n FROM (%s)\n%s)", n.seen(), grouped(keys)))
	}
	err := n.session.Exec(ctx, fmt.Sprintf("CREATE OR REPLACE TABLE %s.tied AS\n"+
		"SELECT * EXCLUDE (last, first, n), _plumb_event(last) AS e\nFROM (SELECT %smax(_plumb_pack(e, o)) AS last, "+
		"max(_plumb_pack(e, ~o)) AS first, count(*) AS n FROM (%s)\n%s)\nWHERE _plumb_tied(last, first, n)",
		session.Schema, quote.Each(keys, "$, ", ""), n.seen(), grouped(keys)))
	if err != nil || !n.marked.ties.Load() {
		return err
	}
	return n.session.Exec(ctx, fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_latest(last))\n"+
		"FROM (SELECT max(_plumb_pack(r.c, r.o)) AS last\nFROM (%s) r JOIN %s.tied t ON r.e = t.e%s\n%s)",
		n.seen(), session.Schema, quote.Each(keys, " AND r.$ = t.$", ""), grouped(quote.Numbered("t.k", len(keys)))))
}

// grouped makes a group of each key; without keys, of all rows if there are any (R12).
func grouped(keys []string) string {
	if len(keys) == 0 {
		return "HAVING count(*) > 0"
	}
	return "GROUP BY " + strings.Join(keys, ", ")
}

// seen selects the rows of the window that can be served, with typed keys k0…, e and c in microseconds, c being
// noCreated if it is null, and o.
func (n *newest) seen() string {
	columns := n.rows.typedKeys()
	for i := range columns {
		columns[i] += fmt.Sprintf(" AS k%d", i)
	}
	keysFit, _ := fit(n.rows.keyColumns())
	columns = append(columns, n.rows.eventTime()+" AS e", "coalesce("+n.rows.createdTime()+", "+noCreated+") AS c", "o")
	return fmt.Sprintf("SELECT %s\n  FROM %s\n  WHERE %s", strings.Join(columns, ", "), n.rows.from,
		n.usable()+" AND "+keysFit)
}

// stream hands out the rows that were marked, without those that fail.
func (n *newest) stream(ctx context.Context, failed bool, yield func(arrow.RecordBatch) error) error {
	return n.taken.Run(ctx, n.names(), func(ctx context.Context) error { return n.session.Exec(ctx, n.take(failed)) },
		yield)
}

// take is the query that takes the rows.
func (n *newest) take(failed bool) string {
	columns := append(n.rows.typedKeys(), n.rows.eventTime(), n.rows.createdTime())
	for i := range n.rows.view.Features {
		columns = append(columns, n.rows.value("r", fmt.Sprintf("r.f%d", i), i))
	}
	names := quote.Numbered("v", len(columns))
	for i := range columns {
		columns[i] += " AS " + names[i]
	}
	where := "_plumb_won(o)"
	where += n.rows.within(inclusive(offline.Window{Start: n.marked.before(), End: n.window.End}))
	if failed {
		featuresFit, _ := fit(n.rows.featureColumns())
		where += " AND " + featuresFit
	}
	return fmt.Sprintf("SELECT count(*) FILTER (WHERE _plumb_take(%s))\nFROM (SELECT %s FROM %s r WHERE %s)",
		strings.Join(names, ", "), strings.Join(columns, ", "), n.rows.from, where)
}
