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
	entities   = 1_000_000
	sourceRows = 20_000_000
	sourceKeys = 1_000_000
	// uniformFile is the benchmark of joins' too.
	uniformFile = "data/uniform.parquet"
)

// projectOf is the folder of the project that is materialized, with its own data.
func projectOf(folder string) string { return filepath.Join(folder, "materialize") }

// generate makes what is not there yet: the many entities only for the measurement of memory, and those with a past
// only for that of shards.
func generate(ctx context.Context, folder, what string) error {
	many := what == memory
	project := projectOf(folder)
	for _, sub := range []string{filepath.Join(folder, "data"), filepath.Join(project, "data"),
		filepath.Join(project, "features")} {
		if err := os.MkdirAll(sub, 0o755); err != nil {
			return fmt.Errorf("make the folder: %w", err)
		}
	}
	// One row for each entity, in no order of the keys.
	columns := []string{"(i * 48271) %% %[1]d AS user_id", "make_timestamp(%[2]d + i) AS event_timestamp"}
	small := strings.Join(append(columns, "(i %% 1000)::INTEGER AS f0", "(i / 7)::FLOAT AS f1"), ", ")
	for feature := range rows.Features {
		columns = append(columns, fmt.Sprintf("hash(i * 10 + %d) / 18446744073709551616.0::DOUBLE AS f%[1]d", feature))
	}
	query := func(columns string, count int) string {
		return fmt.Sprintf("SELECT "+columns+" FROM range(%[1]d) t(i)", count, rows.First)
	}
	files := map[string]string{
		filepath.Join(folder, uniformFile):             rows.Query(sourceRows, sourceKeys, 0, rows.Uniform),
		filepath.Join(project, "data", "wide.parquet"): query(strings.Join(columns, ", "), entities),
	}
	if what == shards {
		delete(files, filepath.Join(folder, uniformFile))
		files[filepath.Join(project, "data", "past.parquet")] = rows.Query(pastRows, pastKeys, 0, rows.Uniform)
	}
	if many {
		files[filepath.Join(project, "data", "narrow.parquet")] = query(small, manyEntities)
	}
	for path, query := range files {
		if err := rows.Make(ctx, path, query); err != nil {
			return err
		}
	}
	for name, text := range map[string]string{"plumb.yaml": settings, "features/all.yaml": definitions(what)} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}

const settings = "project: bench\ndefinitions: [features]\noffline: {roots: [data], memory_limit: 2GB}\n"

// definitions are a view without a ttl and one with, whose rows expire in the store, and for memory a narrow one.
func definitions(what string) string {
	many := what == memory
	text := "entities:\n  - {name: user, join_keys: [{name: user_id, type: INT64}]}\nsources:\n"
	source := "  - {name: %[1]s, parquet: {path: data/%[1]s.parquet}, event_timestamp: event_timestamp}\n"
	view := "  - {name: %s, entities: [user], source: %s%s, features: [%s]}\n"
	var features []string
	for feature := range rows.Features {
		features = append(features, fmt.Sprintf("{name: f%d, type: FLOAT64}", feature))
	}
	wide := strings.Join(features, ", ")
	text += fmt.Sprintf(source, "wide")
	if many {
		text += fmt.Sprintf(source, "narrow")
	}
	text += "feature_views:\n" + fmt.Sprintf(view, staying, "wide", "", wide) +
		fmt.Sprintf(view, expiring, "wide", ", ttl: 30d", wide)
	if many {
		text += fmt.Sprintf(view, narrow, "narrow", "", "{name: f0, type: INT32}, {name: f1, type: FLOAT32}")
	}
	if what == shards {
		text += fmt.Sprintf(view, past, "past", "", wide)
		text = strings.Replace(text, "feature_views:", "  - {name: past, parquet: {path: data/past.parquet}, "+
			"event_timestamp: event_timestamp}\nfeature_views:", 1)
	}
	return text
}
