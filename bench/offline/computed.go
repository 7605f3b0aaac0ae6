package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/bench/rows"
)

// Label rows with request inputs, a tenth of which are null.
const (
	inputRows    = 2_000_000
	inputsFile   = "labels_of_inputs.parquet"
	inputColumns = ", (hash(i * 7 + 1) % 100000)::DOUBLE / 7 AS a, " +
		"CASE WHEN i % 10 > 0 THEN (hash(i * 7 + 2) % 100000)::DOUBLE / 7 - 1000 END AS b, " +
		"(hash(i * 7 + 3) % 1000)::BIGINT AS n"
)

// computedFeatures are computed by plumb, and by DuckDB in SQL that gives the same values.
var computedFeatures = []struct{ name, kind, expression, sql string }{
	{"ratio", "FLOAT64", "a > 0.0 && b > 0.0 ? a / b : 0.0",
		"CASE WHEN a > 0.0 AND b > 0.0 THEN a / b WHEN NOT (a > 0.0 AND b > 0.0) THEN 0.0 END"},
	{"total", "FLOAT64", "a * 2.0 + b - 1.5", "a * 2.0::DOUBLE + b - 1.5::DOUBLE"},
	{"weekday", "INT64", "n % 7", "n % 7"},
	{"large", "BOOL", "a > b && n > 500", "a > b AND n > 500"},
	{"filled", "FLOAT64", "coalesce(b, a) * abs(a)", "coalesce(b, a) * abs(a)"},
}

// computedView is the definition of the on-demand view.
func computedView() string {
	var text strings.Builder
	text.WriteString("on_demand_views:\n  - name: computed\n    request: [{name: a, type: FLOAT64}, " +
		"{name: b, type: FLOAT64}, {name: n, type: INT64}]\n    features:\n")
	for _, f := range computedFeatures {
		fmt.Fprintf(&text, "      - {name: %s, type: %s, expression: '%s'}\n", f.name, f.kind, f.expression)
	}
	return text.String()
}

// computeByHand is what a careful user would write.
func computeByHand(ctx context.Context, labels, out string) error {
	var columns []string
	for _, f := range computedFeatures {
		columns = append(columns, f.sql+" AS "+f.name)
	}
	return rows.Execute(ctx, fmt.Sprintf("COPY (SELECT *, %s FROM '%s') TO '%s' (FORMAT parquet)",
		strings.Join(columns, ", "), labels, out))
}

// compareComputed fails unless both results have the same values.
func compareComputed(ctx context.Context, ours, theirs string) error {
	var same []string
	for _, f := range computedFeatures {
		same = append(same, fmt.Sprintf("a.%[1]s IS NOT DISTINCT FROM b.%[1]s", f.name))
	}
	var all, different int64
	query := fmt.Sprintf("SELECT count(*), count(*) FILTER (WHERE NOT (%s)) FROM '%s' a FULL JOIN '%s' b USING (label_id)",
		strings.Join(same, " AND "), ours, theirs)
	if err := rows.QueryRow(ctx, query, &all, &different); err != nil {
		return err
	}
	if all != inputRows || different > 0 {
		return fmt.Errorf("%d of %d rows differ", different, all)
	}
	return nil
}
