package main

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	_ "github.com/duckdb/duckdb-go/v2" // DuckDB's driver.
)

// joinByHand is what a careful user would write: labels, a source and a result, all Parquet.
func joinByHand(ctx context.Context, labels, source, out string) error {
	columns := make([]string, features)
	for i := range columns {
		columns[i] = fmt.Sprintf("CASE WHEN r.event_timestamp >= l.event_timestamp - INTERVAL 30 DAY "+
			"THEN r.f%[1]d END AS f%[1]d", i)
	}
	return execute(ctx, fmt.Sprintf("COPY (SELECT l.*, %s FROM '%s' l ASOF LEFT JOIN '%s' r ON l.user_id = r.user_id "+
		"AND l.event_timestamp >= r.event_timestamp) TO '%s' (FORMAT parquet)", strings.Join(columns, ", "), labels, source,
		out))
}

// compare fails unless both results have the same labels and values. In ours the features' names have the prefix.
func compare(ctx context.Context, ours, theirs, prefix string) error {
	same := []string{
		"a.event_timestamp IS NOT DISTINCT FROM b.event_timestamp",
		"a.user_id IS NOT DISTINCT FROM b.user_id",
	}
	for feature := range features {
		same = append(same, fmt.Sprintf("a.%sf%d IS NOT DISTINCT FROM b.f%d", prefix, feature, feature))
	}
	var rows, different int64
	query := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT (%s)) FROM '%s' a FULL JOIN '%s' b USING (label_id)",
		strings.Join(same, " AND "), ours, theirs)
	if err := queryRow(ctx, query, &rows, &different); err != nil {
		return err
	}
	if rows == 0 || different > 0 {
		return fmt.Errorf("%d of %d rows differ from %s", different, rows, theirs)
	}
	return nil
}

// count is the number of rows of a Parquet file.
func count(ctx context.Context, path string) (rows int64, err error) {
	return rows, queryRow(ctx, fmt.Sprintf("SELECT count(*) FROM '%s'", path), &rows)
}

func queryRow(ctx context.Context, query string, into ...any) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, query).Scan(into...); err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	return nil
}
