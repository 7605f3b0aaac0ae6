package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/rows"
)

const (
	entities = 10_000
	// sources is how many files there are; views beyond them read the same again.
	sources  = 25
	features = 10
)

// The number of features of each type in a view. By position, the types come in this order.
const (
	floats   = 6
	integers = 2
	texts    = 1 // What is left is BOOL.
)

// numberOf is what the value of a feature is made of.
func numberOf(user int64, view, feature int) int64 {
	return user*1000 + int64(view%sources*features+feature)
}

// projectOf returns the folder of the project with that many views.
func projectOf(folder string, views int) string {
	return filepath.Join(folder, fmt.Sprintf("views%d", views))
}

// makeSources makes the files, with a row for each entity.
func makeSources(ctx context.Context, folder string) error {
	for source := range sources {
		columns := []string{"i AS user_id", fmt.Sprintf("make_timestamp(%d + i) AS event_timestamp", rows.First)}
		for feature := range features {
			number := fmt.Sprintf("(i * 1000 + %d)", source*features+feature)
			form := map[string]string{
				"FLOAT64": "%s::DOUBLE / 7", "INT64": "%s", "STRING": "'item ' || %s", "BOOL": "%s %% 2 = 0",
			}[typeOf(feature)]
			columns = append(columns, fmt.Sprintf("("+form+") AS f%d", number, feature))
		}
		query := fmt.Sprintf("SELECT %s FROM range(%d) t(i)", strings.Join(columns, ", "), entities)
		path := filepath.Join(folder, fmt.Sprintf("v%d.parquet", source))
		if err := rows.Execute(ctx, fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", query, path)); err != nil {
			return err
		}
	}
	return nil
}

func typeOf(feature int) string {
	switch {
	case feature < floats:
		return "FLOAT64"
	case feature < floats+integers:
		return "INT64"
	case feature < floats+integers+texts:
		return "STRING"
	}
	return "BOOL"
}

// makeProject applies a project with that many views. For each number in services, it adds a service of that many of
// the first views.
func makeProject(ctx context.Context, plumb, folder string, views int, services ...int) error {
	settings := fmt.Sprintf("project: bench%d\ndefinitions: [features]\noffline: {roots: [..], memory_limit: 1GB}\n",
		views)
	return applyProject(ctx, plumb, projectOf(folder, views), settings, definitions(views, services))
}

// applyProject writes a project into a folder and applies it.
func applyProject(ctx context.Context, plumb, project, settings, definitions string) error {
	if err := os.MkdirAll(filepath.Join(project, "features"), 0o755); err != nil {
		return fmt.Errorf("make the project: %w", err)
	}
	for name, text := range map[string]string{"plumb.yaml": settings, "features/all.yaml": definitions} {
		if err := os.WriteFile(filepath.Join(project, name), []byte(text), 0o644); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	_, err := process.Run(ctx, project, plumb, "apply", "--yes")
	return err
}

func definitions(views int, services []int) string {
	var text strings.Builder
	text.WriteString("entities:\n  - {name: user, join_keys: [{name: user_id, type: INT64}]}\nsources:\n")
	for source := range min(views, sources) {
		fmt.Fprintf(&text, "  - {name: v%[1]d, parquet: {path: ../v%[1]d.parquet}, event_timestamp: event_timestamp}\n",
			source)
	}
	var fields []string
	for feature := range features {
		fields = append(fields, fmt.Sprintf("{name: f%d, type: %s}", feature, typeOf(feature)))
	}
	text.WriteString("feature_views:\n")
	for view := range views {
		fmt.Fprintf(&text, "  - {name: v%d, entities: [user], source: v%d, features: [%s]}\n", view, view%sources,
			strings.Join(fields, ", "))
	}
	text.WriteString(computedView(few) + "feature_services:\n")
	for _, service := range services {
		var wanted []string
		for view := range service {
			wanted = append(wanted, fmt.Sprintf("{view: v%d}", view))
		}
		line := "  - {name: of%d%s, full_names: true, features: [%s]}\n"
		fmt.Fprintf(&text, line, service, "", strings.Join(wanted, ", "))
		if service == few {
			fmt.Fprintf(&text, line, service, computedSuffix, strings.Join(append(wanted, "{view: computed}"), ", "))
		}
	}
	return text.String()
}

// materialize writes the rows of the project's first views to a store.
func materialize(ctx context.Context, plumb, folder string, views, first int, url string) error {
	args := []string{"materialize", "--to", "now", "--full", "--online-store", url}
	for view := range first {
		args = append(args, "--view", fmt.Sprintf("v%d", view))
	}
	_, err := process.Run(ctx, projectOf(folder, views), plumb, args...)
	return err
}
