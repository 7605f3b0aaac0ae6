package duckdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// newEvents is a project with one view "v" of aggregations over events: key k (INT64), column x (INT64) of the source.
func newEvents(t testing.TB, query string, aggregations ...*plumbv1.Aggregation) *project {
	t.Helper()
	p := newProject(t, map[string]string{"e.parquet": query}, "data/e.parquet")
	p.source.Columns = []*plumbv1.SourceColumn{{Name: "x", Type: plumbv1.Type_INT64}}
	p.aggregate(t, aggregations...)
	return p
}

// aggregate gives the view these aggregations and the features that come of them.
func (p *project) aggregate(t testing.TB, aggregations ...*plumbv1.Aggregation) {
	t.Helper()
	var columns []feature.Field
	for _, column := range p.source.Columns {
		columns = append(columns, feature.Field{Name: column.Name, Type: column.Type})
	}
	p.view.Aggregations, p.view.Features = aggregations, nil
	for _, a := range aggregations {
		_, outputs, problems := feature.PlanAggregation(a, columns)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		for _, output := range outputs {
			p.view.Features = append(p.view.Features, newFeature(output.Name, output.Type))
		}
	}
}

func functions(names ...string) []*plumbv1.AggregateFunction {
	var all []*plumbv1.AggregateFunction
	for _, name := range names {
		all = append(all, &plumbv1.AggregateFunction{Name: name})
	}
	return all
}

// joinWith returns the result of a changed request as CSV text.
func (p *project) joinWith(t *testing.T, labels string, change func(*offline.JoinRequest, *Engine)) (
	string, offline.JoinReport, error,
) {
	t.Helper()
	p.text(t, "l.csv", labels)
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	engine := p.open(t)
	request := offline.JoinRequest{Selection: selection, Labels: filepath.Join(p.folder, "l.csv"), TimestampColumn: "t"}
	if change != nil {
		change(&request, engine)
	}
	planned, err := engine.PlanJoin(t.Context(), request)
	if err != nil {
		return "", offline.JoinReport{}, err
	}
	out := filepath.Join(p.folder, "out.csv")
	report, err := planned.WriteFile(t.Context(), out)
	if err != nil {
		return "", report, err
	}
	return p.read(t, "out.csv"), report, nil
}

