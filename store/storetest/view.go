package storetest

import (
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
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

// NewLookup plans a look-up of all features of views.
func NewLookup(t rapid.TB, views ...*feature.View) *lookup.Lookup {
	t.Helper()
	prepared, err := lookup.New(SelectAll(views...))
	if err != nil {
		t.Fatalf("NewLookup: %v", err)
	}
	return prepared
}
