package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/offline"
)

// fit returns the condition that the values of a row fit, or false if every value fits.
func fit(columns []typedColumn) (condition string, mayFail bool) {
	var misfits []string
	for _, column := range columns {
		if misfit, _, _ := column.conversion.Misfit(column.sql); misfit != "" {
			misfits = append(misfits, misfit)
		}
	}
	if misfits == nil {
		return "true", false
	}
	return "NOT (" + strings.Join(misfits, " OR ") + ")", true
}

// failure is the SQL of what is wrong with a row: a STRUCT about its first value that does not fit, or null.
func failure(columns []typedColumn) string {
	var failures []string
	for _, column := range columns {
		if misfit, blamed, reason := column.conversion.Misfit(column.sql); misfit != "" {
			failures = append(failures, fmt.Sprintf("CASE WHEN %s THEN {'column': %s, 'value': left(CAST(%s AS VARCHAR), 100), "+
				"'reason': %s} END", misfit, quote.Literal(column.name), blamed, reason))
		}
	}
	return "coalesce(" + strings.Join(failures, ", ") + ")"
}

// findFailed counts the rows of the window that cannot be served, and takes samples: rows whose key does not fit its
// type, and marked rows with a feature that does not.
//
// A key that does not fit belongs to no entity, so every such row is lost and counts. A feature counts only in the
// newest row of its key: older rows are never served, and a correction that replaced a wrong value has mended it. Rows
// with such a key were not among those that mark has seen, and are added to the rows read here.
func (n *newest) findFailed(ctx context.Context, report *offline.NewestReport) error {
	keysFit, keysMay := fit(n.rows.keyColumns())
	featuresFit, featuresMay := fit(n.rows.featureColumns())
	if !keysMay && !featuresMay {
		return nil
	}
	fails := fmt.Sprintf("%s AND (NOT %s OR _plumb_won(o) AND NOT %s)", n.usable(), keysFit, featuresFit)
	var badKeys int64
	err := n.session.QueryRow(ctx, fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT %s) FROM %s WHERE %s", keysFit,
		n.rows.from, fails), &report.Failed, &badKeys)
	report.Read += badKeys
	if err != nil || report.Failed == 0 {
		return err
	}
	return n.sampleFailed(ctx, fails, report)
}

// sampleFailed takes samples of the rows that fail by a condition.
func (w *windowRows) sampleFailed(ctx context.Context, fails string, report *offline.NewestReport) error {
	place := "filename, file_row_number + 1"
	if w.rows.view.Source.IsQuery() {
		place = "'', 0"
	}
	query := fmt.Sprintf("SELECT %s, failure.column, failure.value, failure.reason\n"+
		"FROM (SELECT *, %s AS failure FROM %s WHERE %s ORDER BY %s LIMIT %d)", place,
		failure(append(w.rows.keyColumns(), w.rows.featureColumns()...)), w.rows.from, fails, w.rows.order,
		offline.FailureSamples)
	return w.session.QueryRows(ctx, query, func(rows *sql.Rows) error {
		var f offline.FailedRow
		err := rows.Scan(&f.File, &f.Row, &f.Column, &f.Value, &f.Reason)
		f.File = w.session.Named(f.File)
		report.Failures = append(report.Failures, f)
		return err
	})
}
