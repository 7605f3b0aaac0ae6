package duckdb

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// texts writes each row of the batches as text.
func texts(into *[]string) func(arrow.RecordBatch) error {
	return func(batch arrow.RecordBatch) error {
		for row := range int(batch.NumRows()) {
			var cells []string
			for _, column := range batch.Columns() {
				cells = append(cells, column.ValueStr(row))
			}
			*into = append(*into, strings.Join(cells, " "))
		}
		return nil
	}
}

const history = `SELECT k, x, make_timestamp(micros) AS at FROM (VALUES (1, 1, 10), (1, 2, 10), (2, 3, 5), (NULL, 4, 7),
	(3, 5, NULL), (1, 6, 30)) t(k, x, micros)`

func TestHistoryHasEveryRowThatALabelCouldSee(t *testing.T) {
	want := []string{"1 10 (null)", "1 10 (null)", "1 30 (null)", "2 5 (null)"}
	files := newProject(t, map[string]string{"a.parquet": history}, "data/a.parquet", newFeature("x", plumbv1.Type_INT64))
	query := newProject(t, map[string]string{"a.parquet": history}, "data/a.parquet", newFeature("x", plumbv1.Type_INT64))
	query.source.Name = "files"
	query.more, query.source = []*plumbv1.Source{query.source}, &plumbv1.Source{Name: "s", EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "SELECT * FROM files"}}}
	for _, p := range []*project{files, query} {
		view, err := p.snapshot(t).View("v")
		if err != nil {
			t.Fatal(err)
		}
		var rows []string
		if err := p.open(t).History(t.Context(), view, texts(&rows)); err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestHistoryTellsOfCreatedTimesAndOfAYieldThatFails(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT 1 AS k, 1 AS x, make_timestamp(5) AS at, " +
		"make_timestamp(9) AS known"}, "data/a.parquet", newFeature("x", plumbv1.Type_INT64))
	p.source.CreatedTimestamp = "known"
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	if err := p.open(t).History(t.Context(), view, texts(&rows)); err != nil || !slices.Equal(rows, []string{"1 5 9"}) {
		t.Errorf("got %q, %v", rows, err)
	}
	refusal := errors.New("enough")
	err = p.open(t).History(t.Context(), view, func(arrow.RecordBatch) error { return refusal })
	if !errors.Is(err, refusal) {
		t.Errorf("the error is %v", err)
	}
}

func TestLabelsComeInTheirOrderAndInTheTypesOfTheirKeys(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": history}, "data/a.parquet", newFeature("x", plumbv1.Type_INT64))
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"labels.parquet": "SELECT k, make_timestamp(t) AS t, 'late' AS y " +
			"FROM (VALUES (3::TINYINT, 9), (NULL, 1), (1, 7)) l(k, t)",
		"labels.csv": "k,t,y\n3,1970-01-01T00:00:00.000009Z,late\n,1970-01-01T00:00:00.000001Z,\n" +
			"1,1970-01-01 00:00:00.000007,\n",
	} {
		if _, err := p.plan(t, name, content); err != nil {
			t.Fatal(err)
		}
		var rows []string
		request := offline.JoinRequest{Selection: selection, Labels: filepath.Join(p.folder, name), TimestampColumn: "t"}
		if err := p.open(t).Labels(t.Context(), request, texts(&rows)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"9 3", "1 (null)", "7 1"}, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestLabelsThatAJoinWouldRefuseAreRefused(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": history}, "data/a.parquet", newFeature("x", plumbv1.Type_INT64))
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	for content, want := range map[string]string{
		"SELECT 1 AS k":                           `no column "t"`,
		"SELECT make_timestamp(1) AS t":           `no column "k"`,
		"SELECT 1.5 AS k, make_timestamp(1) AS t": "1.5",
		"SELECT 1 AS k, NULL::TIMESTAMP AS t":     `"t" is null in 1 of 1 rows`,
		"SELECT 'a' AS k, make_timestamp(1) AS t": `"k"`,
		"SELECT 1 AS k, 'no time at all' AS t":    `"t"`,
		"SELECT 1::DOUBLE AS k, 'tomorrow'  AS t": `"t"`,
	} {
		p.write(t, "labels.parquet", content)
		request := offline.JoinRequest{Selection: selection, Labels: filepath.Join(p.folder, "labels.parquet"),
			TimestampColumn: "t"}
		err := p.open(t).Labels(t.Context(), request, func(arrow.RecordBatch) error { return nil })
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want an input error with %s", content, err, want)
		}
	}
}
