package spec_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// inspector answers from memory, by path or query, and counts how often each source was inspected.
type inspector struct {
	sources map[string]any
	asked   map[string]int
}

func newInspector() *inspector {
	weather := []feature.Column{
		{Name: "airport", Type: "VARCHAR"}, {Name: "observed_at", Type: "TIMESTAMP"}, {Name: "temp", Type: "DOUBLE"},
		{Name: "wind_gust", Type: "DOUBLE"}, {Name: "gust", Type: "DOUBLE"}, {Name: "origin", Type: "VARCHAR"},
		{Name: "port", Type: "BIGINT"}, {Name: "runway", Type: "INTEGER"},
	}
	return &inspector{asked: map[string]int{}, sources: map[string]any{
		"data/weather.parquet":       weather,
		"SELECT day FROM weather":    []feature.Column{{Name: "day", Type: "TIMESTAMP"}},
		"data/readme.txt":            "data/readme.txt is not a Parquet file",
		"../secret.parquet":          "../secret.parquet lies outside the folders that sources may be read from",
		"SELEC 1":                    "the query does not parse: syntax error\n  at or near \"SELEC\"",
		"SELECT * FROM missing":      "source missing: file data/missing.parquet does not exist",
		"SELECT * FROM itself":       "the query refers to itself: itself reads itself",
		"SELECT * FROM ring_b":       "the query refers to itself: ring_a reads ring_b reads ring_a",
		"SELECT * FROM ring_a":       "the query refers to itself: ring_b reads ring_a reads ring_b",
		"SELECT observed_at FROM up": errors.New("out of memory"),
	}}
}

func (i *inspector) ColumnsOfEach(_ context.Context, sources []*feature.Source,
	found func(*feature.Source, []feature.Column, error) error,
) error {
	for _, source := range sources {
		columns, err := i.columns(source)
		if err := found(source, columns, err); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspector) columns(source *feature.Source) ([]feature.Column, error) {
	i.asked[source.Name]++
	files, _ := source.Files()
	query, _ := source.Query()
	switch answer := i.sources[files.Path+strings.TrimSpace(query)].(type) {
	case []feature.Column:
		return answer, nil
	case error:
		return nil, answer
	case string:
		return nil, fmt.Errorf("%w", fault.Inputf("", "%s", answer))
	}
	return nil, fault.Inputf("", "file %s does not exist", files.Path)
}

func (i *inspector) CanBecome(column feature.Column, declared plumbv1.Type, _ bool) error {
	fitting := map[string]plumbv1.Type{"VARCHAR": plumbv1.Type_STRING, "DOUBLE": plumbv1.Type_FLOAT64,
		"BIGINT": plumbv1.Type_INT64, "INTEGER": plumbv1.Type_INT32, "TIMESTAMP": plumbv1.Type_TIMESTAMP}
	if fitting[column.Type] != declared {
		return fmt.Errorf("only %s can", fitting[column.Type])
	}
	return nil
}

func (i *inspector) EventWise(_ context.Context, source *feature.Source) error {
	if query, ok := source.Query(); ok && strings.Contains(query, "GROUP BY") {
		return fault.Inputf("", "the query groups rows")
	}
	return nil
}

func (i *inspector) CanBeTime(column feature.Column) error {
	if column.Type != "TIMESTAMP" {
		return fmt.Errorf("it is %s", column.Type)
	}
	return nil
}

// TestEveryMistakeIsReportedWithItsPlaceAndRemedy compares what is reported of each folder of definitions in
// testdata/cases with the folder's problems.txt, which is empty if there are none.
func TestEveryMistakeIsReportedWithItsPlaceAndRemedy(t *testing.T) {
	folders, err := filepath.Glob("testdata/cases/*")
	if err != nil || len(folders) == 0 {
		t.Fatal("no cases", err)
	}
	for _, folder := range folders {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			memory := newInspector()
			_, err := spec.Read(t.Context(), folder, []string{"."}, memory)
			got := ""
			if err != nil {
				if _, ok := errors.AsType[*spec.Problems](err); !ok {
					t.Fatal(err)
				}
				got = err.Error() + "\n"
			}
			compareGolden(t, filepath.Join(folder, "problems.txt"), got)
			for source, times := range memory.asked {
				if times != 1 {
					t.Errorf("source %s was inspected %d times", source, times)
				}
			}
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs, - is the file:\n%s", file, diff)
	}
}

// anyColumn is an inspector of a source with a time at and a column x of some type of an engine.
type anyColumn struct{ engineType string }

func (a anyColumn) ColumnsOfEach(_ context.Context, sources []*feature.Source,
	found func(*feature.Source, []feature.Column, error) error,
) error {
	return found(sources[0], []feature.Column{{Name: "at", Type: "TIMESTAMP"}, {Name: "x", Type: a.engineType}}, nil)
}

func (anyColumn) CanBecome(feature.Column, plumbv1.Type, bool) error { return nil }

func (anyColumn) EventWise(context.Context, *feature.Source) error { return nil }

func (anyColumn) CanBeTime(feature.Column) error { return nil }
