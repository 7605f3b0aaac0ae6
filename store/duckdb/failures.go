package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/offline"
)

// misfit returns which values of a column cannot be converted to the declared type: the condition on the column, the
// value or element that is to blame, and what is wrong with it, all as SQL. The condition is empty if every value can
// be converted.
func (c *conversion) misfit(column string) (condition, blamed, reason string) {
	if c.fits != "" {
		return unfit(column, c.fits), column, quote.Literal("does not fit " + c.declared.String() + " exactly" + c.hint)
	}
	if c.element == nil || c.element.fits == "" {
		return "", "", ""
	}
	elements := fmt.Sprintf("list_filter(%s, lambda element: %s)", strings.ReplaceAll(c.value, "$", column),
		unfit("element", c.element.fits))
	return fmt.Sprintf("coalesce(len(%s) > 0, false)", elements), elements + "[1]",
		quote.Literal("is an element that does not fit " + c.element.declared.String() + " exactly")
}

func unfit(value, fits string) string {
	return fmt.Sprintf("(%s IS NOT NULL AND (%s) IS NOT TRUE)", value, strings.ReplaceAll(fits, "$", value))
}

// typedColumn is a column of a view's rows that is brought to a declared type.
type typedColumn struct {
	conversion *conversion
	// sql is our name of it, and name the user's.
	sql, name string
}

func (v *viewRows) keyColumns() []typedColumn {
	var columns []typedColumn
	for i, key := range v.keys {
		columns = append(columns, typedColumn{key, fmt.Sprintf("k%d", i), v.view.Keys[i].Name})
	}
	return columns
}

func (v *viewRows) featureColumns() []typedColumn {
	var columns []typedColumn
	for i, feature := range v.features {
		columns = append(columns, typedColumn{feature, fmt.Sprintf("f%d", i), v.view.Features[i].Column})
	}
	return columns
}

// fit returns the condition that the values of a row fit, or false if every value fits.
func fit(columns []typedColumn) (condition string, mayFail bool) {
	var misfits []string
	for _, column := range columns {
		if misfit, _, _ := column.conversion.misfit(column.sql); misfit != "" {
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
		if misfit, blamed, reason := column.conversion.misfit(column.sql); misfit != "" {
			failures = append(failures, fmt.Sprintf("CASE WHEN %s THEN {'column': %s, 'value': left(CAST(%s AS VARCHAR), 100), "+
				"'reason': %s} END", misfit, quote.Literal(column.name), blamed, reason))
		}
	}
	return "coalesce(" + strings.Join(failures, ", ") + ")"
}

// findFailed counts the rows of the window that cannot be served, and takes samples: rows whose key does not fit its
// type, and marked rows with a feature that does not.
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
	place := "filename, file_row_number + 1"
	if n.rows.view.Source.IsQuery() {
		place = "'', 0"
	}
	query := fmt.Sprintf("SELECT %s, failure.column, failure.value, failure.reason\n"+
		"FROM (SELECT *, %s AS failure FROM %s WHERE %s ORDER BY o LIMIT %d)", place,
		failure(append(n.rows.keyColumns(), n.rows.featureColumns()...)), n.rows.from, fails, offline.FailureSamples)
	return n.session.queryRows(ctx, query, func(rows *sql.Rows) error {
		var f offline.FailedRow
		err := rows.Scan(&f.File, &f.Row, &f.Column, &f.Value, &f.Reason)
		report.Failures = append(report.Failures, f)
		return err
	})
}
