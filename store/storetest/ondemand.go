package storetest

import (
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

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
