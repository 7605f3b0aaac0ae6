package telemetry

import "github.com/prometheus/client_golang/prometheus"

// pushLogs collects how many pushed rows could not be brought online yet.
type pushLogs struct{ waiting func() map[string]int64 }

// RegisterPushLogs adds the metrics of the push logs. waiting is how many rows wait, by view.
func (m *Metrics) RegisterPushLogs(waiting func() map[string]int64) { m.Register(&pushLogs{waiting}) }

var pushLogWaiting = prometheus.NewDesc("plumb_push_log_waiting_rows",
	"Rows in the push log of a view that the online store has not taken yet. They are tried again each second.",
	[]string{"view"}, nil)

// Describe implements prometheus.Collector.
func (p *pushLogs) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- pushLogWaiting }

// Collect implements prometheus.Collector.
func (p *pushLogs) Collect(metrics chan<- prometheus.Metric) {
	for view, rows := range p.waiting() {
		metrics <- gauge(pushLogWaiting, float64(rows), view)
	}
}
