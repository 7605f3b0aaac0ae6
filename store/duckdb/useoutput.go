package duckdb

import (
	"fmt"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/relation"
)

// winner is the row that is found for a label in a use, as SQL has it in the result: p and the number of the use.
type winner struct{ *use }

// output is the column of a feature. Its value is converted to the declared type only here, so that a value that does
// not fit is an error if it is in the answer, and not if a correction of the same time has replaced it.
func (w winner) output(output feature.StoredOutput) column {
	row := fmt.Sprintf("p%d", w.number)
	sql := w.rows.value(row, fmt.Sprintf("%s.f%d", row, output.Feature), output.Feature)
	if w.statuses {
		sql = fmt.Sprintf("CASE WHEN NOT %s.expired THEN %s END", row, sql)
	}
	return column{name: output.Name, sql: sql, csv: csvText(sql, w.reference.View.Features[output.Feature].Type)}
}

// status is the SQL of an output's status (R13).
func (w winner) status(output feature.StoredOutput) string {
	return fmt.Sprintf("CASE WHEN p%[1]d.o IS NULL THEN 'NOT_FOUND' WHEN p%[1]d.expired THEN 'EXPIRED' "+
		"WHEN p%[1]d.f%[2]d IS NULL THEN 'NULL' ELSE 'PRESENT' END", w.number, output.Feature)
}

// state is empty: what a program reads of a winner is null wherever there is no value.
func (w winner) state(feature.StoredColumn) string { return "" }

// instant is a time of the winning row.
func (w winner) instant(name, time string) column {
	sql := fmt.Sprintf("make_timestamptz(p%d.%s)", w.number, time)
	return column{name: w.reference.Alias + "__" + name, sql: sql, csv: csvText(sql, plumbv1.Type_TIMESTAMP)}
}

// traced returns the columns that say where the values come from; see offline.JoinRequest. A row's position identifies
// the file of the source that it is in: its upper bits are the file's place in source order, to which 1 is added, since
// SQL counts the elements of a list from 1.
func (w winner) traced() []column {
	file := "NULL::VARCHAR"
	if files := w.rows.table.Names; len(files) > 0 {
		file = fmt.Sprintf("%s[(p%d.o >> %d) + 1]", quote.Literals(files), w.number, relation.FileShift)
	}
	created := w.plain("created_timestamp", "NULL::TIMESTAMP WITH TIME ZONE")
	if w.wantsCreated() {
		created = w.instant("created_timestamp", "c")
	}
	return append(w.definition(), w.plain("source_file", file), w.instant("event_timestamp", "e"), created, w.age())
}

// kept returns the column p# over the labels, with the fields of found, for features that are kept.
func (w winner) kept() string {
	keys := "true" + quote.Each(w.labelColumns, " AND $ IS NOT NULL", "")
	hash := fmt.Sprintf("CASE WHEN %s THEN %s END", keys, w.hash.of(w.labelKeys))
	return fmt.Sprintf("_plumb_found%[1]d(%[2]s, t) AS p%[1]d", w.number, hash)
}
