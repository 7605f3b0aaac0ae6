package lookup

import (
	"math"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// provenance says where the rows come from: one message for each of Lookup.Uses, in their order. A row that is not
// visible yet is as good as absent (R2).
func (r *rows) provenance() []*plumbv1.ViewProvenance {
	views := make([]*plumbv1.ViewProvenance, len(r.lookup.uses))
	for i := range r.lookup.uses {
		views[i] = newViewProvenance(&r.lookup.uses[i], r.count)
		for row, found := range r.of(i) {
			switch {
			case found.reader != nil:
				fillProvenance(views[i], row, &found.Row, r.at)
				if r.states[i] != nil {
					setNoCreated(views[i], row)
				}
			case found.early:
				views[i].Origins[row] = byte(plumbv1.ViewProvenance_BEFORE_FLOOR)
			}
		}
	}
	return views
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
