package audit

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/offline"
)

// lateEvents looks for events that came late, of a view with aggregations: those that count in a window of an incident,
// and had been created only after the last run that could have read them had begun. Incidents for which nothing else is
// evidence wait for it, and one reading of the source is for all that wait.
type lateEvents struct {
	background *background
	// byKey are the incidents that wait, by their keys, and evidence what was found for them.
	byKey    map[string][]*incident
	evidence map[*incident]string
	window   offline.Window
}

// tellsLate says whether lateEvents can tell anything: the source has created times, and every event counts.
func (b *background) tellsLate() bool {
	return b.isWindowed() && b.view.Source.CreatedTimestamp != "" && b.view.Aggregated.Filter == aggregate.None
}

// lateEvents looks for late events of all incidents that wait.
func (s *suspension) lateEvents(ctx context.Context, b *background) (map[*incident]string, error) {
	late := &lateEvents{background: b, byKey: map[string][]*incident{}, evidence: map[*incident]string{},
		window: offline.Window{Start: new(feature.Instant(math.MaxInt64)), End: math.MinInt64}}
	_, columns := s.take()
	keys := make([]arrow.Array, len(s.use.labels))
	for i, k := range s.use.labels {
		keys[i] = columns[k]
	}
	var tuple []byte
	for row, waiting := range s.waiting {
		if slices.ContainsFunc(keys, func(key arrow.Array) bool { return key.IsNull(row) }) {
			continue // It has no events (R8).
		}
		var err error
		if tuple, err = appendTuple(tuple[:0], keys, row); err != nil {
			return nil, err
		}
		late.byKey[string(tuple)] = append(late.byKey[string(tuple)], waiting)
		late.widen(waiting.at)
	}
	if len(late.byKey) == 0 {
		return late.evidence, nil
	}
	request := offline.EventsRequest{View: b.view, Window: late.window, MaxFailed: math.MaxInt64}
	_, err := s.group.auditor.config.Offline.Events(ctx, request, late.take)
	if _, input := errors.AsType[*fault.InputError](err); input {
		err = nil // Rows that cannot be read are not evidence, and the difference stays unexplained.
	}
	return late.evidence, err
}

// widen has the window hold those of an instant.
func (l *lateEvents) widen(at feature.Instant) {
	for _, a := range l.background.view.Aggregated.Aggregates {
		start, end := a.Span.Bounds(int64(at))
		*l.window.Start, l.window.End = min(*l.window.Start, feature.Instant(start)), max(l.window.End, feature.Instant(end))
	}
}

// take looks at a batch of events.
func (l *lateEvents) take(batch arrow.RecordBatch) error {
	count := len(l.background.view.Keys)
	keys := batch.Columns()[:count]
	times, ok := batch.Column(count).(*array.Int64)
	created, also := batch.Column(count + 1).(*array.Int64)
	if !ok || !also {
		return fmt.Errorf("the times of view %s are %s", l.background.view.Name, batch.Schema())
	}
	var tuple []byte
	for row := range int(batch.NumRows()) {
		if created.IsNull(row) {
			continue
		}
		var err error
		if tuple, err = appendTuple(tuple[:0], keys, row); err != nil {
			return err
		}
		for _, i := range l.byKey[string(tuple)] {
			if l.evidence[i] == "" {
				l.evidence[i] = l.background.late(i, feature.Instant(times.Value(row)), feature.Instant(created.Value(row)))
			}
		}
	}
	return nil
}

// late is the evidence that an event came late for an incident; empty if there is none.
func (b *background) late(i *incident, event, created feature.Instant) string {
	counts := false
	for _, a := range b.view.Aggregated.Aggregates {
		start, end := a.Span.Bounds(int64(i.at))
		counts = counts || int64(event) > start && int64(event) <= end
	}
	if !counts {
		return ""
	}
	run := b.covering(event, i.servedAt)
	if run == nil || created <= feature.InstantOf(run.StartedAt) {
		return ""
	}
	return fmt.Sprintf("an event of %s was created at %s, after run %d had begun to read its window at %s", event, created,
		run.ID, moment(run.StartedAt))
}

// appendTuple appends the keys of a row, each after its length, so that only equal keys have equal tuples (R9).
func appendTuple(dst []byte, keys []arrow.Array, row int) ([]byte, error) {
	for _, key := range keys {
		at := len(dst)
		var err error
		if dst, err = value.AppendArrowBits(append(dst, 0, 0, 0, 0), key, row); err != nil {
			return nil, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}
