package relation

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// alias is the name of a column in the scan of files. For queries a column that cannot be read has one that is found in
// their plans. DuckDB alone knows which columns a query uses, with SELECT * and views of views, and its plan names
// them. The query itself sees the column under its own name (renameUnreadable), so that the alias changes nothing for
// it.
func (c unifiedColumn) alias(forQuery bool) string {
	if forQuery && c.unreadable != "" {
		return "_plumb_unreadable: " + c.unreadable
	}
	return c.name
}

// renameUnreadable gives the columns of a scan for queries their names.
func (t Table) renameUnreadable(scan string) string {
	if !slices.ContainsFunc(t.schema.columns, func(c unifiedColumn) bool { return c.unreadable != "" }) {
		return scan
	}
	var columns []string
	for _, column := range t.schema.columns {
		columns = append(columns, quote.Identifier(column.alias(true))+" AS "+quote.Identifier(column.name))
	}
	return "SELECT " + strings.Join(append(columns, quote.Identifiers(t.Partitions)...), ", ") + " FROM (" + scan + ")"
}

// checkReadable refuses a query that uses a column which cannot be read. Such columns raise an error in its place, so
// that the rest of a file can be read, and DuckDB drops from a plan what a query does not use.
func (r *Set) checkReadable(ctx context.Context, source *feature.Source) error {
	var unreadable []unifiedColumn
	for _, t := range r.tables {
		if t.schema == nil {
			continue // A source that is defined after the query is not read by it.
		}
		for _, column := range t.schema.columns {
			if column.unreadable != "" {
				unreadable = append(unreadable, column)
			}
		}
	}
	if !source.IsQuery() || len(unreadable) == 0 {
		return nil
	}
	explain := "EXPLAIN (FORMAT json) FROM " + quote.Identifier(source.Name)
	return r.session.QueryRows(ctx, explain, func(rows *sql.Rows) error {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			return err
		}
		var plan any
		if err := json.Unmarshal([]byte(text), &plan); err != nil {
			return fmt.Errorf("read DuckDB's plan of source %s: %w", source.Name, err)
		}
		for _, column := range unreadable {
			if holdsText(plan, column.alias(true)) || holdsText(plan, quote.Identifier(column.alias(true))) {
				return fault.Inputf("", "%s", column.unreadable)
			}
		}
		return nil
	})
}

// holdsText says whether a text occurs in one of the strings of a JSON value.
func holdsText(node any, text string) bool {
	contains := func(child any) bool { return holdsText(child, text) }
	switch node := node.(type) {
	case string:
		return strings.Contains(node, text)
	case []any:
		return slices.ContainsFunc(node, contains)
	case map[string]any:
		return slices.ContainsFunc(slices.Collect(maps.Values(node)), contains)
	}
	return false
}
