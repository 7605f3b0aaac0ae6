package duckdb

import (
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
	"github.com/plumbstore/plumb/store/offline"
)

// manyEvents also has BenchmarkWindows measure 20 million events, which takes minutes.
var manyEvents = flag.Bool("many-events", false, "measure windows of 20 million events too")

// BenchmarkWindows joins sum, count, mean and max over 1h, 1d, 7d and 30d by panes and by a range join that is written
// by hand, by turns, and reports the ratio of their processor times. Both read and write Parquet files. Every key has
// 1,000 events and ten labels in 100 days, or 200 and two: the fewer events a key has, the less a range join reads for
// each label.
func BenchmarkWindows(b *testing.B) {
	for _, size := range []struct{ events, labels, ofKey int }{
		{2_000_000, 20_000, 1_000}, {2_000_000, 20_000, 200}, {20_000_000, 200_000, 1_000}, {20_000_000, 200_000, 200},
	} {
		if size.events > 2_000_000 && !*manyEvents {
			continue
		}
		b.Run(fmt.Sprintf("%dx%d/key=%d", size.events, size.labels, size.ofKey), func(b *testing.B) {
			p := newWindowBench(b, size.events, size.labels, size.events/size.ofKey)
			var ours, hand time.Duration
			for b.Loop() {
				ours += processorTime(b, func() { p.byPanes(b) })
				hand += processorTime(b, func() { p.byHand(b) })
			}
			b.ReportMetric(ours.Seconds()/float64(b.N), "panes-cpu-s/op")
			b.ReportMetric(hand.Seconds()/float64(b.N), "hand-cpu-s/op")
			b.ReportMetric(ours.Seconds()/hand.Seconds(), "ratio")
		})
	}
}

const benchWindows = "1h 1d 7d 30d"

func newWindowBench(b *testing.B, events, labels, keys int) *project {
	days := `TIMESTAMPTZ '2026-01-01 00:00:00Z' + to_microseconds((hash(%s) %% 8640000000000)::BIGINT)`
	p := newEvents(b, fmt.Sprintf("SELECT (hash(i) %% %d)::BIGINT AS k, "+
		"(hash(i, 2) %% 100000)::DOUBLE / 64 AS x, %s AS at FROM range(%d) r(i)", keys,
		fmt.Sprintf(days, "i, 1"), events))
	p.source.Columns = []*plumbv1.SourceColumn{{Name: "x", Type: plumbv1.Type_FLOAT64}}
	p.aggregate(b, &plumbv1.Aggregation{Of: "x", Functions: functions("sum", "count", "mean", "max"),
		Windows: strings.Fields(benchWindows), Hop: "exact"})
	p.write(b, "labels.parquet", fmt.Sprintf("SELECT (hash(i, 3) %% %d)::BIGINT AS k, %s AS t FROM range(%d) r(i)",
		keys, fmt.Sprintf(days, "i, 4"), labels))
	return p
}

func (p *project) byPanes(b *testing.B) {
	selection, err := p.snapshot(b).SelectFeatures([]string{"v:*"}, false)
	if err != nil {
		b.Fatal(err)
	}
	planned, err := p.open(b).PlanJoin(b.Context(), offline.JoinRequest{Selection: selection,
		Labels: filepath.Join(p.folder, "labels.parquet"), TimestampColumn: "t"})
	if err != nil {
		b.Fatal(err)
	}
	report, err := planned.WriteFile(b.Context(), filepath.Join(p.folder, "panes.parquet"))
	if err != nil || report.Views[0].Matched == 0 {
		b.Fatalf("got report %+v and error %v", report, err)
	}
}

// byHand is what a careful user writes: the events of the longest window of each label, of which each aggregate takes
// those of its own.
func (p *project) byHand(b *testing.B) {
	var columns []string
	for window := range strings.FieldsSeq(benchWindows) {
		length := strings.NewReplacer("h", " hours", "d", " days").Replace(window)
		interval := fmt.Sprintf("e.at > l.t - INTERVAL '%s'", length)
		for _, function := range []string{"sum", "count", "avg", "max"} {
			columns = append(columns, fmt.Sprintf("%s(e.x) FILTER (WHERE %s)", function, interval))
		}
	}
	path := func(name string) string { return quote.Literal(filepath.Join(p.folder, name)) }
	query := fmt.Sprintf(`COPY (SELECT l.k, l.t, %s
		FROM (SELECT *, row_number() OVER () AS n FROM %s) l
		LEFT JOIN %s e ON e.k = l.k AND e."at" <= l.t AND e."at" > l.t - INTERVAL '30 days'
		GROUP BY l.n, l.k, l.t ORDER BY l.n) TO %s`, strings.ReplaceAll(strings.Join(columns, ", "), "e.at", `e."at"`),
		path("labels.parquet"), path("data/e.parquet"), path("hand.parquet"))
	if err := sessiontest.Open(b).Exec(b.Context(), query); err != nil {
		b.Fatal(err)
	}
}

func processorTime(b *testing.B, run func()) time.Duration {
	b.Helper()
	used := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			b.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	before := used()
	run()
	return used() - before
}
