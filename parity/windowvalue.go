package parity

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// mostWitnessed bounds the events whose values the witness reads, since it keeps their places. Keys are taken in order
// as long as their events are not more, together with their panes, which have a tally for each column.
const mostWitnessed = 1 << 20

// windowValues are what the functions of a view give by the witness, for some of its entity keys.
type windowValues struct {
	view   *feature.View
	states *windowStates
	// aggregateOf has the aggregate of each feature.
	aggregateOf []int
	// tallies has those of each key that was chosen, by its panes and the features of view.Aggregated.Events.
	tallies map[string][][]tally
	// merged are tallies of windows, which the functions of a column share.
	merged map[merging]*tally
}

// merging is a column in some panes of a key.
type merging struct {
	tuple            string
	column, from, to int
}

// mostMerged bounds windowValues.merged.
const mostMerged = 1 << 14

// event is one that is to be read.
type event struct {
	place int64
	into  []tally
}

// readWindowValues reads the values of events, if they are what aggregates see: a filter leaves some out, and is
// computed by code that the witness does not have. Rows of a SQL source have no places to read them by.
func readWindowValues(ctx context.Context, witness offline.Witness, view *feature.View, states *windowStates) (
	*windowValues, error,
) {
	v := &windowValues{view: view, states: states, tallies: map[string][][]tally{},
		merged: map[merging]*tally{}}
	for i, a := range view.Aggregated.Aggregates {
		for range a.Spec.Results() {
			v.aggregateOf = append(v.aggregateOf, i)
		}
	}
	if view.Aggregated.Filter != aggregate.None {
		return v, nil
	}
	v.choose()
	var events []event
	err := history(ctx, witness, view, func(row sourceRow) error {
		if tallies, ok := v.tallies[string(row.tuple)]; ok && row.place != noPlace {
			key := states.byKey[string(row.tuple)]
			if at := key.paneOf(row.event); key.panes[at].counts {
				events = append(events, event{row.place, tallies[at]})
			}
		}
		return nil
	})
	if err != nil || len(events) == 0 {
		return v, err
	}
	slices.SortFunc(events, func(a, b event) int { return cmp.Compare(a.place, b.place) })
	places := make([]int64, len(events))
	for i := range events {
		places[i] = events[i].place
	}
	return v, witness.Values(ctx, view.Aggregated.Events, places, func(place int64, values []any) error {
		at, _ := slices.BinarySearch(places, place)
		for i, value := range values {
			events[at].into[i].add(value)
		}
		return nil
	})
}

// choose chooses the keys whose values are read.
func (v *windowValues) choose() {
	columns, left := len(v.view.Aggregated.Events.Features), mostWitnessed
	for _, tuple := range slices.Sorted(maps.Keys(v.states.byKey)) {
		key := v.states.byKey[tuple]
		needs := key.counted() + len(key.panes)*columns
		if needs > left {
			continue
		}
		left -= needs
		v.tallies[tuple] = make([][]tally, len(key.panes))
		for i := range key.panes {
			if key.panes[i].counts && key.panes[i].events > 0 {
				v.tallies[tuple][i] = make([]tally, columns)
			}
		}
	}
}

// of is what a feature is for a key at an instant; nil if the witness cannot tell. At least one event counts in some
// window.
func (v *windowValues) of(tuple string, at feature.Instant, feature int) (*witnessed, error) {
	a := v.view.Aggregated.Aggregates[v.aggregateOf[feature]]
	if v.view.Aggregated.Filter != aggregate.None || !isTallied(a.Spec) {
		return nil, nil //nolint:nilnil // It cannot tell, and nothing is wrong.
	}
	key := v.states.byKey[tuple]
	from, to := key.panesOf(a.Span, at)
	if a.Spec.Function == aggregate.Rows {
		events := int64(0)
		for i := from; i < to; i++ {
			events += int64(key.panes[i].events)
		}
		return newWitnessed(events)
	}
	column := v.view.Aggregated.Columns[a.Spec.Column]
	if v.tallies[tuple] == nil || column.Computed || v.view.Source.IsQuery() {
		return nil, nil //nolint:nilnil // As above.
	}
	return v.merge(merging{tuple, column.At, from, to}).result(a.Spec)
}

// merge brings the tallies of some panes together.
func (v *windowValues) merge(m merging) *tally {
	if all, ok := v.merged[m]; ok {
		return all
	}
	if len(v.merged) == mostMerged {
		clear(v.merged)
	}
	all := &tally{}
	for _, columns := range v.tallies[m.tuple][m.from:m.to] {
		if columns != nil {
			all.merge(&columns[m.column])
		}
	}
	v.merged[m] = all
	return all
}
