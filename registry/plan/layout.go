package plan

import (
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// newLayout starts a new generation of a view. Generations are numbers of revisions, so that none is ever given again.
// A view that was removed and comes back begins anew, and cannot find the rows that it left in the store, whatever they
// meant.
func (c *comparison) newLayout(view *plumbv1.FeatureView) *plumbv1.RegisteredView {
	return &plumbv1.RegisteredView{
		Name:       view.GetName(),
		Generation: c.revision,
		Rebuild:    c.revision,
		Schemas:    []*plumbv1.ViewSchema{c.schema(view)},
	}
}

// dateDefinitions notes the next revision in each view whose values it decides otherwise, and in those that are new. A
// state that cannot be resolved is left: the definitions have not passed validation, and nobody applies it.
func (c *comparison) dateDefinitions(current *feature.Snapshot, state *plumbv1.State) {
	next, err := feature.NewSnapshot(current.Project, c.revision, state)
	if err != nil {
		return
	}
	for _, registered := range state.GetViews() {
		view, _ := next.View(registered.GetName())
		before, err := current.View(registered.GetName())
		switch {
		case err != nil || before.Hash != view.Hash:
			registered.DefinitionHash, registered.DefinitionRevision = view.Hash[:], c.revision
		case before.Revision == 0:
			registered.DefinitionHash, registered.DefinitionRevision = nil, 0
		}
	}
}

// nextLayout carries a view's layout on to the next revision. The worst effect decides. A generation keeps all its
// schemas: a stored row names the one that it was written by, and stays readable until it is written again.
func (c *comparison) nextLayout(registered *plumbv1.RegisteredView, view *plumbv1.FeatureView,
	effects []effect,
) *plumbv1.RegisteredView {
	worst := stay
	for _, effect := range effects {
		worst = max(worst, effect.outcome)
	}
	if worst == setAside {
		return c.newLayout(view)
	}
	next := proto.CloneOf(registered)
	if worst == writtenAgain {
		next.Rebuild = c.revision
	}
	if schema := c.schema(view); !hasFields(next, schema.GetFields()) {
		next.Schemas = append(next.Schemas, schema)
	}
	return next
}

// schema is the layout of a view's rows. A view with aggregations has one row for each entity, with the state that its
// features are computed of.
func (c *comparison) schema(view *plumbv1.FeatureView) *plumbv1.ViewSchema {
	schema := &plumbv1.ViewSchema{Id: uint32(c.revision)}
	if isAggregated(view) {
		schema.Fields = []*plumbv1.SchemaField{{Name: "state", Type: plumbv1.Type_BYTES}}
		return schema
	}
	for _, f := range view.GetFeatures() {
		schema.Fields = append(schema.Fields, &plumbv1.SchemaField{Name: f.GetName(), Type: f.GetType()})
	}
	return schema
}

// hasFields says whether the view's current schema has exactly these fields, in this order.
func hasFields(view *plumbv1.RegisteredView, fields []*plumbv1.SchemaField) bool {
	if len(view.GetSchemas()) == 0 {
		return false
	}
	current := view.GetSchemas()[len(view.GetSchemas())-1]
	return proto.Equal(current, &plumbv1.ViewSchema{Id: current.GetId(), Fields: fields})
}
