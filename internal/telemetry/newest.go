package telemetry

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// newest are the newest events by view. As a collector it reports how old they are.
type newest struct {
	now func() time.Time

	mu     sync.Mutex
	byView map[string]*event
}

// event is the newest event of one view that was served, in microseconds since the epoch.
type event struct{ micros atomic.Int64 }

// none stands for no event.
const none = math.MinInt64

// of returns the entry to which the events of a view are reported.
func (n *newest) of(view string) *event {
	n.mu.Lock()
	defer n.mu.Unlock()
	seen := n.byView[view]
	if seen == nil {
		seen = new(event)
		seen.micros.Store(none)
		n.byView[view] = seen
	}
	return seen
}

func (e *event) see(micros int64) {
	for {
		known := e.micros.Load()
		if micros <= known || e.micros.CompareAndSwap(known, micros) {
			return
		}
	}
}

var (
	newestEvent = prometheus.NewDesc("plumb_view_newest_event_timestamp_seconds",
		"The newest event time of a feature view that this server has served.", []string{"view"}, nil)
	staleness = prometheus.NewDesc("plumb_view_staleness_seconds",
		"Now minus the newest event time of a feature view that this server has served.", []string{"view"}, nil)
)

// Describe implements prometheus.Collector.
func (n *newest) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- newestEvent
	descriptions <- staleness
}

// Collect implements prometheus.Collector.
func (n *newest) Collect(metrics chan<- prometheus.Metric) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := seconds(n.now().UnixMicro())
	for view, seen := range n.byView {
		if micros := seen.micros.Load(); micros != none {
			metrics <- gauge(newestEvent, seconds(micros), view)
			metrics <- gauge(staleness, now-seconds(micros), view)
		}
	}
}

func seconds(micros int64) float64 { return float64(micros) / 1e6 }

func gauge(what *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(what, prometheus.GaugeValue, value, labels...)
}
