package lookup

import (
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// stateReader computes the wanted features of a view of the kind feature.Windows from the states of entities.
type stateReader struct {
	reader *windows.Reader
	// places says where the values of each wanted feature are: among the aggregates that the reader computes, and among
	// the results of that.
	places []statePlace
	// layout and longest, the longest window, are for provenance.
	layout  *windows.Layout
	longest windows.Span
}

type statePlace struct{ aggregate, result int }

func newStateReader(view *feature.View, wanted []feature.Field) (*stateReader, error) {
	layout, err := view.Layout()
	if err != nil {
		return nil, err
	}
	var all []statePlace // of the view's features
	for i, a := range view.Aggregated.Aggregates {
		for result := range a.Spec.Results() {
			all = append(all, statePlace{i, result})
		}
	}
	if len(all) != len(view.Features) {
		return nil, fmt.Errorf("view %s has %d features, and its aggregations make %d", view.Name, len(view.Features),
			len(all))
	}
	s := &stateReader{layout: layout, longest: view.Aggregated.Longest()}
	var computed []int
	for _, field := range wanted {
		place := all[slices.IndexFunc(view.Features, func(f feature.Feature) bool { return f.Field == field })]
		at := slices.Index(computed, place.aggregate)
		if at < 0 {
			at = len(computed)
			computed = append(computed, place.aggregate)
		}
		s.places = append(s.places, statePlace{at, place.result})
	}
	s.reader = windows.NewReader(layout, computed)
	return s, nil
}

// takeState is take for a view of the kind feature.Windows. The row that is found is that of the latest event that
// counts in any window (R22), whose event time it has.
func (r *rows) takeState(u *use, row int, value []byte) error {
	found, e := &r.found[u.position*r.count+row], r.states[u.position]
	*found = foundRow{}
	if value == nil {
		e.None()
		return nil
	}
	all, err := packed.AppendRows(r.storedStates[:0], value)
	if err != nil {
		return err
	}
	r.storedStates = all
	for i, each := range all {
		isLast := i == len(all)-1
		if done, err := r.takeStateRow(u, row, each, isLast); done || err != nil {
			return err
		}
	}
	return nil
}

// takeStateRow computes a row from one of the states that are stored, newest first: the newest whose floor is not after
// the instant counts. More than one is stored only if the others lay ahead of the clock.
func (r *rows) takeStateRow(u *use, row int, value []byte, isLast bool) (done bool, err error) {
	found, e := &r.found[u.position*r.count+row], r.states[u.position]
	stored, err := packed.Parse(value)
	if err != nil {
		return false, err
	}
	reader, ok := u.readers[stored.SchemaID]
	if !ok {
		return false, fmt.Errorf("schema %d: %w", stored.SchemaID, ErrUnknownSchema)
	}
	if err := reader.layout.Check(&stored); err != nil {
		return false, err
	}
	state, ok, err := reader.layout.Field(&stored, 0)
	if err == nil && !ok {
		err = fmt.Errorf("%w: it has no state", packed.ErrCorrupt)
	}
	if err != nil {
		return false, err
	}
	if !isLast {
		if floor, err := e.Floor(state); err != nil || floor > int64(r.at) {
			return false, err
		}
	}
	sight, err := e.Add(state, int64(r.at))
	if err != nil {
		return false, err
	}
	*found = foundRow{Row: stored, stored: sight.Found || sight.BeforeFloor, early: sight.BeforeFloor}
	if sight.Found {
		found.Event, found.reader = feature.Instant(sight.Event), reader
		seen := &r.seen[u.position]
		seen.Newest = max(seen.Newest, found.Event)
	}
	return true, nil
}

// takeWindow takes the values of an output that is computed of states.
func (c *column) takeWindow(r *rows, o *output) {
	place := r.lookup.uses[o.use].states.places[o.field]
	c.takeComputed(r.states[o.use].Columns(place.aggregate)[place.result], o)
	for row, found := range r.of(o.use) {
		if found.reader == nil {
			c.statuses[row] = byte(plumbv1.Status_NOT_FOUND)
		}
	}
}
