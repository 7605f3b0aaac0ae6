package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// What is generated.
const (
	featureRows = 20_000_000
	wideRows    = 2_000_000
	wideViews   = 10
	features    = 10
	keys        = 1_000_000
	// The times span 90 days from first, in microseconds.
	first = 1_700_000_000_000_000
	span  = 90 * 86_400 * 1_000_000
)

var labelCounts = []int{20_000, 200_000, 2_000_000}

// The files of featureRows rows, by their values.
const (
	uniformFile  = "data/uniform.parquet"
	decimalsFile = "data/decimals.parquet"
)

func labelFile(count int) string { return fmt.Sprintf("labels_%d.parquet", count) }
func wideFile(view int) string   { return fmt.Sprintf("data/uniform%d.parquet", view) }

// generate makes what is not there yet; the many labels only for the measurement of memory.
func generate(ctx context.Context, folder string, many bool) error {
	for _, sub := range []string{"data", "features"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil {
			return fmt.Errorf("make the folder: %w", err)
		}
	}
	files := map[string]string{
		uniformFile:  rowsQuery(featureRows, 0, uniform),
		decimalsFile: rowsQuery(featureRows, 0, decimals),
	}
	for view := range wideViews {
		files[wideFile(view)] = rowsQuery(wideRows, view+1, uniform)
	}
	counts := labelCounts
	if many {
		counts = append(counts, memoryLabels)
	}
	for _, count := range counts {
		files[labelFile(count)] = fmt.Sprintf("SELECT i AS label_id, (hash(i * 13 + 5) %% %d)::BIGINT AS user_id, "+
			"make_timestamp(%d + (hash(i * 17 + 3) %% %d)::BIGINT) AS event_timestamp FROM range(%d) t(i)",
			keys, first, int64(span), count)
	}
	for name, query := range files {
		if err := generateFile(ctx, filepath.Join(folder, name), query); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"plumb.yaml": settings, "features/all.yaml": definitions()} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}

// The values of features, as SQL of a hash: all bits of a double from 0 to 1, which no file makes smaller, or three
// decimals up to 1,000, which Snappy makes a third smaller and both sides have to decompress.
const (
	uniform  = "%s / 18446744073709551616.0::DOUBLE"
	decimals = "(%s %% 1000000) / 1000.0"
)

// rowsQuery makes feature rows as a log has them: in the order of time, each known within the minute.
func rowsQuery(rows, seed int, values string) string {
	columns := []string{
		fmt.Sprintf("(hash(i * 7 + %d) %% %d)::BIGINT AS user_id", seed, keys),
		"make_timestamp(moment) AS event_timestamp",
		"make_timestamp(moment + (hash(i) % 60000000)::BIGINT) AS created_timestamp",
	}
	for feature := range features {
		hash := fmt.Sprintf("hash(i * 10 + %d)", feature+seed)
		columns = append(columns, fmt.Sprintf(values+" AS f%d", hash, feature))
	}
	return fmt.Sprintf("SELECT %s FROM (SELECT i, %d + (i::HUGEINT * %d // %d)::BIGINT AS moment FROM range(%d) t(i))",
		strings.Join(columns, ", "), first, int64(span), rows, rows)
}

func generateFile(ctx context.Context, path, query string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	fmt.Fprintln(os.Stderr, "bench: making", path)
	if err := execute(ctx, fmt.Sprintf("COPY (%s) TO '%s.partial' (FORMAT parquet)", query, path)); err != nil {
		return err
	}
	if err := os.Rename(path+".partial", path); err != nil {
		return fmt.Errorf("keep %s: %w", path, err)
	}
	return nil
}

const settings = `project: bench
definitions: [features]
offline: {roots: [data], memory_limit: 8GB}
`

func definitions() string {
	var sources, views, wide strings.Builder
	add := func(source, view, path string) {
		fmt.Fprintf(&sources, "  - {name: %s, parquet: {path: %s}, event_timestamp: event_timestamp, "+
			"created_timestamp: created_timestamp}\n", source, path)
		fmt.Fprintf(&views, "  - name: %s\n    entities: [user]\n    source: %s\n    ttl: 30d\n    features:\n", view, source)
		for feature := range features {
			fmt.Fprintf(&views, "      - {name: f%d, type: FLOAT64}\n", feature)
		}
	}
	add("uniform_rows", "uniform_view", uniformFile)
	add("decimal_rows", "decimals_view", decimalsFile)
	for view := range wideViews {
		add(fmt.Sprintf("rows%d", view), fmt.Sprintf("wide%d", view), wideFile(view))
		fmt.Fprintf(&wide, "{view: wide%d}, ", view)
	}
	return "entities:\n  - {name: user, join_keys: [{name: user_id, type: INT64}]}\nsources:\n" + sources.String() +
		"feature_views:\n" + views.String() + "feature_services:\n  - {name: uniform, features: [{view: uniform_view}]}\n" +
		"  - {name: decimals, features: [{view: decimals_view}]}\n" +
		"  - {name: wide, full_names: true, features: [" + strings.TrimSuffix(wide.String(), ", ") + "]}\n"
}

func execute(ctx context.Context, statement string) error {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("DuckDB: %w", err)
	}
	return nil
}
