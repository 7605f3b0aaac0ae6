package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbstore/plumb/audit/auditlog"
)

// audit collects what a recorder of the audit log counts.
type audit struct{ counts func() auditlog.Counts }

// RegisterAudit adds the metrics of the audit log.
func (m *Metrics) RegisterAudit(recorder *auditlog.Recorder) { m.Register(&audit{recorder.Counts}) }

var (
	auditRows = prometheus.NewDesc("plumb_audit_rows_total",
		"Rows for the audit log, by what became of them: logged in finished files, dropped since too many waited, failed "+
			"to be written, or withheld since they are sensitive and there is no key to hash with.", []string{"outcome"}, nil)
	auditFiles = prometheus.NewDesc("plumb_audit_files_total", "Files of the audit log that were finished.", nil, nil)
	auditBytes = prometheus.NewDesc("plumb_audit_bytes_total", "Bytes of the finished files of the audit log.", nil, nil)
	auditQueue = prometheus.NewDesc("plumb_audit_queue_lookups",
		"Look-ups that wait to be written to the audit log.", nil, nil)
	auditQueueBytes = prometheus.NewDesc("plumb_audit_queue_bytes",
		"Memory of the look-ups that wait to be written to the audit log, roughly.", nil, nil)
)

// Describe implements prometheus.Collector.
func (a *audit) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range []*prometheus.Desc{auditRows, auditFiles, auditBytes, auditQueue, auditQueueBytes} {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector.
func (a *audit) Collect(metrics chan<- prometheus.Metric) {
	counts := a.counts()
	count := func(what *prometheus.Desc, n int64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(what, prometheus.CounterValue, float64(n), labels...)
	}
	count(auditRows, counts.Logged, "logged")
	count(auditRows, counts.Dropped, "dropped")
	count(auditRows, counts.Failed, "failed")
	count(auditRows, counts.Withheld, "withheld")
	count(auditFiles, counts.Files)
	count(auditBytes, counts.Bytes)
	metrics <- gauge(auditQueue, float64(counts.Queued))
	metrics <- gauge(auditQueueBytes, float64(counts.QueuedBytes))
}
