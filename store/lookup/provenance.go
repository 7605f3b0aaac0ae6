package lookup

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// provenance says where the rows come from: one message for each use of a feature view, in the order of Lookup.Uses. A
// row that is not visible yet is as good as absent (R2).
func (r *rows) provenance() ([]*plumbv1.ViewProvenance, error) {
	views := make([]*plumbv1.ViewProvenance, len(r.lookup.uses))
	for i := range r.lookup.uses {
		use := &r.lookup.uses[i]
		views[i] = newViewProvenance(use, r.count)
		for row, found := range r.of(i) {
			switch {
			case found.reader != nil:
				fillProvenance(views[i], row, &found.Row, r.at)
				if use.states == nil {
					continue
				}
				setNoCreated(views[i], row)
				if err := use.states.fillExtent(views[i], row, &found, r.at); err != nil {
					return nil, fmt.Errorf("feature view %q, row %d of the keys: %w", use.view.Name, row+1, err)
				}
			case found.early:
				views[i].Origins[row] = byte(plumbv1.ViewProvenance_BEFORE_FLOOR)
			}
		}
	}
	return views, nil
}

// newViewProvenance is that of a use of a view without any row.
func newViewProvenance(u *use, rows int) *plumbv1.ViewProvenance {
	traced := &plumbv1.ViewProvenance{
		Alias:              u.alias,
		View:               u.view.Name,
		DefinitionRevision: u.view.Revision,
		DefinitionHash:     u.view.Hash[:],
		Origins:            make([]byte, rows),
		Runs:               make([]int64, rows),
		PushedTimestamps:   make([]int64, rows),
		EventTimestamps:    make([]int64, rows),
		CreatedTimestamps:  make([]int64, rows),
		AgeMicros:          make([]int64, rows),
		SchemaIds:          make([]uint32, rows),
	}
	for row := range traced.Origins {
		traced.Origins[row] = byte(plumbv1.ViewProvenance_NO_ROW)
	}
	if u.states != nil {
		traced.Events, traced.EarliestTimestamps = make([]int64, rows), make([]int64, rows)
		traced.Earliest = bytes.Repeat([]byte{byte(plumbv1.ViewProvenance_EARLIEST_UNKNOWN)}, rows)
	}
	return traced
}

// fillExtent says what the longest window counts, as far as the state that was found tells.
func (s *stateReader) fillExtent(traced *plumbv1.ViewProvenance, row int, found *foundRow, at feature.Instant) error {
	state, _, err := found.reader.layout.Field(&found.Row, 0)
	if err != nil {
		return err
	}
	extent, err := s.layout.Extent(state, int64(at), s.longest)
	traced.Events[row], traced.EarliestTimestamps[row] = extent.Events, extent.Earliest
	switch extent.First {
	case windows.FirstEvent:
		traced.Earliest[row] = byte(plumbv1.ViewProvenance_EARLIEST_EVENT)
	case windows.FirstTile:
		traced.Earliest[row] = byte(plumbv1.ViewProvenance_EARLIEST_TILE)
	}
	return err
}

// computed says what computes the values of on-demand views: one message for each use of one.
func (l *Lookup) computed() []*plumbv1.ComputedProvenance {
	var all []*plumbv1.ComputedProvenance
	for i := range l.computations {
		all = append(all, l.computations[i].provenance)
	}
	return all
}

// newComputedProvenance is that of a use of an on-demand view in a selection.
func newComputedProvenance(selection *feature.Selection, used *feature.Computation) *plumbv1.ComputedProvenance {
	traced := &plumbv1.ComputedProvenance{Alias: used.Alias, View: used.View.Name, DefinitionHash: used.View.Hash[:],
		RequestTime: used.Program.ReadsTime()}
	add := func(to *[]string, name string) {
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, input := range used.Inputs {
		if input.Label != "" {
			add(&traced.Inputs, input.Label)
		} else {
			add(&traced.Views, selection.References[input.Stored.Reference].Alias)
		}
	}
	return traced
}

func fillProvenance(traced *plumbv1.ViewProvenance, row int, stored *packed.Row, at feature.Instant) {
	origin := plumbv1.ViewProvenance_UNKNOWN
	if run, ok := stored.Origin.Run(); ok {
		origin, traced.Runs[row] = plumbv1.ViewProvenance_RUN, run
	}
	if pushed, ok := stored.Origin.Pushed(); ok {
		origin, traced.PushedTimestamps[row] = plumbv1.ViewProvenance_PUSH, int64(pushed)
	}
	traced.Origins[row] = byte(origin)
	traced.EventTimestamps[row] = int64(stored.Event)
	if created, ok := stored.Created(); ok {
		traced.CreatedTimestamps[row] = int64(created)
	} else {
		setNoCreated(traced, row)
	}
	// Their distance always fits an unsigned number.
	traced.AgeMicros[row] = int64(min(uint64(at)-uint64(stored.Event), math.MaxInt64))
	traced.SchemaIds[row] = stored.SchemaID
}

// setNoCreated says that a row has no created time. That of a state is no instant at which anything became known.
func setNoCreated(traced *plumbv1.ViewProvenance, row int) {
	if traced.CreatedNulls == nil {
		traced.CreatedNulls = make([]byte, len(traced.Origins))
	}
	traced.CreatedNulls[row], traced.CreatedTimestamps[row] = 1, 0
}
