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

	// Each of many files has fileRows rows, of fileKeys keys in all.
	fileRows   = 1_000
	fileKeys   = 100_000
	fileLabels = 20_000

	// Labels of many columns are joined with a small file.
	columnLabels = 10
	smallRows    = 1_000
	smallKeys    = 10
)

var (
	labelCounts  = []int{20_000, 200_000, 2_000_000}
	fileCounts   = []int{300, 1_000, 3_000}
	columnCounts = []int{300, 1_000, 3_000}
)

// The files of featureRows rows, by their values, and the small file.
const (
	uniformFile  = "data/uniform.parquet"
	decimalsFile = "data/decimals.parquet"
	smallFile    = "data/small.parquet"
	// filesLabels are of the keys that many files have.
	filesLabels = "labels_of_files.parquet"
)

func labelFile(count int) string     { return fmt.Sprintf("labels_%d.parquet", count) }
func columnsFile(columns int) string { return fmt.Sprintf("labels_of_%d_columns.parquet", columns) }
func wideFile(view int) string       { return fmt.Sprintf("data/uniform%d.parquet", view) }
func filesFolder(files int) string   { return fmt.Sprintf("data/files%d", files) }

// queries are those of all files that can be made, by their names.
func queries() map[string]string {
	files := map[string]string{
		filesLabels:  labelQuery(fileLabels, fileKeys, ""),
		uniformFile:  rows.Query(featureRows, keys, 0, rows.Uniform),
		decimalsFile: rows.Query(featureRows, keys, 0, rows.Decimals),
		smallFile:    rows.Query(smallRows, smallKeys, 0, rows.Uniform),
	}
	for view := range wideViews {
		files[wideFile(view)] = rows.Query(wideRows, keys, view+1, rows.Uniform)
	}
	files[inputsFile] = labelQuery(inputRows, keys, inputColumns)
	for _, count := range append(labelCounts, memoryLabels) {
		files[labelFile(count)] = labelQuery(count, keys, "")
	}
	for _, columns := range columnCounts {
		var more strings.Builder
		for i := range columns {
			fmt.Fprintf(&more, ", (i * %d + 0.5)::DOUBLE AS label_column_%d", i, i)
		}
		files[columnsFile(columns)] = labelQuery(columnLabels, smallKeys, more.String())
	}
	return files
}

// labelQuery is a query for label rows of random keys and times, with more columns.
func labelQuery(count, keys int, more string) string {
	return fmt.Sprintf("SELECT i AS label_id, (hash(i * 13 + 5) %% %d)::BIGINT AS user_id, "+
		"make_timestamp(%d + (hash(i * 17 + 3) %% %d)::BIGINT) AS event_timestamp%s FROM range(%d) t(i)",
		keys, rows.First, int64(rows.Span), more, count)
}

// generate makes those of the wanted files that are not there yet, and the project.
func generate(ctx context.Context, folder string, wanted []string) error {
	for _, sub := range []string{"data", "features"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil {
			return fmt.Errorf("make the folder: %w", err)
		}
	}
	known := queries()
	for _, name := range wanted {
		if err := makeFile(ctx, folder, name, known[name]); err != nil {
			return err
		}
	}
	definitions, err := definitions(folder)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{"plumb.yaml": settings, "features/all.yaml": definitions} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}

// makeFile makes a file by its query, or a folder of files by their number.
func makeFile(ctx context.Context, folder, name, query string) error {
	if query != "" {
		return rows.Make(ctx, filepath.Join(folder, name), query)
	}
	for _, files := range fileCounts {
		if filepath.Dir(name) == filesFolder(files) {
			return rows.Split(ctx, filepath.Join(folder, filesFolder(files)),
				rows.Query(files*fileRows, fileKeys, 0, rows.Uniform), files, fileRows)
		}
	}
	return fmt.Errorf("%s cannot be made", name)
}

const settings = `project: bench
definitions: [features]
offline: {roots: [data]}
`

// definitions are those of the sources whose files are there.
func definitions(folder string) (string, error) {
	var sources, views, services strings.Builder
	add := func(view, path string) (bool, error) {
		found, err := filepath.Glob(filepath.Join(folder, path))
		if err != nil || found == nil {
			return false, err
		}
		fmt.Fprintf(&sources, "  - {name: %s_rows, parquet: {path: %s}, event_timestamp: event_timestamp, "+
			"created_timestamp: created_timestamp}\n", view, path)
		fmt.Fprintf(&views, "  - name: %[1]s_view\n    entities: [user]\n    source: %[1]s_rows\n    ttl: 30d\n"+
			"    features:\n", view)
		for feature := range features {
			fmt.Fprintf(&views, "      - {name: f%d, type: FLOAT64}\n", feature)
		}
		return true, nil
	}
	single := map[string]string{"uniform": uniformFile, "decimals": decimalsFile, "small": smallFile}
	for _, files := range fileCounts {
		single[fmt.Sprintf("files%d", files)] = filesFolder(files) + "/*.parquet"
	}
	for name, path := range single {
		added, err := add(name, path)
		if err != nil {
			return "", err
		}
		if added {
			fmt.Fprintf(&services, "  - {name: %[1]s, features: [{view: %[1]s_view}]}\n", name)
		}
	}
	wide := ""
	for view := range wideViews {
		added, err := add(fmt.Sprintf("wide%d", view), wideFile(view))
		if err != nil {
			return "", err
		}
		if added {
			wide += fmt.Sprintf("{view: wide%[1]d_view, as: wide%[1]d}, ", view)
		}
	}
	if wide != "" {
		fmt.Fprintf(&services, "  - {name: wide, full_names: true, features: [%s]}\n", strings.TrimSuffix(wide, ", "))
	}
	services.WriteString("  - {name: computed, features: [{view: computed}]}\n")
	return "entities:\n  - {name: user, join_keys: [{name: user_id, type: INT64}]}\n" +
		listOf("sources", sources.String()) + listOf("feature_views", views.String()) + computedView() +
		"feature_services:\n" + services.String(), nil
}

// listOf is a list of definitions; nothing if it is empty.
func listOf(name, entries string) string {
	if entries == "" {
		return ""
	}
	return name + ":\n" + entries
}
