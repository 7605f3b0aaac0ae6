package storetest

import (
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// NewView returns a view that is online, in its first generation.
func NewView(name string, keys []feature.Field, features ...feature.Field) *feature.View {
	view := &feature.View{Project: "test", Name: name, Generation: 1, Keys: keys, Online: true,
		Schemas: []feature.Schema{{ID: 1, Fields: features}}}
	for _, f := range features {
		view.Features = append(view.Features, feature.Feature{Field: f, Column: f.Name})
	}
	return view
}

// SelectAll selects all features of views.
func SelectAll(views ...*feature.View) *feature.Selection {
	selection := &feature.Selection{}
	for i, view := range views {
		reference := feature.Reference{View: view, Alias: view.Name}
		for _, key := range view.Keys {
			reference.LabelColumns = append(reference.LabelColumns, key.Name)
		}
		selection.References = append(selection.References, reference)
		for j, f := range view.Features {
			output := feature.Output{From: feature.StoredColumn{Reference: i, Feature: j}, Name: f.Name}
			selection.Outputs = append(selection.Outputs, output)
		}
	}
	return selection
}

// SelectOnDemand selects all features of an on-demand view over views that read Parquet files and have a row of each
// feature. entities are those of the views.
func SelectOnDemand(t rapid.TB, entities []*plumbv1.Entity, views []*plumbv1.FeatureView,
	onDemand *plumbv1.OnDemandView,
) *feature.Selection {
	t.Helper()
	definitions := &plumbv1.Definitions{Entities: entities, FeatureViews: views,
		OnDemandViews: []*plumbv1.OnDemandView{onDemand}}
	for _, view := range views {
		definitions.Sources = append(definitions.Sources, &plumbv1.Source{Name: view.GetSource(), EventTimestamp: "at",
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: view.GetSource() + ".parquet"}}})
	}
	snapshot, err := feature.NewSnapshot("test", 1, StateOf(definitions))
	if err != nil {
		t.Fatalf("SelectOnDemand: %v", err)
	}
	selection, err := snapshot.SelectFeatures([]string{onDemand.GetName() + ":*"}, false)
	if err != nil {
		t.Fatalf("SelectOnDemand: %v", err)
	}
	return selection
}

// NewLookup plans a look-up of all features of views.
func NewLookup(t rapid.TB, views ...*feature.View) *lookup.Lookup {
	t.Helper()
	prepared, err := lookup.New(SelectAll(views...))
	if err != nil {
		t.Fatalf("NewLookup: %v", err)
	}
	return prepared
}
