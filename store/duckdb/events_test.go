package duckdb

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// overQuery makes the view's source a query over the events.
func (p *project) overQuery(sql string) {
	p.source.Name = "raw"
	p.more = []*plumbv1.Source{p.source}
	p.source = &plumbv1.Source{Name: "s", EventTimestamp: "at", Columns: p.source.Columns,
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: sql}}}
}

func TestEventsMayComeOfAQueryThatWorksRowByRow(t *testing.T) {
	p := newEvents(t, day, exactly("rows sum", "3d"))
	p.overQuery(`SELECT k, x / 10 * 100 AS x, "at" FROM raw WHERE x IS NOT NULL`)
	report := p.wants(t, "k,t\n1,2026-01-03T11:00:00Z\n2,2026-01-03T11:00:00Z\n", `k,t,rows_3d,sum_x_3d
1,2026-01-03T11:00:00Z,2,300
2,2026-01-03T11:00:00Z,1,400
`, nil)
	want := offline.ViewReport{Alias: "v", Matched: 2, NullKeys: 1, NullTimes: 1}
	if diff := cmp.Diff(want, report.Views[0]); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestEventsOfAQueryThatGroupsAreRefused(t *testing.T) {
	p := newEvents(t, day, exactly("sum", "1d"))
	p.overQuery(`SELECT k, x, "at" FROM grouped WHERE x > 0`)
	p.more = append(p.more, &plumbv1.Source{Name: "grouped", EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{
			Query: `SELECT k, sum(x)::BIGINT AS x, "at" FROM raw GROUP BY k, "at"`}}})
	const want = "source grouped: the query groups rows; aggregations count its rows as events"
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	_, _, joining := p.joinWith(t, "k,t\n1,2026-01-03T11:00:00Z\n", nil)
	_, reading := p.open(t).Events(t.Context(), offline.EventsRequest{View: view}, nil)
	for what, err := range map[string]error{"check": p.open(t).EventWise(t.Context(), view.Source), "join": joining,
		"build": reading} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q", what, err, want)
		}
	}
	raw := view.Source.Sibling("raw")
	if err := p.open(t).EventWise(t.Context(), raw); err != nil {
		t.Errorf("a source of files: %v", err)
	}
}

// events returns the events of a window as text, in their order.
func (p *project) events(t *testing.T, window offline.Window, maxFailed int64) ([]string, offline.NewestReport, error) {
	t.Helper()
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	return eventsOf(t, p.open(t), offline.EventsRequest{View: view, Window: window, MaxFailed: maxFailed})
}

func eventsOf(t *testing.T, from offline.Windowed, request offline.EventsRequest) (
	rows []string, report offline.NewestReport, err error,
) {
	t.Helper()
	report, err = from.Events(t.Context(), request, func(batch arrow.RecordBatch) error {
		for i := range int(batch.NumRows()) {
			var cells []string
			for at, column := range batch.Columns() {
				cells = append(cells, batch.ColumnName(at)+"="+column.ValueStr(i))
			}
			rows = append(rows, strings.Join(cells, " "))
		}
		return nil
	})
	return rows, report, err
}

func TestR5_EventsOfAWindowComeByKeyAndTime(t *testing.T) {
	p := newEvents(t, day, exactly("sum", "1d"))
	p.source.CreatedTimestamp = "created"
	noon := func(day int) feature.Instant {
		return feature.Instant(time.Date(2026, 1, day, 10, 0, 0, 0, time.UTC).UnixMicro())
	}
	for _, test := range []struct {
		window offline.Window
		want   []string
		report offline.NewestReport
	}{
		{offline.Window{End: noon(9)}, []string{
			"k=1 event_ts=1767261600000000 created_ts=1767261600000000 x=10",
			"k=1 event_ts=1767348000000000 created_ts=1767441600000000 x=20",
			"k=1 event_ts=1767434400000000 created_ts=(null) x=(null)",
			"k=2 event_ts=1767438000000000 created_ts=1767438000000000 x=40",
		}, offline.NewestReport{Read: 4, NullKeys: 1, NullTimes: 1}},
		{offline.Window{Start: new(noon(1)), End: noon(2)}, []string{
			"k=1 event_ts=1767348000000000 created_ts=1767441600000000 x=20",
		}, offline.NewestReport{Read: 1, NullTimes: 1}},
		{offline.Window{End: noon(1) - 1}, nil, offline.NewestReport{NullTimes: 1}},
	} {
		got, report, err := p.events(t, test.window, 0)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("rows (-want +got):\n%s", diff)
		}
		if len(report.Inputs) != 1 {
			t.Errorf("%d inputs, want the file", len(report.Inputs))
		}
		report.Inputs = nil
		if diff := cmp.Diff(test.report, report); diff != "" {
			t.Errorf("report (-want +got):\n%s", diff)
		}
	}
}

func TestEventsThatDoNotFitAreCountedAndLeftOut(t *testing.T) {
	const sql = `SELECT 1 AS k, unnest([1, 1.5, 2]) AS x, TIMESTAMPTZ '2026-01-01 10:00:00Z' AS at`
	expectMisfit(t, newEvents(t, sql, exactly("sum", "1d")))
	queried := newEvents(t, sql, exactly("sum", "1d"))
	queried.overQuery(`SELECT k, x, "at" FROM raw`)
	expectMisfit(t, queried)
}

// expectMisfit expects that one of three events does not fit.
func expectMisfit(t *testing.T, p *project) {
	t.Helper()
	all := offline.Window{End: math.MaxInt64 - 1}
	rows, _, err := p.events(t, all, 0)
	if err == nil || !strings.Contains(err.Error(), "1 row cannot be stored") || rows != nil {
		t.Errorf("got rows %v and error %v, want that a row cannot be stored", rows, err)
	}
	rows, report, err := p.events(t, all, 1)
	if err != nil || len(rows) != 2 || report.Read != 3 || report.Failed != 1 || len(report.Failures) != 1 {
		t.Errorf("got rows %v, report %+v and error %v, want two rows", rows, report, err)
	}
}

func TestViewsOfColumnsHaveNoEvents(t *testing.T) {
	p := newProject(t, map[string]string{"e.parquet": day}, "data/e.parquet", newFeature("x", plumbv1.Type_INT64))
	if _, _, err := p.events(t, offline.Window{}, 0); err == nil || !strings.Contains(err.Error(), "has no events") {
		t.Errorf("got error %v, want that there are no events", err)
	}
}
