package storetest

import (
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// SourceRow is one row of a view's source, with its values brought to the declared types.
type SourceRow struct {
	Keys []any
	// Event and Created are nil if the source has null there, or has no such column.
	Event, Created *feature.Instant
	// Features are all of the view's, in declared order.
	Features []any
	// Sequence, File and Number are the row's place in its source (R3); they mean nothing for a SQL source. All sequences
	// are 0 in a source that is no table of a lake.
	Sequence int64
	File     string
	Number   int
}

// History is everything that a view's source holds, and the rules by which a look-up reads it. It is the slow
// reference: At looks at every row every time.
type History struct {
	Rows []SourceRow
	// TTL is the look-back; 0 means unlimited (R2).
	TTL time.Duration
	// ByValue says that the source is SQL, whose rows have no place, so that values break ties (R3).
	ByValue bool
	// Aggregated says what is computed of the rows as events; nil for a view of which the newest row wins.
	Aggregated *Aggregated
}

// Sighting is what an entity key sees of a history at an instant.
type Sighting struct {
	// Row is the winning row (R3); if Status is EXPIRED, the row that won before it expired; nil if there is none. Of a
	// view with aggregations it is made of the features, and of the time of the latest event that counts (R22).
	Row *SourceRow
	// Invalid says which features have no value (R26); nil if all have.
	Invalid []bool
	// Events are those that count in the widest window of a view with aggregations, in ascending order of time.
	Events []countedEvent
	// Status is PRESENT, EXPIRED or NOT_FOUND.
	Status plumbv1.Status
}

// At returns what the key sees at the instant. It is also what online answers at that instant once the view has been
// materialized through it (R17). asKnown hides what had not arrived by then (R4); a row whose created time is null is
// hidden too, since nobody can say that it had.
func (h *History) At(key []any, at feature.Instant, asKnown bool) Sighting {
	if h.Aggregated != nil {
		return h.aggregate(key, at, asKnown)
	}
	var winner *SourceRow
	for i := range h.Rows {
		row := &h.Rows[i]
		switch {
		case row.Event == nil || *row.Event > at: // R2, R3
		case asKnown && (row.Created == nil || *row.Created > at): // R4
		case !sameKey(row.Keys, key): // R8, R9
		case winner == nil || h.beats(row, winner):
			winner = row
		}
	}
	switch {
	case winner == nil:
		return Sighting{Status: plumbv1.Status_NOT_FOUND}
	case h.expired(*winner.Event, at):
		return Sighting{Row: winner, Status: plumbv1.Status_EXPIRED}
	}
	return Sighting{Row: winner, Status: plumbv1.Status_PRESENT}
}

// expired reports whether an event at or before the instant is more than the ttl before it (R2). The distance of two
// instants always fits an unsigned number, whereas at - ttl may not fit a signed one.
func (h *History) expired(event, at feature.Instant) bool {
	return h.TTL > 0 && uint64(at)-uint64(event) > uint64(h.TTL.Microseconds())
}

// beats says whether a wins over b (R3).
func (h *History) beats(a, b *SourceRow) bool {
	if *a.Event != *b.Event {
		return *a.Event > *b.Event
	}
	if order := compareInstants(a.Created, b.Created); order != 0 {
		return order > 0
	}
	if h.ByValue {
		return compareValues(a.Features, b.Features) > 0
	}
	if a.Sequence != b.Sequence {
		return a.Sequence > b.Sequence
	}
	if order := strings.Compare(a.File, b.File); order != 0 {
		return order > 0
	}
	return a.Number > b.Number
}

// Value returns a feature's value and its status (R7, R13, R26).
func (s Sighting) Value(f int) (any, plumbv1.Status) {
	switch {
	case s.Status != plumbv1.Status_PRESENT:
		return nil, s.Status
	case s.Invalid != nil && s.Invalid[f]:
		return nil, plumbv1.Status_INVALID
	case s.Row.Features[f] == nil:
		return nil, plumbv1.Status_NULL
	}
	return s.Row.Features[f], plumbv1.Status_PRESENT
}

// Newest returns what a materialization of the window has to write: for each key the greatest row with an event time in
// (Start, End] (R5), and counts also the rows before the window.
func (h *History) Newest(window offline.Window) ([]SourceRow, offline.NewestReport) {
	var winners []SourceRow
	var report offline.NewestReport
	for i := range h.Rows {
		row := &h.Rows[i]
		switch {
		case row.Event == nil:
			report.NullTimes++
		case *row.Event > window.End:
		case window.Start != nil && *row.Event <= *window.Start:
			report.Before++
		case hasNull(row.Keys):
			report.NullKeys++
		default:
			report.Read++
			winners = h.admit(winners, row)
		}
	}
	return winners, report
}

func (h *History) admit(winners []SourceRow, row *SourceRow) []SourceRow {
	for i := range winners {
		if sameKey(winners[i].Keys, row.Keys) {
			if h.beats(row, &winners[i]) {
				winners[i] = *row
			}
			return winners
		}
	}
	return append(winners, *row)
}

// Unservable counts the rows that can never be seen: those with a null event time (R3), and of the others those with a
// null key (R8).
func (h *History) Unservable() (nullKeys, nullTimes int64) {
	for _, row := range h.Rows {
		switch {
		case row.Event == nil:
			nullTimes++
		case hasNull(row.Keys):
			nullKeys++
		}
	}
	return nullKeys, nullTimes
}
