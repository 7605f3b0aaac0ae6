package offline_test

import (
	"testing"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/storetest"
)

// A file to push may be one of the source, so it may have a key by either name, but not by both.
func TestAKeyIsFoundByItsNameAndByThatOfTheSourcesColumn(t *testing.T) {
	definitions := &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{Name: "airport", JoinKeys: []*plumbv1.JoinKey{
			{Name: "airport", Type: plumbv1.Type_STRING, Column: "iata"}}}},
		Sources: []*plumbv1.Source{{Name: "weather", EventTimestamp: "at",
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "weather.parquet"}}}},
		FeatureViews: []*plumbv1.FeatureView{{Name: "weather", Entities: []string{"airport"}, Source: "weather",
			Features: []*plumbv1.Feature{{Name: "temp", Type: plumbv1.Type_FLOAT64}}}},
	}
	snapshot, err := feature.NewSnapshot("test", 1, storetest.StateOf(definitions))
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("weather")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"airport", "iata"} {
		found, err := offline.FindColumns(view, []string{"temp", name, "at"})
		if err != nil || found.Keys[0] != 1 {
			t.Errorf("%s: got %v, %v", name, found, err)
		}
	}
	if _, err := offline.FindColumns(view, []string{"temp", "airport", "iata", "at"}); err == nil {
		t.Error("a file with both names is taken")
	}
}
