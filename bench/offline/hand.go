package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/bench/rows"
)

// joinByHand is what a careful user would write: labels, a source and a result, all Parquet.
func joinByHand(ctx context.Context, labels, source, out string) error {
	columns := make([]string, features)
	for i := range columns {
		columns[i] = fmt.Sprintf("CASE WHEN r.event_timestamp >= l.event_timestamp - INTERVAL 30 DAY "+
			"THEN r.f%[1]d END AS f%[1]d", i)
	}
	return rows.Execute(ctx, fmt.Sprintf("COPY (SELECT l.*, %s FROM '%s' l ASOF LEFT JOIN '%s' r "+
		"ON l.user_id = r.user_id AND l.event_timestamp >= r.event_timestamp) TO '%s' (FORMAT parquet)",
		strings.Join(columns, ", "), labels, source, out))
}

// groupByHand finds the newest event time of each key.
func groupByHand(ctx context.Context, source, out string) error {
	return rows.Execute(ctx, fmt.Sprintf("COPY (SELECT user_id, max(event_timestamp) FROM '%s' GROUP BY user_id) "+
		"TO '%s' (FORMAT parquet)", source, out))
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
	var all, different int64
	query := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT (%s)) FROM '%s' a FULL JOIN '%s' b USING (label_id)",
		strings.Join(same, " AND "), ours, theirs)
	if err := rows.QueryRow(ctx, query, &all, &different); err != nil {
		return err
	}
	if all == 0 || different > 0 {
		return fmt.Errorf("%d of %d rows differ from %s", different, all, theirs)
	}
	return nil
}

// count is the number of rows of a Parquet file.
func count(ctx context.Context, path string) (all int64, err error) {
	return all, rows.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM '%s'", path), &all)
}
