package project

import (
	"maps"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

// A query reads a source whose name is a word of it, and what that one's query reads; a part of a word is no name.
func TestAPlanReachesWhatReadsAChangedSource(t *testing.T) {
	file := func(name string) *plumbv1.Source {
		return &plumbv1.Source{Name: name, EventTimestamp: "at",
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/" + name}}}
	}
	query := func(name, text string) *plumbv1.Source {
		return &plumbv1.Source{Name: name, EventTimestamp: "at",
			Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: text}}}
	}
	before := &plumbv1.Definitions{Sources: []*plumbv1.Source{file("day"), file("days"),
		query("counted", `SELECT * FROM "Days"`), query("halved", "SELECT * FROM counted")}}
	for _, source := range before.GetSources() {
		before.FeatureViews = append(before.FeatureViews, &plumbv1.FeatureView{Name: "on_" + source.GetName(),
			Source: source.GetName(), Features: []*plumbv1.Feature{{Name: "x", Type: plumbv1.Type_INT64}}})
	}
	resolve := func(state *plumbv1.State) *feature.Snapshot {
		snapshot, err := feature.NewSnapshot("shops", 1, state)
		if err != nil {
			t.Fatal(err)
		}
		return snapshot
	}
	registered := resolve(plan.New(resolve(nil), before).State())
	for at, want := range [][]string{{"on_day"}, {"on_counted", "on_days", "on_halved"}} {
		after := proto.CloneOf(before)
		after.GetSources()[at].GetParquet().Path += "2"
		planned := plan.New(registered, after)
		got := slices.Sorted(maps.Keys(newReach(planned, resolve(planned.State())).views))
		if !slices.Equal(got, want) {
			t.Errorf("%s reaches %q, want %q", after.GetSources()[at].GetName(), got, want)
		}
	}
}
