package duckdb

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
	"github.com/plumbstore/plumb/store/offline"
)

// windowRows are the rows of a view with an event time in a window.
type windowRows struct {
	session   *session.Session
	relations *relation.Set
	rows      *viewRows
	window    offline.Window
	// part is all that is read, if it is not nil.
	part *offline.Part
	// staged says that what stage does for a SQL source is done; it outlives the window.
	staged *bool
}

// inclusive returns the window's range with both ends included. An end is open if DuckDB cannot represent its time.
func inclusive(window offline.Window) timeRange {
	const far = math.MaxInt64 / 2
	var times timeRange
	if window.Start != nil && *window.Start > -far {
		times.from = new(int64(min(*window.Start, far)) + 1)
	}
	if window.End < far {
		times.to = new(int64(max(window.End, -far)))
	}
	return times
}

// stage reads a SQL source, and refuses times that cannot be compared. All windows have the same rows of a SQL source,
// so that once is enough. Of files each window has others.
func (w *windowRows) stage(ctx context.Context) error {
	if *w.staged {
		return nil
	}
	if err := w.rows.checkStoredTimes(ctx, w.relations); err != nil {
		return err
	}
	for _, statement := range slices.Concat(w.rows.staging, w.rows.infinite()) {
		if err := w.session.Exec(ctx, statement); err != nil {
			return err
		}
	}
	*w.staged = w.rows.view.Source.IsQuery()
	return nil
}

// usable is the condition that a row has all keys and an event time in the window.
func (w *windowRows) usable() string {
	return w.rows.usable() + w.rows.within(inclusive(w.window)) + " AND " + inWindow(w.rows.eventTime(), w.window) +
		" AND " + w.rows.inPart(w.part)
}

// inWindow is the condition that the microseconds lie in the half-open window (R5).
func inWindow(micros string, window offline.Window) string {
	condition := fmt.Sprintf("%s <= %d", micros, window.End)
	if window.Start != nil {
		condition += fmt.Sprintf(" AND %s > %d", micros, *window.Start)
	}
	return condition
}

// countNulls counts the rows without a key or a time. Where the files' footers say that there are none, no row is read.
func (w *windowRows) countNulls(ctx context.Context, report *offline.NewestReport) error {
	if w.rows.noneUnusable() {
		return nil
	}
	query := fmt.Sprintf("SELECT count(*) FILTER (WHERE NOT (%s) AND %s), count(*) FILTER (WHERE e IS NULL) FROM %s "+
		"WHERE %s", w.rows.usable(), inWindow(w.rows.eventTime(), w.window), w.rows.from, w.rows.inPart(w.part))
	return w.session.QueryRow(ctx, query, &report.NullKeys, &report.NullTimes)
}

// countThrough counts the rows of a view with an event time up to the instant. It reads no column but the event time,
// and of a part the keys.
func (r *reading) countThrough(ctx context.Context, view *feature.View, through feature.Instant) (int64, error) {
	window := offline.Window{End: through}
	earlier, err := r.window(ctx, view, window, r.part)
	if err != nil {
		return 0, err
	}
	rows := earlier.rows
	var count int64
	return count, r.session.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s WHERE e IS NOT NULL%s AND %s AND %s",
		rows.from, rows.within(inclusive(window)), inWindow(rows.eventTime(), window), rows.inPart(r.part)), &count)
}

// names are those of the columns of a row, for people.
func (w *windowRows) names() []string {
	var names []string
	for _, key := range w.rows.view.Keys {
		names = append(names, key.Name)
	}
	names = append(names, "event_ts", "created_ts")
	for _, f := range w.rows.view.Features {
		names = append(names, f.Name)
	}
	return names
}
