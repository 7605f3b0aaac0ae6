package lineage

import (
	"context"
	"strconv"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Materialization is the run of a view into the online store.
type Materialization struct {
	run
	view *feature.View
}

// StartMaterialization records that the materialization of a view begins.
func (r *Recorder) StartMaterialization(view *feature.View) *Materialization {
	if r == nil {
		return nil
	}
	m := &Materialization{view: view}
	inputs, outputs := m.datasets(r, registry.Run{})
	description := "the newest rows of feature view " + view.Name + " for look-ups"
	m.run = r.start("materialize."+view.Name, description, inputs, outputs)
	return m
}

// End records how it ended. A run without an ID is one that had nothing to do.
func (m *Materialization) End(ctx context.Context, done registry.Run, failure error) {
	if m == nil {
		return
	}
	inputs, outputs := m.datasets(m.recorder, done)
	if failure == nil {
		outputs[0].setRows(done.Written)
		if done.ID != 0 {
			outputs[0].setVersion(strconv.FormatInt(done.ID, 10)) // What rows tell as their origin.
		}
	}
	m.end(ctx, failure, inputs, outputs)
}

func (m *Materialization) datasets(r *Recorder, done registry.Run) (inputs, outputs []dataset) {
	read := &sources{recorder: r, files: done.Inputs}
	source := read.of(m.view.Source, sourceColumns(m.view))
	table := dataset{Namespace: r.config.Store, Name: m.view.Project + "." + m.view.Name, Facets: facets{}}
	var columns columnLineage
	for i, key := range m.view.Keys {
		columns.add(typed(key.Name, key.Type), source.column(m.view.KeyColumn(i), identity))
	}
	columns.add(typed("event_timestamp", plumbv1.Type_TIMESTAMP), eventTime(m.view, source))
	if created := m.view.Source.CreatedTimestamp; created != "" && m.view.Kind != feature.Windows {
		columns.add(typed("created_timestamp", plumbv1.Type_TIMESTAMP), source.column(created, identity))
	}
	for i, f := range m.view.Features {
		columns.add(typed(f.Name, f.Type), source.made(m.view, i, identity)...)
	}
	columns.decide(source.column(m.view.Source.EventTimestamp, filtered),
		source.column(m.view.Source.CreatedTimestamp, filtered))
	columns.describe(&table)
	return read.all, []dataset{table}
}

// eventTime is what the event time of a view's rows is made of: of a view with aggregations it is that of one of many
// rows, and there is no created time.
func eventTime(view *feature.View, source dataset) input {
	if view.Kind == feature.Windows {
		return source.column(view.Source.EventTimestamp, derived)
	}
	return source.column(view.Source.EventTimestamp, identity)
}
