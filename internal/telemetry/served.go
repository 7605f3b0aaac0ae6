package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store"
)

// Served counts the answers of one look-up plan.
type Served struct {
	seconds prometheus.Observer
	// columns are the counters of each output column's view, in order.
	columns []*counted
	// uses are the newest events of the view of each use, in order.
	uses []*event
}

// statuses are those that values have (R13).
var statuses = []plumbv1.Status{
	plumbv1.Status_PRESENT, plumbv1.Status_NULL, plumbv1.Status_NOT_FOUND, plumbv1.Status_EXPIRED,
}

// maxStatuses is a power of two above all statuses.
const maxStatuses = 8

// counted are the counters of one view's values, by status.
type counted [maxStatuses]prometheus.Counter

// Served returns what counts the answers of a plan: of a feature service, or of listed features, where it is empty.
func (m *Metrics) Served(service string, plan *store.Lookup) *Served {
	s := &Served{seconds: m.lookups.WithLabelValues(service)}
	byName := map[string]*counted{}
	for _, name := range plan.Views() {
		if byName[name] == nil {
			byName[name] = m.countedBy(name)
		}
		s.columns = append(s.columns, byName[name])
	}
	for _, name := range plan.Uses() {
		s.uses = append(s.uses, m.newest.of(name))
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

// Newest is a LookupRequest's Newest, before the look-up.
func (s *Served) Newest() []store.Instant {
	newest := make([]store.Instant, len(s.uses))
	for i := range newest {
		newest[i] = none
	}
	return newest
}

// Count counts an answer: how long it took, the statuses of its values, and the newest events behind them. Columns of
// one view that lie side by side, as they do, are added up first.
func (s *Served) Count(took time.Duration, columns []*plumbv1.FeatureColumn, newest []store.Instant) {
	s.seconds.Observe(took.Seconds())
	for i, seen := range s.uses {
		seen.see(int64(newest[i]))
	}
	for i := 0; i < len(columns); {
		view := s.columns[i]
		var n [maxStatuses]int
		for ; i < len(columns) && s.columns[i] == view; i++ {
			for _, status := range columns[i].GetStatuses() {
				n[status%maxStatuses]++
			}
		}
		view.add(n)
	}
}

func (c *counted) add(n [maxStatuses]int) {
	for _, status := range statuses {
		if n[status] > 0 {
			c[status].Add(float64(n[status]))
		}
	}
}
