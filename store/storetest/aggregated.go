package storetest

import (
	"cmp"
	"math/big"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Aggregated is how the reference computes the features of a view with aggregations: for each label and each feature it
// loops over all events anew (R18 to R22). The rows of such a view's History have in Features the columns that are read
// from the source.
type Aggregated struct {
	columns []eventColumn
	// filter is nil if there is none.
	filter  *Expression
	outputs []aggregatedOutput
}

// eventColumn is a column of an event. A computed one may read those that are read, and computed ones before it.
type eventColumn struct {
	name     string
	declared plumbv1.Type
	// computed is nil for a column that is read, which is at that position among the row's features.
	computed *Expression
	at       int
}

// aggregatedOutput is one feature of a view with aggregations.
type aggregatedOutput struct {
	name     string
	declared plumbv1.Type
	function *plumbv1.AggregateFunction
	quantile float64
	// of and by are positions among the columns, or -1.
	of, by  int
	largest int
	window  eventWindow
	// result is 1 for the second of two results.
	result int
}

// eventWindow is a window of R18, in microseconds.
type eventWindow struct {
	// length is nil for a lifetime, and hop is nil for a window that is as long as it says.
	length, hop *big.Int
	offset      *big.Int
}

// bounds are S and E at an instant (R18); S is nil for a lifetime.
func (w eventWindow) bounds(at feature.Instant) (start, end *big.Int) {
	end = new(big.Int).Sub(big.NewInt(int64(at)), w.offset)
	if w.length == nil {
		return nil, end
	}
	start = new(big.Int).Sub(end, w.length)
	if w.hop != nil {
		// Div floors, since hops are positive.
		start.Div(start, w.hop).Mul(start, w.hop)
	}
	return start, end
}

// counted are the events that count at an instant: S < event <= E.
func (w eventWindow) counted(events []countedEvent, at feature.Instant) []countedEvent {
	var counted []countedEvent
	start, end := w.bounds(at)
	for _, event := range events {
		when := big.NewInt(int64(event.at))
		if (start == nil || start.Cmp(when) < 0) && when.Cmp(end) <= 0 {
			counted = append(counted, event)
		}
	}
	return counted
}

// countedEvent is a row of a source as aggregations see it.
type countedEvent struct {
	at      feature.Instant
	created *feature.Instant
	// values are those of the columns.
	values []Outcome
}

// event evaluates a row. It is false if the filter leaves the row out, which a null does too. An INVALID filter makes
// every column INVALID (R26).
func (a *Aggregated) event(row *SourceRow) (countedEvent, bool) {
	e := countedEvent{at: *row.Event, created: row.Created, values: make([]Outcome, len(a.columns))}
	named := func(name string) Outcome {
		at := slices.IndexFunc(a.columns, func(c eventColumn) bool { return c.name == name })
		outcome := e.values[at]
		outcome.Value = widen(outcome.Value)
		return outcome
	}
	for i, column := range a.columns {
		if column.computed == nil {
			e.values[i].Value = row.Features[column.at]
		}
	}
	for i, column := range a.columns {
		if column.computed != nil {
			e.values[i] = bring(column.declared, column.computed.Evaluate(named))
		}
	}
	if a.filter == nil {
		return e, true
	}
	switch passes := a.filter.Evaluate(named); {
	case passes.Invalid:
		for i := range e.values {
			e.values[i] = invalid
		}
	case passes.Value != true:
		return e, false
	}
	return e, true
}

// aggregate returns what a key sees of a view with aggregations at an instant. It sees a row if an event counts in any
// of the windows, whose event time is that of the latest one that does (R22).
func (h *History) aggregate(key []any, at feature.Instant, asKnown bool) Sighting {
	var events []countedEvent
	for i := range h.Rows {
		row := &h.Rows[i]
		switch {
		case row.Event == nil: // R3
		case asKnown && (row.Created == nil || *row.Created > at): // R4
		case !sameKey(row.Keys, key): // R8, R9
		default:
			if event, counts := h.Aggregated.event(row); counts {
				events = append(events, event)
			}
		}
	}
	row := &SourceRow{Keys: key}
	sighting := Sighting{Row: row, Status: plumbv1.Status_PRESENT}
	for _, output := range h.Aggregated.outputs {
		counted := output.window.counted(events, at)
		for _, event := range counted {
			if row.Event == nil || *row.Event < event.at {
				row.Event = &event.at
			}
		}
		outcome := output.outcome(counted)
		row.Features, sighting.Invalid = append(row.Features, outcome.Value), append(sighting.Invalid, outcome.Invalid)
	}
	if row.Event == nil {
		return Sighting{Status: plumbv1.Status_NOT_FOUND}
	}
	sighting.Events = h.Aggregated.widest().counted(events, at)
	slices.SortFunc(sighting.Events, func(a, b countedEvent) int { return cmp.Compare(a.at, b.at) })
	return sighting
}

// widest is the longest window. Of several it is the one that ends last, and then the one that may begin first.
func (a *Aggregated) widest() eventWindow {
	return slices.MaxFunc(a.outputs, func(x, y aggregatedOutput) int {
		v, w := x.window, y.window
		return cmp.Or(compareSpans(v.length, w.length), -v.offset.Cmp(w.offset), compareHops(v.hop, w.hop))
	}).window
}

// compareSpans takes nil for endless.
func compareSpans(a, b *big.Int) int {
	if a == nil || b == nil {
		return compareBools(a == nil, b == nil)
	}
	return a.Cmp(b)
}

// compareHops takes nil for the least.
func compareHops(a, b *big.Int) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return a.Cmp(b)
}
