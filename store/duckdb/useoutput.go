package duckdb

import (
	"fmt"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// output is the column of a feature. Its value is brought to the declared type only here, so that a value that does
// not fit is an error where it is in the answer, and not where a correction of the same time has replaced it.
func (u *use) output(output registry.Output) column {
	row := fmt.Sprintf("p%d", u.number)
	sql := u.rows.value(row, fmt.Sprintf("%s.f%d", row, output.Feature), output.Feature)
	if u.statuses {
		sql = fmt.Sprintf("CASE WHEN NOT %s.expired THEN %s END", row, sql)
	}
	return column{name: output.Name, sql: sql, csv: csvText(sql, u.reference.View.Features[output.Feature].Type)}
}

// status is the SQL of an output's status (R13).
func (u *use) status(output registry.Output) string {
	return fmt.Sprintf("CASE WHEN p%[1]d.n IS NULL THEN 'NOT_FOUND' WHEN p%[1]d.expired THEN 'EXPIRED' "+
		"WHEN p%[1]d.f%[2]d IS NULL THEN 'NULL' ELSE 'PRESENT' END", u.number, output.Feature)
}

func (u *use) eventTimestamp() column {
	sql := fmt.Sprintf("make_timestamptz(p%d.e)", u.number)
	return column{name: u.reference.Alias + "__event_timestamp", sql: sql, csv: csvText(sql, plumbv1.Type_TIMESTAMP)}
}

// slots are the layers over the labels that give a label what the index keeps for it, each a list of columns: first
// where its winner is, then whether that has expired, then the row, as the column p# with the fields of found.
func (u *use) slots() (where, when, row string) {
	n := u.number
	keys := "true" + each(u.labelColumns, " AND $ IS NOT NULL", "")
	where = fmt.Sprintf("CASE WHEN %s THEN _plumb_slot%d(%s, t) END AS s%d", keys, n, u.hash.of(u.labelKeys), n)
	event := fmt.Sprintf("_plumb_event%d(s%d)", n, n)
	when = fmt.Sprintf("coalesce(%s, false) AS x%d", u.expired(event), n)
	slot := fmt.Sprintf("s%d", n)
	if !u.statuses {
		slot = fmt.Sprintf("CASE WHEN NOT x%d THEN s%d END", n, n)
	}
	fields := []string{fmt.Sprintf("'n': %s", slot), fmt.Sprintf("'e': _plumb_event%d(%s)", n, slot),
		fmt.Sprintf("'expired': x%d", n)}
	for i, feature := range u.features {
		fields = append(fields, fmt.Sprintf("'f%d': _plumb_feature%d_%d(%s)", feature, n, i, slot))
	}
	return where, when, fmt.Sprintf("{%s} AS p%d", strings.Join(fields, ", "), n)
}
