package duckdb

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/relation"
	"github.com/plumbstore/plumb/store/duckdb/session"
)

// viewRows is the SQL that reads the rows of one view, under the names k0… (keys), e and c (event and created time),
// f0… (features), o (source order, R3) and the text that says where a row is. It does not change: what reads less, or
// in another way, is a new value.
type viewRows struct {
	viewColumns
	// staging, for a SQL source, makes the table that from reads: its rows need an order to break ties by, or are read
	// more than once.
	staging []string
	from    string
	// order is what sorts the rows: o, or, if they have none, ALL.
	order string
	// table is that of a source of files.
	table relation.Table
}

// readView plans the reading of a view. The table names a SQL source's staging table.
func readView(ctx context.Context, r *relation.Set, view *feature.View, table string) (*viewRows, error) {
	columns, err := r.Columns(ctx, view.Source)
	if err != nil {
		return nil, err
	}
	rows := &viewRows{viewColumns: viewColumns{view: view, place: relation.FilePlace}}
	if view.Source.IsQuery() {
		rows.place = quote.Literal("a row of source " + view.Source.Name)
	}
	if err := rows.convert(columns); err != nil {
		return nil, err
	}
	if !view.Source.IsQuery() {
		return rows.over(r.Table(view.Source)), nil
	}
	return rows.staged(session.Schema+"."+table, columns), nil
}

// over is the reading of a table.
func (v *viewRows) over(table relation.Table) *viewRows {
	rows := *v
	rows.table, rows.from, rows.order = table, table.Positioned(v.renamed()), "o"
	return &rows
}

// unordered is the reading of a SQL source as it is, for what needs no order of rows.
func (v *viewRows) unordered() *viewRows {
	rows := *v
	rows.staging, rows.order = nil, "ALL"
	rows.from = fmt.Sprintf("(SELECT %s FROM %s)", v.renamed(), quote.Identifier(v.view.Source.Name))
	return &rows
}

// kept is the reading of a SQL source without an order of rows by way of a table, so that the query runs once.
func (v *viewRows) kept(table string) *viewRows {
	rows := *v.unordered()
	rows.staging = []string{fmt.Sprintf("CREATE OR REPLACE TABLE %s AS FROM %s", table, rows.from)}
	rows.from = table
	return &rows
}

// pruned reads no more files than may hold rows of the range, or rows that are counted as never to be seen (R3, R8).
func (v *viewRows) pruned(times timeRange) *viewRows {
	if v.view.Source.IsQuery() {
		return v
	}
	return v.over(v.table.PrunedTo(v.view.Source.EventTimestamp, times.from, times.to, v.required()))
}

// described lists the files that the rows are read from; for a SQL source those of all that it reads.
func (v *viewRows) described(r *relation.Set) []feature.Input {
	if v.view.Source.IsQuery() {
		return r.Described()
	}
	return v.table.Described()
}

// count returns the number of rows of the files by their footers, or a negative number if the footers do not say, as
// for a SQL source.
func (v *viewRows) count() int64 {
	if v.view.Source.IsQuery() {
		return -1
	}
	return v.table.Rows()
}

// staged is the reading of a SQL source by way of a table, in which its rows are numbered in source order. The numbers
// are joined on by row id instead of being selected with the columns: DuckDB returns the columns that it sorts by from
// its sort keys, in which -0.0 has become 0.0.
func (v *viewRows) staged(table string, columns []feature.Column) *viewRows {
	rows := *v
	rows.staging = []string{
		fmt.Sprintf("CREATE OR REPLACE TABLE %s_read AS\nSELECT %s FROM %s", table, v.renamed(),
			quote.Identifier(v.view.Source.Name)),
		fmt.Sprintf("CREATE OR REPLACE TABLE %[1]s AS\nSELECT r.*, s.o FROM %[1]s_read r\n"+
			"JOIN (SELECT rowid AS id, row_number() OVER (%[2]s) AS o FROM %[1]s_read) s ON s.id = r.rowid",
			table, v.sourceOrder(columns)),
		fmt.Sprintf("DROP TABLE %s_read", table),
	}
	rows.from, rows.order = table, "o"
	return &rows
}

// infinite returns the queries that raise an error if a time is infinite. There are none if the footers rule that out.
func (v *viewRows) infinite() []string {
	var queries []string
	add := func(c *casts.Cast, name, column string) {
		if c != nil && c.Instant != "" && !v.areFinite(column) {
			queries = append(queries, fmt.Sprintf("SELECT count(%s) FROM %s WHERE %s IN ('infinity', '-infinity')",
				c.SQL(name, quote.Literal(fmt.Sprintf("column %q", column)), v.place), v.from, name))
		}
	}
	add(v.event, "e", v.view.Source.EventTimestamp)
	add(v.created, "c", v.view.Source.CreatedTimestamp)
	return queries
}

// areFinite says whether the footers promise that no time of a column is infinite.
func (v *viewRows) areFinite(column string) bool {
	return !v.view.Source.IsQuery() && v.table.AreFinite(column)
}

// places are the columns that say where a row is, of the alias.
func (v *viewRows) places(alias string) []string {
	if v.view.Source.IsQuery() {
		return nil
	}
	if alias != "" {
		alias += "."
	}
	return []string{alias + "filename", alias + "file_row_number"}
}

// countUnusable counts the rows that can never be seen: null times, and null keys. Where the files' footers say that
// there are none, no row is read.
func (v *viewRows) countUnusable(ctx context.Context, s *session.Session) (nullTimes, nullKeys int64, err error) {
	if v.noneUnusable() {
		return 0, 0, nil
	}
	query := fmt.Sprintf("SELECT count(*) FILTER (WHERE e IS NULL), "+
		"count(*) FILTER (WHERE e IS NOT NULL AND NOT (%s)) FROM %s", v.usable(), v.from)
	return nullTimes, nullKeys, s.QueryRow(ctx, query, &nullTimes, &nullKeys)
}

// noneUnusable says whether the footers promise that no key and no event time is null.
func (v *viewRows) noneUnusable() bool {
	return !v.view.Source.IsQuery() && !v.table.MayHoldNulls(v.required())
}

// checkStoredTimes refuses times of 96 bits that microseconds do not hold: of these DuckDB makes other times, without
// an error. Of a SQL source all columns of the files are checked, since which of them count is not known.
func (v *viewRows) checkStoredTimes(ctx context.Context, r *relation.Set) error {
	if !v.view.Source.IsQuery() {
		return v.table.CheckStoredTimes(ctx, func(column string) bool {
			return slices.ContainsFunc(v.readColumns(), func(name string) bool { return strings.EqualFold(name, column) })
		})
	}
	return r.CheckStoredTimes(ctx)
}
