package duckdb

import (
	"fmt"
	"math"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// found is what a use finds for a label row, as SQL has it in the result: p and the number of the use.
type found interface {
	output(feature.StoredOutput) column
	status(feature.StoredOutput) string
	// state is the SQL of an expression.State that a program is given with the feature; empty if nulls say it all.
	state(feature.StoredColumn) string
	instant(name, time string) column
	traced() []column
	// kept is the column p# over the labels, with the fields of the table found.
	kept() string
}

// found is how the columns of the result come from the use.
func (u *use) found() found {
	if u.panes != nil {
		return counted{u}
	}
	return winner{u}
}

// counted is what is computed for a label in a use of a view of the kind feature.Windows; see paneCounter.
type counted struct{ *use }

func (c counted) output(output feature.StoredOutput) column {
	sql := fmt.Sprintf("p%d.f%d", c.number, output.Feature)
	return column{name: output.Name, sql: sql, csv: csvText(sql, c.reference.View.Features[output.Feature].Type)}
}

func (c counted) status(output feature.StoredOutput) string {
	return fmt.Sprintf("CASE WHEN p%[1]d.e IS NULL THEN 'NOT_FOUND' WHEN p%[1]d.s%[2]d = %[3]d THEN 'PRESENT' "+
		"WHEN p%[1]d.s%[2]d = %[4]d THEN 'NULL' ELSE 'INVALID' END", c.number, output.Feature, expression.Present,
		expression.Null)
}

func (c counted) state(stored feature.StoredColumn) string {
	return fmt.Sprintf("p%d.s%d", c.number, stored.Feature)
}

func (c counted) instant(name, time string) column { return winner(c).instant(name, time) }

// traced returns the columns that say where the values come from; see offline.JoinRequest. Values come of many rows, so
// there is no file and no created time.
func (c counted) traced() []column {
	return append(winner(c).definition(),
		c.plain("source_file", "NULL::VARCHAR"),
		c.instant("event_timestamp", "e"),
		c.plain("created_timestamp", "NULL::TIMESTAMP WITH TIME ZONE"),
		winner(c).age(),
		c.plain("events", fmt.Sprintf("p%d.m", c.number)),
		c.instant("earliest_event_timestamp", "a"))
}

func (c counted) kept() string { return paneSearch{search{use: c.use}}.kept() }

// plain is a column that CSV writes as it is.
func (u *use) plain(name, sql string) column {
	return column{name: u.reference.Alias + "__" + name, sql: sql, csv: sql}
}

// definition are the columns that say by which definition of the view the values were made.
func (w winner) definition() []column {
	revision := "NULL::BIGINT"
	if w.reference.View.Revision > 0 {
		revision = fmt.Sprintf("%d::BIGINT", w.reference.View.Revision)
	}
	return []column{
		w.plain("definition_revision", revision),
		w.plain("definition_hash", quote.Literal(w.reference.View.Hash.String())),
	}
}

// age is the column of how old the row is.
func (w winner) age() column {
	return w.plain("age_micros", fmt.Sprintf("CASE WHEN p%[1]d.e IS NOT NULL THEN "+
		"least(l.t::HUGEINT - p%[1]d.e, %[2]d)::BIGINT END", w.number, math.MaxInt64))
}
