// Package telemetry reports what a server does: metrics for Prometheus, and traces for OpenTelemetry.
//
// What is counted for each look-up is resolved when its plan is made, so that a request adds to a few counters and
// looks nothing up.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/grpc/codes"
)

// Metrics are the metrics of one server. It is safe for concurrent use.
type Metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	lookups     *prometheus.HistogramVec
	values      *prometheus.CounterVec
	storeErrors *prometheus.CounterVec
	newest      *newest
}

// lookupBuckets are in seconds, from what one machine takes to the point at which callers have given up.
var lookupBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5}

// New returns metrics with those of the process. now is the clock by which staleness is computed.
func New(now func() time.Time) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),

		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_requests_total", Help: "Calls by method of gRPC, which HTTP's go through too, and by status code.",
		}, []string{"method", "code"}),
		lookups: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "plumb_lookup_duration_seconds", Buckets: lookupBuckets,
			Help: "How long look-ups took, by feature service; no service where features were listed.",
		}, []string{"service"}),
		values: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_feature_values_total", Help: "Values that look-ups returned, by feature view and status (R13).",
		}, []string{"view", "status"}),
		storeErrors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "plumb_store_errors_total", Help: "Look-ups and pushes that failed in the online store, by operation.",
		}, []string{"operation"}),
	}
	m.newest = &newest{now: now, byView: map[string]*event{}}
	m.Register(m.requests, m.lookups, m.values, m.storeErrors, m.newest,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// So that a rate is there from the start, before the first fault.
	for _, operation := range []string{operationRead, operationWrite} {
		m.storeErrors.WithLabelValues(operation)
	}
	return m
}

// The operations of the online store.
const (
	operationRead  = "read"
	operationWrite = "write"
)

// Register adds metrics that are collected when they are asked for.
func (m *Metrics) Register(collectors ...prometheus.Collector) {
	m.registry.MustRegister(collectors...)
}

// RegisterRegistry adds what is known of the registry: the revision that is served, 0 for none, and whether a later one
// may be there since the registry cannot be read.
func (m *Metrics) RegisterRegistry(revision func() int64, stale func() bool) {
	m.Register(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plumb_registry_revision", Help: "The revision of the registry that is served; 0 before there is one.",
		}, func() float64 { return float64(revision()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "plumb_registry_stale", Help: "1 while the registry cannot be read, so that a later revision may be there.",
		}, func() float64 {
			if stale() {
				return 1
			}
			return 0
		}),
	)
}

// losses collects the views of which the online store has lost rows.
type losses struct{ views func() []string }

// RegisterLosses adds which views the online store has lost rows of.
func (m *Metrics) RegisterLosses(views func() []string) { m.Register(losses{views}) }

var rowsLost = prometheus.NewDesc("plumb_online_rows_lost",
	"1 for a feature view of which the online store has lost rows, until it has been materialized again.",
	[]string{"view"}, nil)

// Describe implements prometheus.Collector.
func (l losses) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- rowsLost }

// Collect implements prometheus.Collector.
func (l losses) Collect(metrics chan<- prometheus.Metric) {
	for _, view := range l.views() {
		metrics <- gauge(rowsLost, 1, view)
	}
}

// Handler answers Prometheus. What cannot be collected is left out, so that a registry that is gone does not hide the
// rest.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// Answered counts a call by its full method name.
func (m *Metrics) Answered(method string, code codes.Code) {
	m.requests.WithLabelValues(method, code.String()).Inc()
}

// ReadFailed counts a look-up that failed in the online store.
func (m *Metrics) ReadFailed() { m.storeErrors.WithLabelValues(operationRead).Inc() }

// WriteFailed counts a push that failed in the online store.
func (m *Metrics) WriteFailed() { m.storeErrors.WithLabelValues(operationWrite).Inc() }
