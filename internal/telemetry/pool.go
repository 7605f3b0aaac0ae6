package telemetry

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/plumbstore/plumb/store/online"
)

// pool collects the state of an online store's connections.
type pool struct{ store online.Pooled }

// RegisterPool adds the metrics of an online store's connections.
func (m *Metrics) RegisterPool(pooled online.Pooled) { m.Register(&pool{pooled}) }

var (
	poolConnections = prometheus.NewDesc("plumb_store_connections",
		"Connections to the online store, by state: idle or busy.", []string{"state"}, nil)
	poolHits = prometheus.NewDesc("plumb_store_connection_hits_total",
		"Calls to the online store that found an idle connection.", nil, nil)
	poolMisses = prometheus.NewDesc("plumb_store_connection_misses_total",
		"Calls to the online store that had to make a connection.", nil, nil)
	poolTimeouts = prometheus.NewDesc("plumb_store_connection_timeouts_total",
		"Calls to the online store that waited for a connection in vain.", nil, nil)
)

// Describe implements prometheus.Collector.
func (p *pool) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range []*prometheus.Desc{poolConnections, poolHits, poolMisses, poolTimeouts} {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector.
func (p *pool) Collect(metrics chan<- prometheus.Metric) {
	state := p.store.Pool()
	metrics <- gauge(poolConnections, float64(state.Idle), "idle")
	metrics <- gauge(poolConnections, float64(state.Total-state.Idle), "busy")
	count := func(what *prometheus.Desc, n uint64) {
		metrics <- prometheus.MustNewConstMetric(what, prometheus.CounterValue, float64(n))
	}
	count(poolHits, state.Hits)
	count(poolMisses, state.Misses)
	count(poolTimeouts, state.Timeouts)
}
