package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/bench/rows"
)

// What is generated.
const (
	featureRows = 20_000_000
	wideRows    = 2_000_000
	wideViews   = 10
	features    = rows.Features
	keys        = 1_000_000
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
		uniformFile:  rows.Query(featureRows, keys, 0, rows.Uniform),
		decimalsFile: rows.Query(featureRows, keys, 0, rows.Decimals),
	}
	for view := range wideViews {
		files[wideFile(view)] = rows.Query(wideRows, keys, view+1, rows.Uniform)
	}
	counts := labelCounts
	if many {
		counts = append(counts, memoryLabels)
	}
	for _, count := range counts {
		files[labelFile(count)] = fmt.Sprintf("SELECT i AS label_id, (hash(i * 13 + 5) %% %d)::BIGINT AS user_id, "+
			"make_timestamp(%d + (hash(i * 17 + 3) %% %d)::BIGINT) AS event_timestamp FROM range(%d) t(i)",
			keys, rows.First, int64(rows.Span), count)
	}
	for name, query := range files {
		if err := rows.Make(ctx, filepath.Join(folder, name), query); err != nil {
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