func TestR18_AWindowEndsAtTheLabelAndBeginsAtAHop(t *testing.T) {
	// The example of the rule: w = 1h, h = 5m, T = 10:02:30.
	p := newEvents(t, `SELECT 1 AS k, unnest([1, 2, 4, 8]) AS x, unnest([TIMESTAMPTZ '2026-01-01 09:00:00Z',
		TIMESTAMPTZ '2026-01-01 09:00:00.000001Z', TIMESTAMPTZ '2026-01-01 10:02:30Z',
		TIMESTAMPTZ '2026-01-01 10:02:30.000001Z']) AS at`,
		&plumbv1.Aggregation{Of: "x", Functions: functions("sum"), Windows: []string{"1h"}})
	got, report, err := p.joinWith(t, "k,t\n1,2026-01-01T10:02:30Z\n1,2026-01-01T10:02:30.000001Z\n"+
		"1,2026-01-01T09:00:00Z\n1,2026-01-01T08:59:59Z\n2,2026-01-01T10:02:30Z\n,2026-01-01T10:02:30Z\n",
		func(r *offline.JoinRequest, _ *Engine) { r.Statuses, r.EventTimestamps = true, true })
	if err != nil {
		t.Fatal(err)
	}
	want := `k,t,sum_x_1h,sum_x_1h__status,v__event_timestamp
1,2026-01-01T10:02:30Z,6,PRESENT,2026-01-01T10:02:30.000000Z
1,2026-01-01T10:02:30.000001Z,14,PRESENT,2026-01-01T10:02:30.000001Z
1,2026-01-01T09:00:00Z,1,PRESENT,2026-01-01T09:00:00.000000Z
1,2026-01-01T08:59:59Z,,NOT_FOUND,
2,2026-01-01T10:02:30Z,,NOT_FOUND,
,2026-01-01T10:02:30Z,,NOT_FOUND,
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if report.Views[0].Matched != 3 {
		t.Errorf("matched %d, want 3", report.Views[0].Matched)
	}
}

// day has events of two keys over some days, some of which were created late.
const day = `SELECT * FROM (VALUES
	(1, 10, TIMESTAMPTZ '2026-01-01 10:00:00Z', TIMESTAMPTZ '2026-01-01 10:00:00Z'),
	(1, 20, TIMESTAMPTZ '2026-01-02 10:00:00Z', TIMESTAMPTZ '2026-01-03 12:00:00Z'),
	(1, NULL, TIMESTAMPTZ '2026-01-03 10:00:00Z', NULL),
	(2, 40, TIMESTAMPTZ '2026-01-03 11:00:00Z', TIMESTAMPTZ '2026-01-03 11:00:00Z'),
	(NULL, 1, TIMESTAMPTZ '2026-01-03 11:00:00Z', TIMESTAMPTZ '2026-01-03 11:00:00Z'),
	(1, 1, NULL, NULL)) e(k, x, "at", created)`

func exactly(names string, windows ...string) *plumbv1.Aggregation {
	return &plumbv1.Aggregation{Of: "x", Functions: functions(strings.Fields(names)...), Windows: windows, Hop: "exact"}
}

func (p *project) wants(t *testing.T, labels, want string, change func(*offline.JoinRequest, *Engine),
) offline.JoinReport {
	t.Helper()
	got, report, err := p.joinWith(t, labels, change)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	return report
}

func TestR22_EmptyWindowsOfARowAreNoughtOrNull(t *testing.T) {
	p := newEvents(t, day, exactly("rows count sum", "1d", "2d"))
	report := p.wants(t, "k,t\n1,2026-01-03T10:00:00Z\n1,2026-01-04T10:00:00Z\n1,2026-01-05T10:00:00Z\n"+
		"2,2026-01-03T11:00:00Z\n",
		`k,t,rows_1d,rows_2d,count_x_1d,count_x_2d,sum_x_1d,sum_x_2d
1,2026-01-03T10:00:00Z,1,2,0,1,,20
1,2026-01-04T10:00:00Z,0,1,0,0,,
1,2026-01-05T10:00:00Z,,,,,,
2,2026-01-03T11:00:00Z,1,1,1,1,40,40
`, nil)
	want := offline.ViewReport{Alias: "v", Matched: 3, NullKeys: 1, NullTimes: 1}
	if diff := cmp.Diff(want, report.Views[0]); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestR4_EventsCountOnceTheyAreKnown(t *testing.T) {
	p := newEvents(t, day,
		&plumbv1.Aggregation{Of: "x", Functions: functions("sum", "rows"), Windows: []string{"lifetime"}})
	p.source.CreatedTimestamp = "created"
	p.wants(t, "k,t\n1,2026-01-02T10:00:00Z\n1,2026-01-03T11:59:59Z\n1,2026-01-03T12:00:00Z\n1,2026-01-09T00:00:00Z\n",
		`k,t,sum_x_lifetime,rows_lifetime,v__event_timestamp
1,2026-01-02T10:00:00Z,10,1,2026-01-01T10:00:00.000000Z
1,2026-01-03T11:59:59Z,10,1,2026-01-01T10:00:00.000000Z
1,2026-01-03T12:00:00Z,30,2,2026-01-02T10:00:00.000000Z
1,2026-01-09T00:00:00Z,30,2,2026-01-02T10:00:00.000000Z
`, func(r *offline.JoinRequest, _ *Engine) { r.AsKnown, r.EventTimestamps = true, true })
}

func TestR22_ProvenanceTellsTheEventsOfTheLongestWindow(t *testing.T) {
	p := newEvents(t, day, exactly("sum", "1d", "2d"))
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	want := `k,t,sum_x_1d,sum_x_2d,v__definition_revision,` +
		`v__definition_hash,v__source_file,v__event_timestamp,v__created_timestamp,v__age_micros,v__events,` +
		`v__earliest_event_timestamp
1,2026-01-03T10:00:00Z,,20,,HASH,,2026-01-03T10:00:00.000000Z,,0,2,2026-01-02T10:00:00.000000Z
2,2026-01-01T00:00:00Z,,,,HASH,,,,,,
`
	p.wants(t, "k,t\n1,2026-01-03T10:00:00Z\n2,2026-01-01T00:00:00Z\n",
		strings.ReplaceAll(want, "HASH", view.Hash.String()), func(r *offline.JoinRequest, _ *Engine) { r.Provenance = true })
}

const flow = `SELECT 1 AS k, unnest([9223372036854775807, 1, 5]) AS x, unnest([TIMESTAMPTZ '2026-01-01 10:00:00Z',
	TIMESTAMPTZ '2026-01-02 10:00:00Z', TIMESTAMPTZ '2026-01-04 10:00:00Z']) AS at`

func TestR26_SumsThatOverflowAreInvalidAndCounted(t *testing.T) {
	p := newEvents(t, flow, exactly("sum count", "2d"))
	report := p.wants(t, "k,t\n1,2026-01-02T10:00:00Z\n1,2026-01-03T09:00:00Z\n1,2026-01-03T10:00:00Z\n"+
		"1,2026-01-06T09:00:00Z\n",
		`k,t,sum_x_2d,sum_x_2d__status,count_x_2d,count_x_2d__status
1,2026-01-02T10:00:00Z,,INVALID,2,PRESENT
1,2026-01-03T09:00:00Z,,INVALID,2,PRESENT
1,2026-01-03T10:00:00Z,1,PRESENT,1,PRESENT
1,2026-01-06T09:00:00Z,5,PRESENT,1,PRESENT
`, func(r *offline.JoinRequest, _ *Engine) { r.Statuses = true })
	want := []offline.ComputedReport{{Alias: "v", Invalid: []offline.InvalidValues{{Feature: "sum_x_2d", Rows: 2}}}}
	if diff := cmp.Diff(want, report.Computed); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestR26_ColumnsAndFiltersOfEventsAreComputed(t *testing.T) {
	p := newEvents(t, `SELECT 1 AS k, x, TIMESTAMPTZ '2026-01-01 10:00:00Z' AS at, kind
		FROM (VALUES (2, 'a'), (3, 'b'), (4, NULL), (NULL, 'a'), (7, 'c')) e(x, kind)`)
	p.source.Columns = []*plumbv1.SourceColumn{
		{Name: "kind", Type: plumbv1.Type_STRING},
		{Name: "x", Type: plumbv1.Type_INT64},
		{Name: "half", Type: plumbv1.Type_FLOAT64, Expression: "double(x) / 2.0"},
		{Name: "share", Type: plumbv1.Type_INT64, Expression: "12 / (x - 7)"},
	}
	p.source.Filter = `kind in ["a", "c"]`
	p.aggregate(t,
		&plumbv1.Aggregation{Of: "half", Functions: functions("rows", "sum", "max"), Windows: []string{"1d"}},
		&plumbv1.Aggregation{Of: "share", Functions: functions("sum", "last"), Windows: []string{"1d"}})
	p.wants(t, "k,t\n1,2026-01-01T11:00:00Z\n", `k,t,rows_1d,rows_1d__status,sum_half_1d,sum_half_1d__status,`+
		`max_half_1d,max_half_1d__status,sum_share_1d,sum_share_1d__status,last_share_1d,last_share_1d__status
1,2026-01-01T11:00:00Z,3,PRESENT,4.5,PRESENT,3.5,PRESENT,,INVALID,-2,PRESENT
`, func(r *offline.JoinRequest, _ *Engine) { r.Statuses = true })

	p.source.Filter = `12 / (x - 7) < 0`
	p.aggregate(t, &plumbv1.Aggregation{Of: "half", Functions: functions("rows", "sum"), Windows: []string{"1d"}})
	p.wants(t, "k,t\n1,2026-01-01T11:00:00Z\n", `k,t,rows_1d,rows_1d__status,sum_half_1d,sum_half_1d__status
1,2026-01-01T11:00:00Z,4,PRESENT,,INVALID
`, func(r *offline.JoinRequest, _ *Engine) { r.Statuses = true })
}

// many has 5,000 events of 50 keys in some days, and labels of 60.
func many(t testing.TB) (*project, string) {
	p := newEvents(t, `SELECT (i * 7919) % 50 AS k, i % 13 AS x, TIMESTAMPTZ '2026-01-01 00:00:00Z' +
		to_seconds((i * 104729) % 864000) AS at, 'n' || (i % 13) AS name FROM range(5000) r(i)`)
	p.source.Columns = append(p.source.Columns, &plumbv1.SourceColumn{Name: "name", Type: plumbv1.Type_STRING})
	p.aggregate(t,
		&plumbv1.Aggregation{Of: "x", Functions: functions("sum", "mean", "max"), Windows: []string{"1h", "3d"}},
		&plumbv1.Aggregation{Of: "name", Functions: append(functions("distinct", "histogram"),
			&plumbv1.AggregateFunction{Name: "last_n", N: 3}), Windows: []string{"1d"}})
	var labels strings.Builder
	labels.WriteString("k,t\n")
	for i := range 400 {
		fmt.Fprintf(&labels, "%d,2026-01-%02dT%02d:00:00Z\n", i*31%60, 1+i*7%12, i*5%24)
	}
	return p, labels.String()
}

func TestEveryWayToCountEventsGivesTheSame(t *testing.T) {
	p, labels := many(t)
	want, report, err := p.joinWith(t, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	if matched := report.Views[0].Matched; matched < 200 || matched == 400 {
		t.Errorf("%d labels matched, want most", matched)
	}
	for name, change := range map[string]func(*Engine){
		"in passes":     func(e *Engine) { e.choosing.neverKeeps, e.choosing.passes = true, 3 },
		"keys collide":  func(e *Engine) { e.hashing.weak = true },
		"both":          func(e *Engine) { e.choosing.neverKeeps, e.choosing.passes, e.hashing.weak = true, 3, true },
		"little memory": func(e *Engine) { e.choosing.indexBytes = 200_000 },
	} {
		t.Run(name, func(t *testing.T) {
			p.wants(t, labels, want, func(_ *offline.JoinRequest, e *Engine) { change(e) })
		})
	}
}

func TestStatesThatGrowAreCountedInMorePasses(t *testing.T) {
	p := newEvents(t, `SELECT i % 20 AS k, i AS x, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS at, repeat('n' || i, 40) AS name
		FROM range(5000) r(i)`)
	p.source.Columns = append(p.source.Columns, &plumbv1.SourceColumn{Name: "name", Type: plumbv1.Type_STRING})
	p.aggregate(t, &plumbv1.Aggregation{Of: "name", Functions: functions("histogram", "count"), Windows: []string{"1d"}})
	labels := "k,t\n"
	for i := range 20 {
		labels += fmt.Sprintf("%d,2026-01-01T00:00:00Z\n", i)
	}
	want, _, err := p.joinWith(t, labels, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 500_000 {
		t.Errorf("the result has %d bytes, want all texts", len(want))
	}
	var steps int
	p.wants(t, labels, want, func(r *offline.JoinRequest, e *Engine) {
		e.choosing.indexBytes = 300_000
		r.Progress = func(at offline.Progress) {
			if at.Step == "reading view v" {
				steps++
			}
		}
	})
	if steps < 3 {
		t.Errorf("the view was read %d times, want more passes than the first", steps)
	}
}

// Two keys with one hash are found when a pass begins, and then the passes before it are made again.
func TestValuesThatAreInvalidAreCountedOnceWhenPassesBeginAnew(t *testing.T) {
	p := newEvents(t, `SELECT i % 20 AS k, 9223372036854775807 AS x, TIMESTAMPTZ '2026-01-01 00:00:00Z' AS at, 'n' AS name
		FROM range(40) r(i)`)
	p.aggregate(t, &plumbv1.Aggregation{Of: "x", Functions: functions("sum"), Windows: []string{"1d"}})
	want := []offline.ComputedReport{{Alias: "v", Invalid: []offline.InvalidValues{{Feature: "sum_x_1d", Rows: 3}}}}
	for i := range 18 {
		labels := "k,t\n"
		for key := i; key < i+3; key++ {
			labels += fmt.Sprintf("%d,2026-01-01T00:00:00Z\n", key)
		}
		_, report, err := p.joinWith(t, labels, func(_ *offline.JoinRequest, e *Engine) {
			e.NeverKeeps()
			e.WeakenHashes()
			e.Passes(3)
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, report.Computed); diff != "" {
			t.Errorf("keys from %d on (-want +got):\n%s", i, diff)
		}
	}
}

func TestWindowsThatDoNotFitIntoMemoryAreAnError(t *testing.T) {
	p, labels := many(t)
	_, _, err := p.joinWith(t, labels, func(_ *offline.JoinRequest, e *Engine) { e.choosing.indexBytes = 100 })
	if !errors.Is(err, offline.ErrOutOfMemory) {
		t.Errorf("got error %v, want that memory is out", err)
	}
}

func TestExplainShowsPanesAndWindows(t *testing.T) {
	p, labels := many(t)
	p.text(t, "l.csv", labels)
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:sum_x_1h", "v:distinct_name_1d"}, false)
	if err != nil {
		t.Fatal(err)
	}
	planned, err := p.open(t).PlanJoin(t.Context(), offline.JoinRequest{Selection: selection,
		Labels: filepath.Join(p.folder, "l.csv"), TimestampColumn: "t"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := planned.Explain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"400 label rows cut into up to 1200 panes, 5000 events counted in them for windows of 1h, 1d",
		"_plumb_cut0(", "_plumb_counts0(h)", "_plumb_add0(h, e, c, k0, f0, f1)", "_plumb_windows0("} {
		if !strings.Contains(text, want) {
			t.Errorf("the explanation lacks %q:\n%s", want, text)
		}
	}
}

func TestACancelledCountingLeavesNothing(t *testing.T) {
	p, labels := many(t)
	p.text(t, "l.csv", labels)
	selection, err := p.snapshot(t).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	planned, err := p.open(t).PlanJoin(ctx, offline.JoinRequest{Selection: selection,
		Labels: filepath.Join(p.folder, "l.csv"), TimestampColumn: "t", Progress: func(at offline.Progress) {
			if at.Step == "reading view v" {
				cancel()
			}
		}})
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(p.folder, "out.csv")
	if _, err := planned.WriteFile(ctx, out); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a result is there: %v", err)
	}
}

func TestValuesOfEventsThatDoNotFitAreNamed(t *testing.T) {
	p := newEvents(t, `SELECT 1 AS k, 1.5 AS x, TIMESTAMPTZ '2026-01-01 10:00:00Z' AS at`, exactly("sum", "1d"))
	_, _, err := p.joinWith(t, "k,t\n1,2026-01-01T11:00:00Z\n", nil)
	if err == nil || !strings.Contains(err.Error(), `column "x", row 1 of `) || !strings.Contains(err.Error(), "1.5") {
		t.Errorf("got error %v, want one with column, row and value", err)
	}
}

func (p *project) text(t testing.TB, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (p *project) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(p.folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
