package duckdb

import (
	"fmt"
	"math"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// output is the column of a feature. Its value is converted to the declared type only here, so that a value that does
// not fit is an error if it is in the answer, and not if a correction of the same time has replaced it.
func (u *use) output(output feature.StoredOutput) column {
	row := fmt.Sprintf("p%d", u.number)
	sql := u.rows.value(row, fmt.Sprintf("%s.f%d", row, output.Feature), output.Feature)
	if u.statuses {
		sql = fmt.Sprintf("CASE WHEN NOT %s.expired THEN %s END", row, sql)
	}
	return column{name: output.Name, sql: sql, csv: csvText(sql, u.reference.View.Features[output.Feature].Type)}
}

// status is the SQL of an output's status (R13).
func (u *use) status(output feature.StoredOutput) string {
	return fmt.Sprintf("CASE WHEN p%[1]d.o IS NULL THEN 'NOT_FOUND' WHEN p%[1]d.expired THEN 'EXPIRED' "+
		"WHEN p%[1]d.f%[2]d IS NULL THEN 'NULL' ELSE 'PRESENT' END", u.number, output.Feature)
}

// instant is a time of the winning row.
func (u *use) instant(name, time string) column {
	sql := fmt.Sprintf("make_timestamptz(p%d.%s)", u.number, time)
	return column{name: u.reference.Alias + "__" + name, sql: sql, csv: csvText(sql, plumbv1.Type_TIMESTAMP)}
}

// traced returns the columns that say where the values come from; see offline.JoinRequest. A row's position identifies
// the file of the source that it is in.
func (u *use) traced(files []string) []column {
	plain := func(name, sql string) column {
		return column{name: u.reference.Alias + "__" + name, sql: sql, csv: sql}
	}
	revision, file := "NULL::BIGINT", "NULL::VARCHAR"
	if u.rows.view.Revision > 0 {
		revision = fmt.Sprintf("%d::BIGINT", u.rows.view.Revision)
	}
	if len(files) > 0 {
		file = fmt.Sprintf("%s[(p%d.o >> %d) + 1]", quote.Literals(files), u.number, fileShift)
	}
	created := plain("created_timestamp", "NULL::TIMESTAMP WITH TIME ZONE")
	if u.wantsCreated() {
		created = u.instant("created_timestamp", "c")
	}
	return []column{
		plain("definition_revision", revision),
		plain("definition_hash", quote.Literal(u.rows.view.Hash.String())),
		plain("source_file", file),
		u.instant("event_timestamp", "e"),
		created,
		plain("age_micros", fmt.Sprintf("CASE WHEN p%[1]d.e IS NOT NULL THEN "+
			"least(l.t::HUGEINT - p%[1]d.e, %[2]d)::BIGINT END", u.number, math.MaxInt64)),
	}
}

// keptRow returns the column p# over the labels, with the fields of found, for features that are kept.
func (u *use) keptRow() string {
	keys := "true" + quote.Each(u.labelColumns, " AND $ IS NOT NULL", "")
	hash := fmt.Sprintf("CASE WHEN %s THEN %s END", keys, u.hash.of(u.labelKeys))
	return fmt.Sprintf("_plumb_found%[1]d(%[2]s, t) AS p%[1]d", u.number, hash)
}
