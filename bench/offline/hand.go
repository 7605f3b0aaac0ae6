package main

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // DuckDB's driver.
)

// handwritten is the argument that makes this program the competitor.
const handwritten = "by-hand"

// joinByHand is what a careful user would write: labels, a source and a result, all Parquet.
func joinByHand(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return fmt.Errorf("usage: offline %s LABELS SOURCE OUT", handwritten)
	}
	columns := make([]string, features)
	for i := range columns {
		columns[i] = fmt.Sprintf("CASE WHEN r.event_timestamp >= l.event_timestamp - INTERVAL 30 DAY "+
			"THEN r.f%[1]d END AS f%[1]d", i)
	}
	return execute(ctx, fmt.Sprintf("COPY (SELECT l.*, %s FROM '%s' l ASOF LEFT JOIN '%s' r ON l.user_id = r.user_id "+
		"AND l.event_timestamp >= r.event_timestamp) TO '%s' (FORMAT parquet)", strings.Join(columns, ", "), args[0], args[1],
		args[2]))
}

// compare fails unless both results have the same labels and values. In a wide result the features have full names.
func compare(ctx context.Context, folder, ours, theirs string, view int, wide bool) error {
	same := []string{
		"a.event_timestamp IS NOT DISTINCT FROM b.event_timestamp",
		"a.user_id IS NOT DISTINCT FROM b.user_id",
	}
	for feature := range features {
		name := fmt.Sprintf("f%d", feature)
		full := name
		if wide {
			full = fmt.Sprintf("wide%d__f%d", view, feature)
		}
		same = append(same, fmt.Sprintf("a.%s IS NOT DISTINCT FROM b.%s", full, name))
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	var rows, different int64
	query := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT (%s)) FROM '%s' a FULL JOIN '%s' b USING (label_id)",
		strings.Join(same, " AND "), filepath.Join(folder, ours), filepath.Join(folder, theirs))
	if err := db.QueryRowContext(ctx, query).Scan(&rows, &different); err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	if rows == 0 || different > 0 {
		return fmt.Errorf("%d of %d rows differ from %s", different, rows, theirs)
	}
	return nil
}
