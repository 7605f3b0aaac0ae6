package relation

import (
	"context"
	"database/sql"

	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// parquetColumn is a top-level column of one Parquet file, as its footer has it.
type parquetColumn struct {
	file, name string
	// nanosUTC says that it holds zoned nanoseconds, which DuckDB's own type does not tell.
	nanosUTC bool
}

// parquetColumns calls visit for every column of every file, file by file.
func (r *Set) parquetColumns(ctx context.Context, paths []string, visit func(parquetColumn) error) error {
	// A footer lists its nodes depth first, each with the number of its children.
	var current parquetColumn
	var open []int64
	query := `SELECT file_name, name, coalesce(num_children, 0),
  coalesce(logical_type LIKE '%isAdjustedToUTC=1%NANOS=NanoSeconds%', false)
FROM parquet_schema(` + quote.Literals(paths) + `) ORDER BY file_name, column_id`
	return r.session.QueryRows(ctx, query, func(rows *sql.Rows) error {
		var file, name string
		var children int64
		var nanosUTC bool
		if err := rows.Scan(&file, &name, &children, &nanosUTC); err != nil {
			return err
		}
		switch len(open) {
		case 0:
			open = append(open, children)
			return nil
		case 1:
			current = parquetColumn{file: file, name: name}
		}
		current.nanosUTC = current.nanosUTC || nanosUTC
		open = closeNode(open, children)
		if len(open) <= 1 {
			return visit(current)
		}
		return nil
	})
}

// closeNode counts a node with the given number of children, and returns the number of children still to come at each
// open level: none once the file is done.
func closeNode(open []int64, children int64) []int64 {
	open[len(open)-1]--
	if children > 0 {
		return append(open, children)
	}
	for len(open) > 0 && open[len(open)-1] == 0 {
		open = open[:len(open)-1]
	}
	return open
}
