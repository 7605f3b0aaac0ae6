package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// Events implements offline.Store. DuckDB sorts the rows into a table, so that it can spill.
func (e *Engine) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	report offline.NewestReport, err error,
) {
	if request.View.Kind != feature.Windows {
		return report, fault.Inputf("", "view %s has no events, since it computes nothing of them", request.View.Name)
	}
	events := request.View.Aggregated.Events
	s, err := e.newSession(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := relation.CheckEventWise(ctx, s, events.Source); err != nil {
		return report, err
	}
	relations, err := e.open(ctx, s, []*feature.Source{events.Source})
	if err != nil {
		return report, err
	}
	rows, err := readView(ctx, relations, events, "rows0")
	if err != nil {
		return report, err
	}
	if events.Source.IsQuery() {
		rows = rows.unordered() // Events that tie count alike, whatever their order (R20).
	}
	if err := relations.LoadTexts(ctx); err != nil {
		return report, err
	}
	w := &eventRows{windowRows{session: s, rows: rows.pruned(inclusive(request.Window)), window: request.Window}}
	report, err = w.check(ctx, relations, request.MaxFailed)
	report.Inputs = w.rows.described(relations)
	if err == nil {
		err = w.sort(ctx, &report)
	}
	if err != nil {
		return report, relations.Blame(ctx, err)
	}
	names := w.names()
	return report, s.Stream(ctx, "events", func(batch arrow.RecordBatch) error {
		return yield(renamed(batch, names))
	})
}

// eventRows are the rows of a window as events.
type eventRows struct{ windowRows }

// check counts the rows that are left out, and if rows may fail, all others too.
func (w *eventRows) check(ctx context.Context, r *relation.Set, maxFailed int64) (
	report offline.NewestReport, err error,
) {
	if err := w.stage(ctx, r); err != nil {
		return report, err
	}
	if err := w.countNulls(ctx, &report); err != nil {
		return report, err
	}
	fits, may := w.fit()
	if !may {
		return report, nil
	}
	err = w.session.QueryRow(ctx, fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT %s) FROM %s WHERE %s", fits,
		w.rows.from, w.usable()), &report.Read, &report.Failed)
	if err == nil && report.Failed > 0 {
		err = w.sampleFailed(ctx, w.usable()+" AND NOT "+fits, &report)
	}
	if err == nil && report.Failed > maxFailed {
		err = offline.TooManyFailed(report, maxFailed)
	}
	return report, err
}

// fit is the condition that all values of a row fit their types, and whether some may not.
func (w *eventRows) fit() (condition string, may bool) {
	return fit(append(w.rows.keyColumns(), w.rows.featureColumns()...))
}

// sort makes the table of events. If no row can fail, its rows are all that were read, which saves a reading of the
// source to count them.
func (w *eventRows) sort(ctx context.Context, report *offline.NewestReport) error {
	err := w.session.Exec(ctx, w.sorted())
	if _, may := w.fit(); err == nil && !may {
		err = w.session.QueryRow(ctx, "SELECT count(*) FROM "+session.Schema+".events", &report.Read)
	}
	return err
}

// sorted is the query that makes the table of events.
func (w *eventRows) sorted() string {
	columns := append(w.rows.typedKeys(), w.rows.eventTime(), w.rows.createdTime())
	for i := range w.rows.view.Features {
		columns = append(columns, w.rows.value("r", fmt.Sprintf("r.f%d", i), i))
	}
	names := quote.Numbered("v", len(columns))
	for i := range columns {
		columns[i] += " AS " + names[i]
	}
	fits, _ := w.fit()
	return fmt.Sprintf("CREATE TABLE %s.events AS\nSELECT row_number() OVER () - 1 AS n, * FROM "+
		"(SELECT %s FROM %s r WHERE %s AND %s ORDER BY %s)", session.Schema, strings.Join(columns, ", "), w.rows.from,
		w.usable(), fits, strings.Join(names[:len(w.rows.keys)+1], ", "))
}
