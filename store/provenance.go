package store

import (
	"math"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// ProvenanceColumns are the columns that a join adds for each use of a view if JoinRequest.Provenance is set. Their
// names follow the alias and two underscores.
var ProvenanceColumns = []feature.Field{
	{Name: "definition_revision", Type: plumbv1.Type_INT64},
	{Name: "definition_hash", Type: plumbv1.Type_STRING},
	{Name: "source_file", Type: plumbv1.Type_STRING},
	{Name: "event_timestamp", Type: plumbv1.Type_TIMESTAMP},
	{Name: "created_timestamp", Type: plumbv1.Type_TIMESTAMP},
	{Name: "age_micros", Type: plumbv1.Type_INT64},
}

// Provenance says where the rows of a look-up come from: one message for each of Lookup.Uses, in their order.
type Provenance struct{ Views []*plumbv1.ViewProvenance }

// trace fills in a provenance from the rows that a look-up has read; see Lookup.gets for the places.
func (p *Provenance) trace(l *Lookup, places []int, values [][]byte, at feature.Instant) error {
	p.Views = make([]*plumbv1.ViewProvenance, len(l.uses))
	if len(l.uses) == 0 {
		return nil
	}
	rows := len(places) / len(l.uses)
	for i := range l.uses {
		traced := newViewProvenance(&l.uses[i], rows)
		for row, place := range places[i*rows : (i+1)*rows] {
			if place == absent || values[place] == nil {
				continue
			}
			value, err := rowAt(values[place], at)
			if err != nil {
				return err
			}
			stored, err := ParseRow(value)
			if err != nil {
				return err
			}
			if stored.Event <= at { // R2: one that is not visible yet is as good as absent.
				fillProvenance(traced, row, stored, at)
			}
		}
		p.Views[i] = traced
	}
	return nil
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

func fillProvenance(traced *plumbv1.ViewProvenance, row int, stored PackedRow, at feature.Instant) {
	origin := plumbv1.ViewProvenance_UNKNOWN
	if run, ok := stored.Origin.Run(); ok {
		origin, traced.Runs[row] = plumbv1.ViewProvenance_RUN, run
	}
	if pushed, ok := stored.Origin.Pushed(); ok {
		origin, traced.PushedTimestamps[row] = plumbv1.ViewProvenance_PUSH, int64(pushed)
	}
	traced.Origins[row] = byte(origin)
	traced.EventTimestamps[row] = int64(stored.Event)
	if stored.Created != nil {
		traced.CreatedTimestamps[row] = int64(*stored.Created)
	} else {
		if traced.CreatedNulls == nil {
			traced.CreatedNulls = make([]byte, len(traced.Origins))
		}
		traced.CreatedNulls[row] = 1
	}
	// Their distance always fits an unsigned number.
	traced.AgeMicros[row] = int64(min(uint64(at)-uint64(stored.Event), math.MaxInt64))
	traced.SchemaIds[row] = stored.SchemaID
}
