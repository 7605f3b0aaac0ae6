package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// Events implements offline.Reading. DuckDB sorts the rows into a table, so that it can spill.
func (r *reading) Events(ctx context.Context, request offline.EventsRequest, yield func(arrow.RecordBatch) error) (
	report offline.NewestReport, err error,
) {
	if err := requireEvents(request.View); err != nil {
		return report, err
	}
	window, err := r.window(ctx, request.View, request.Window, request.Part)
	if err != nil {
		return report, err
	}
	w := &eventRows{*window}
	report, err = w.check(ctx, request.MaxFailed)
	report.Inputs = w.rows.described(r.relations)
	if err == nil {
		err = w.sort(ctx, &report)
	}
	if err != nil {
		return report, r.relations.Blame(ctx, err)
	}
	names := w.names()
	return report, r.session.Stream(ctx, "events", func(batch arrow.RecordBatch) error {
		return yield(renamed(batch, names))
	})
}

func requireEvents(view *feature.View) error {
	if view.Kind != feature.Windows {
		return fault.Inputf("", "view %s has no events, since it computes nothing of them", view.Name)
	}
	return nil
}

// eventRows are the rows of a window as events.
type eventRows struct{ windowRows }

// check counts the rows that are left out, and if rows may fail, all others too.
func (w *eventRows) check(ctx context.Context, maxFailed int64) (report offline.NewestReport, err error) {
	if err := w.stage(ctx); err != nil {
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
	return fmt.Sprintf("CREATE OR REPLACE TABLE %s.events AS\nSELECT row_number() OVER () - 1 AS n, * FROM "+
		"(SELECT %s FROM %s r WHERE %s AND %s ORDER BY %s)", session.Schema, strings.Join(columns, ", "), w.rows.from,
		w.usable(), fits, strings.Join(names[:len(w.rows.keys)+1], ", "))
}
