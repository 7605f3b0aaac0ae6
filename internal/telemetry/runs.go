package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbstore/plumb/registry"
)

// ledgerTime bounds the question to the ledger; Prometheus waits ten seconds for all.
const ledgerTime = 3 * time.Second

// Ledger is what the metrics of materialization need of a registry.Ledger.
type Ledger interface {
	Progress(ctx context.Context, project string) (map[string]registry.Progress, error)
	LastRuns(ctx context.Context, project string) (map[string]registry.Run, error)
}

// runs collects what the ledger says of the last materialization of each view, whichever process ran it.
type runs struct {
	ledger  Ledger
	project string
}

// RegisterRuns adds the metrics of materialization.
func (m *Metrics) RegisterRuns(ledger Ledger, project string) { m.Register(&runs{ledger, project}) }

var (
	materializedUntil = prometheus.NewDesc("plumb_materialized_until_timestamp_seconds",
		"Up to when a feature view has been materialized without a gap (R5).", []string{"view"}, nil)
	materializedGaps = prometheus.NewDesc("plumb_materialized_gaps",
		"Gaps between the windows that a feature view has been materialized for.", []string{"view"}, nil)
	lastRunStarted = prometheus.NewDesc("plumb_materialization_last_run_start_timestamp_seconds",
		"When a feature view's last materialization began.", []string{"view"}, nil)
	lastRunSeconds = prometheus.NewDesc("plumb_materialization_last_run_duration_seconds",
		"How long a feature view's last finished materialization took.", []string{"view"}, nil)
	lastRunSucceeded = prometheus.NewDesc("plumb_materialization_last_run_succeeded",
		"1 where a feature view's last materialization succeeded, 0 where it failed, runs, or was killed.",
		[]string{"view"}, nil)
	lastRunRows = prometheus.NewDesc("plumb_materialization_last_run_rows",
		"Rows of a feature view's last materialization: read, written, older, skipped, and without a key or a time.",
		[]string{"view", "kind"}, nil)
	lastRunBytes = prometheus.NewDesc("plumb_materialization_last_run_bytes",
		"Bytes of keys and rows that a feature view's last materialization gave to the online store.",
		[]string{"view"}, nil)
)

// Describe implements prometheus.Collector.
func (r *runs) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range []*prometheus.Desc{
		materializedUntil, materializedGaps, lastRunStarted, lastRunSeconds, lastRunSucceeded, lastRunRows, lastRunBytes,
	} {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector.
func (r *runs) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), ledgerTime)
	defer cancel()
	progress, err := r.ledger.Progress(ctx, r.project)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(materializedUntil, err)
		return
	}
	for view, done := range progress {
		metrics <- gauge(materializedUntil, seconds(done.First().End), view)
		metrics <- gauge(materializedGaps, float64(len(done.Intervals)-1), view)
	}
	last, err := r.ledger.LastRuns(ctx, r.project)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(lastRunStarted, err)
		return
	}
	for view, run := range last {
		collectRun(metrics, view, run)
	}
}

func collectRun(metrics chan<- prometheus.Metric, view string, run registry.Run) {
	metrics <- gauge(lastRunStarted, seconds(run.StartedAt.UnixMicro()), view)
	succeeded := 0.0
	if run.Outcome == registry.Succeeded {
		succeeded = 1
	}
	metrics <- gauge(lastRunSucceeded, succeeded, view)
	if !run.FinishedAt.IsZero() {
		metrics <- gauge(lastRunSeconds, run.FinishedAt.Sub(run.StartedAt).Seconds(), view)
	}
	metrics <- gauge(lastRunBytes, float64(run.Bytes), view)
	for kind, rows := range map[string]int64{
		"read": run.Read, "written": run.Written, "older": run.Older, "skipped": run.Skipped,
		"null_key": run.NullKeys, "null_time": run.NullTimes,
	} {
		metrics <- gauge(lastRunRows, float64(rows), view, kind)
	}
}
