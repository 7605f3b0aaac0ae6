package parity

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/store/offline"
)

// sourceState is what a plain read of a source says of one entity key at one instant.
type sourceState struct {
	// rows is how many rows have the latest event time at or before the instant, which is event; 0 if there is none. Of a
	// view with aggregations it is the latest event time that counts in any window (R22), and the rest means nothing.
	rows  int
	event feature.Instant
	// known is the latest created time of those rows, math.MinInt64 if they have none.
	known feature.Instant
	// next is the first event time after the instant; math.MaxInt64 if there is none.
	next feature.Instant
	// place is where the winner of those rows is (R3): the one that was known last, and of several the last in source
	// order; noPlace if rows have none.
	place int64
}

// witnessStates are *sourceStates or *windowStates.
type witnessStates interface {
	// add adds a question, and read answers all that were added, which at returns.
	add(tuple string, at feature.Instant)
	read(ctx context.Context, witness offline.Witness, view *feature.View) error
	at(tuple string, at feature.Instant) sourceState
}

func newWitnessStates(view *feature.View) witnessStates {
	if view.Aggregated != nil {
		return newWindowStates(view)
	}
	return newSourceStates()
}

// keyStates are the states of one entity key at some instants, which ascend once all of them are added.
type keyStates struct {
	times  []feature.Instant
	states []sourceState
}

func (k *keyStates) instants() *keyStates { return k }

// witnessKey is what rows of one entity key pass by.
type witnessKey interface {
	// instants are those that are asked for.
	instants() *keyStates
	// begin makes room, once all instants are added, pass takes a row in, and settle answers.
	begin()
	pass(row sourceRow)
	settle()
}

// statesByKey are the states of some entity keys at some instants. Their memory does not grow with the source.
type statesByKey[K witnessKey] struct {
	byKey  map[string]K
	newKey func() K
}

func (w *statesByKey[K]) add(tuple string, at feature.Instant) {
	key, ok := w.byKey[tuple]
	if !ok {
		key = w.newKey()
		w.byKey[tuple] = key
	}
	asked := key.instants()
	asked.times = append(asked.times, at)
}

// at is what was seen of a key at an instant that had been added.
func (w *statesByKey[K]) at(tuple string, at feature.Instant) sourceState {
	asked := w.byKey[tuple].instants()
	place, _ := slices.BinarySearch(asked.times, at)
	return asked.states[place]
}

// read lets all rows of the view pass by.
func (w *statesByKey[K]) read(ctx context.Context, witness offline.Witness, view *feature.View) error {
	for _, key := range w.byKey {
		asked := key.instants()
		slices.Sort(asked.times)
		asked.times = slices.Compact(asked.times)
		asked.states = slices.Repeat([]sourceState{noRows}, len(asked.times))
		key.begin()
	}
	err := history(ctx, witness, view, func(row sourceRow) error {
		if key, ok := w.byKey[string(row.tuple)]; ok {
			key.pass(row)
		}
		return nil
	})
	for _, key := range w.byKey {
		key.settle()
	}
	return err
}

// noRows is the state of a key that has no rows.
var noRows = sourceState{event: math.MinInt64, known: math.MinInt64, next: math.MaxInt64, place: noPlace}

// sourceStates are those of a view without aggregations.
type sourceStates struct{ statesByKey[*sourceKey] }

func newSourceStates() *sourceStates {
	return &sourceStates{statesByKey[*sourceKey]{map[string]*sourceKey{}, func() *sourceKey { return &sourceKey{} }}}
}

// sourceKey is one entity key. Each of its instants owns the rows after the instant before it: so a row belongs to one
// place, and what came before or comes after is passed along at the end.
type sourceKey struct{ keyStates }

func (k *sourceKey) begin() {}

// pass takes a row in, which may come in any order. It counts for the first instant at or after its event time, and
// ends the time of the instant before. With the instants 10 and 20, for example, a row of 15 is one that 20 sees, and
// the next one after 10.
func (k *sourceKey) pass(row sourceRow) {
	place, _ := slices.BinarySearch(k.times, row.event)
	if place > 0 {
		before := &k.states[place-1]
		before.next = min(before.next, row.event)
	}
	if place == len(k.times) {
		return
	}
	seen := &k.states[place]
	switch {
	case seen.rows == 0 || row.event > seen.event:
		seen.rows, seen.event, seen.known, seen.place = 1, row.event, row.created, row.place
	case row.event == seen.event:
		seen.rows++
		if row.created > seen.known || row.created == seen.known && row.place > seen.place {
			seen.known, seen.place = row.created, row.place
		}
	}
}

// settle passes along what pass has put in one place each: an instant without rows of its own sees what the instant
// before saw, and what comes next after an instant may be a row that a later instant owns.
func (k *sourceKey) settle() {
	for i := 1; i < len(k.states); i++ {
		if before := k.states[i-1]; k.states[i].rows == 0 {
			before.next = k.states[i].next
			k.states[i] = before
		}
	}
	for i := len(k.states) - 2; i >= 0; i-- {
		k.states[i].next = min(k.states[i].next, k.states[i+1].next)
	}
}

// sourceRow is a row of a source. Its tuple is valid until the next one.
type sourceRow struct {
	tuple []byte
	event feature.Instant
	// created is math.MinInt64 if the row has no created time.
	created feature.Instant
	place   int64
}

// noPlace stands for the place of a row that has none.
const noPlace = -1

// history hands out every row of a view; of a view with aggregations, every row of its source.
func history(ctx context.Context, witness offline.Witness, view *feature.View, visit func(sourceRow) error) error {
	var row sourceRow
	if view.Aggregated != nil {
		view = view.Aggregated.Events
	}
	return witness.History(ctx, view, func(batch arrow.RecordBatch) error {
		keys := len(view.Keys)
		events, ok := batch.Column(keys).(*array.Int64)
		created, also := batch.Column(keys + 1).(*array.Int64)
		if !ok || !also {
			return fmt.Errorf("the times of view %s are %s", view.Name, batch.Schema())
		}
		row.place = noPlace
		var places *array.Int64
		if int(batch.NumCols()) > keys+2 {
			if places, ok = batch.Column(keys + 2).(*array.Int64); !ok {
				return fmt.Errorf("the places of view %s are %s", view.Name, batch.Schema())
			}
		}
		var raw []byte
		for i := range int(batch.NumRows()) {
			row.tuple = row.tuple[:0]
			for key := range keys {
				var err error
				if raw, err = value.AppendArrowBits(raw[:0], batch.Column(key), i); err != nil {
					return err
				}
				row.tuple = appendPart(row.tuple, raw)
			}
			row.event, row.created = feature.Instant(events.Value(i)), math.MinInt64
			if created.IsValid(i) {
				row.created = feature.Instant(created.Value(i))
			}
			if places != nil {
				row.place = places.Value(i)
			}
			if err := visit(row); err != nil {
				return err
			}
		}
		return nil
	})
}
