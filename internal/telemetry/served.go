package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// Served counts the answers of one look-up plan.
type Served struct {
	seconds prometheus.Observer
	// uses are the counters of the view of each use, in order.
	uses []servedUse
}

type servedUse struct {
	values *counted
	newest *event
}

// statuses are those that values have (R13, R26).
var statuses = []plumbv1.Status{
	plumbv1.Status_PRESENT, plumbv1.Status_NULL, plumbv1.Status_NOT_FOUND, plumbv1.Status_EXPIRED,
	plumbv1.Status_INVALID,
}

// counted are the counters of one view's values, by status.
type counted [int(plumbv1.Status_INVALID) + 1]prometheus.Counter

// Served returns the counters for the answers of a plan. The plan is that of a feature service, or of listed features
// if service is empty.
func (m *Metrics) Served(service string, plan *lookup.Lookup) *Served {
	s := &Served{seconds: m.lookups.WithLabelValues(service)}
	for _, view := range plan.Uses() {
		s.uses = append(s.uses, servedUse{m.countedBy(view), m.newest.of(view)})
	}
	return s
}

func (m *Metrics) countedBy(view string) *counted {
	var c counted
	for _, status := range statuses {
		c[status] = m.values.WithLabelValues(view, status.String())
	}
	return &c
}

// Count counts an answer: how long it took, the statuses of its values, and the newest events behind them.
func (s *Served) Count(took time.Duration, seen []lookup.Seen) {
	s.seconds.Observe(took.Seconds())
	for i, use := range s.uses {
		use.newest.see(int64(seen[i].Newest))
		for _, status := range statuses {
			if n := seen[i].Values[status]; n > 0 {
				use.values[status].Add(float64(n))
			}
		}
	}
}
