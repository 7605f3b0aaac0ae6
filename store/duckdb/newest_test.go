package duckdb

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// newest returns the newest rows of all time as text, sorted.
func (p *project) newest(t *testing.T, maxFailed int64) ([]string, offline.NewestReport, error) {
	t.Helper()
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	return p.newestOf(t, view, maxFailed)
}

func (p *project) newestOf(t *testing.T, view *feature.View, maxFailed int64) ([]string, offline.NewestReport, error) {
	t.Helper()
	var rows []string
	report, err := p.open(t).Newest(t.Context(),
		offline.NewestRequest{View: view, Window: offline.Window{End: math.MaxInt64 - 1}, MaxFailed: maxFailed},
		func(batch arrow.RecordBatch) error {
			for row := range int(batch.NumRows()) {
				var cells []string
				for _, column := range batch.Columns() {
					cells = append(cells, column.ValueStr(row))
				}
				rows = append(rows, strings.Join(cells, " "))
			}
			return nil
		})
	slices.Sort(rows)
	return rows, report, err
}

// misfits has rows with values that do not fit INT32: those of 2 are the newest of their key, those of 1 are not, and
// one of 3 has a fitting row of an earlier time.
const misfits = `SELECT k, x, make_timestamp(micros) AS at FROM (VALUES (1, 3000000000, 10), (1, 11, 20),
	(2, 4000000000, 30), (3, 31, 10), (3, -3000000000, 20), (4, 41, 10)) t(k, x, micros)`

func TestR9_RowsWithValuesThatDoNotFitAreAllCountedBeforeAnyRowGoesOut(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": misfits}, "data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	for _, allowed := range []int64{0, 1} {
		rows, report, err := p.newest(t, allowed)
		var input *fault.InputError
		if !errors.As(err, &input) || len(rows) > 0 || report.Failed != 2 {
			t.Fatalf("%d allowed: got %q, %+v, %v; want an input error, two failed rows and none that go out", allowed, rows,
				report, err)
		}
		for _, want := range []string{`column "x", row 3 of `, ": 4000000000 does not fit INT32 exactly", "row 5 of "} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error is %q, want it to have %q", err, want)
			}
		}
	}
}

// An older row of the window in the place of one that fails would be served as the newest.
func TestR17_AKeyWhoseNewestRowFailsGetsNoOlderOne(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": misfits}, "data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	rows, report, err := p.newest(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1 20 (null) 11", "4 10 (null) 41"}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	file := filepath.Join(p.folder, "data", "a.parquet")
	want := offline.NewestReport{Read: 6, Failed: 2, Failures: []offline.FailedRow{
		{File: file, Row: 3, Column: "x", Value: "4000000000", Reason: "does not fit INT32 exactly"},
		{File: file, Row: 5, Column: "x", Value: "-3000000000", Reason: "does not fit INT32 exactly"},
	}}
	want.Inputs = []feature.Input{p.described(t, "a.parquet")}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestR9_KeysAndElementsThatDoNotFitFailTheirRow(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": `SELECT k, x, TIMESTAMP '2013-01-01' AS at FROM (VALUES
		(1.5, [1]), (2, [1, NULL, 2.5, 3.5]), (3, [NULL, 7]), (4, NULL), (NULL, [1.5])) t(k, x)`},
		"data/a.parquet", newFeature("x", plumbv1.Type_INT32_ARRAY))
	rows, report, err := p.newest(t, 2)
	if err != nil {
		t.Fatal(err)
	}
	const at = "1356998400000000"
	if diff := cmp.Diff([]string{"3 " + at + " (null) [null,7]", "4 " + at + " (null) (null)"}, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	file := filepath.Join(p.folder, "data", "a.parquet")
	want := offline.NewestReport{Read: 4, NullKeys: 1, Failed: 2, Failures: []offline.FailedRow{
		{File: file, Row: 1, Column: "k", Value: "1.5", Reason: "does not fit INT64 exactly"},
		{File: file, Row: 2, Column: "x", Value: "2.5", Reason: "is an element that does not fit INT32 exactly"},
	}}
	want.Inputs = []feature.Input{p.described(t, "a.parquet")}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOnlyTheFirstFailedRowsAreNamedButAllAreCounted(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": "SELECT i AS k, 3000000000 + i AS x, make_timestamp(i) AS at " +
		"FROM range(100000) t(i)"}, "data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	_, report, err := p.newest(t, 0)
	if report.Failed != 100000 || len(report.Failures) != offline.FailureSamples || report.Failures[0].Row != 1 {
		t.Errorf("%+v", report)
	}
	const begin = "100,000 rows cannot be stored, where --max-failed-rows allows 0: "
	if err == nil || !strings.HasPrefix(err.Error(), begin) ||
		!strings.HasSuffix(err.Error(), "; and 99,990 more") {
		t.Errorf("got error %v", err)
	}
}

func TestAFailedRowOfAQueryHasNoPlace(t *testing.T) {
	p := newProject(t, map[string]string{"a.parquet": misfits}, "data/a.parquet", newFeature("x", plumbv1.Type_INT32))
	p.view.Source = "q"
	p.more = append(p.more, &plumbv1.Source{Name: "q", EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "FROM s"}}})
	_, report, err := p.newest(t, 0)
	want := offline.FailedRow{Column: "x", Value: "-3000000000", Reason: "does not fit INT32 exactly"}
	if err == nil || report.Failed != 2 || !slices.Contains(report.Failures, want) {
		t.Errorf("%+v, %v", report, err)
	}
}

// Most rows of a key share its latest event time, in two files that several threads read.
func TestR3_TiesAreBrokenByCreatedTimeAndThenSourceOrder(t *testing.T) {
	const half, keys = 100_000, 1000
	rows := func(from int) string {
		return fmt.Sprintf("SELECT i %% %d AS k, i AS x, make_timestamp(i * 7919 %% 3) AS at, "+
			"make_timestamp(nullif(i * 104729 // %[1]d %% 4, 0)) AS c FROM range(%d, %d) t(i)", keys, from, from+half)
	}
	p := newProject(t, map[string]string{"a.parquet": rows(0), "b.parquet": rows(half)}, "data",
		newFeature("x", plumbv1.Type_INT64))
	p.source.CreatedTimestamp = "c"
	got, report, err := p.newest(t, 0)
	if err != nil || report.Read != 2*half {
		t.Fatalf("%+v, %v", report, err)
	}
	var best [keys]struct{ at, created, x int }
	for i := range 2 * half {
		at, created, winner := i*7919%3, i*104729/keys%4, &best[i%keys]
		if slices.Compare([]int{at, created}, []int{winner.at, winner.created}) >= 0 {
			winner.at, winner.created, winner.x = at, created, i
		}
	}
	var want []string
	for k, winner := range best {
		created := "(null)" // Represented by 0.
		if winner.created > 0 {
			created = strconv.Itoa(winner.created)
		}
		want = append(want, fmt.Sprintf("%d %d %s %d", k, winner.at, created, winner.x))
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
