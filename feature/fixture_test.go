package feature_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func newFeature(name string, t plumbv1.Type) *plumbv1.Feature {
	return &plumbv1.Feature{Name: name, Type: t}
}

// state has a view with one key (weather), one with two entities and three keys (route), one without keys (calendar),
// and a service for each test that wants one.
func state(services ...*plumbv1.FeatureService) *plumbv1.State {
	definitions := &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "airport", JoinKeys: []*plumbv1.JoinKey{{Name: "airport", Type: plumbv1.Type_STRING}}},
			{Name: "flight", JoinKeys: []*plumbv1.JoinKey{
				{Name: "carrier", Type: plumbv1.Type_STRING}, {Name: "number", Type: plumbv1.Type_INT32},
			}},
		},
		Sources: []*plumbv1.Source{
			{Name: "hourly", EventTimestamp: "at", CreatedTimestamp: "known_at",
				Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/hourly.parquet"}}},
			{Name: "days", EventTimestamp: "day",
				Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: "SELECT day FROM hourly"}}},
		},
		FeatureViews: []*plumbv1.FeatureView{
			{Name: "weather", Entities: []string{"airport"}, Source: "hourly", Ttl: durationpb.New(3 * time.Hour),
				Features: []*plumbv1.Feature{
					newFeature("temp", plumbv1.Type_FLOAT64),
					{Name: "gust", Type: plumbv1.Type_FLOAT32, Column: "wind_gust"},
				}},
			{Name: "route", Entities: []string{"flight", "airport"}, Source: "hourly", Online: new(false),
				Features: []*plumbv1.Feature{newFeature("miles", plumbv1.Type_INT64), newFeature("temp", plumbv1.Type_FLOAT64)}},
			{Name: "calendar", Source: "days", Online: new(true),
				Features: []*plumbv1.Feature{newFeature("holiday", plumbv1.Type_BOOL)}},
		},
		FeatureServices: services,
	}
	s := &plumbv1.State{Definitions: definitions}
	for _, view := range definitions.GetFeatureViews() {
		registered := &plumbv1.RegisteredView{Name: view.GetName(), Generation: 2, Rebuild: 3,
			Schemas: []*plumbv1.ViewSchema{{Id: 2}, {Id: 3}}}
		for _, f := range view.GetFeatures() {
			registered.Schemas[1].Fields = append(registered.Schemas[1].Fields,
				&plumbv1.SchemaField{Name: f.GetName(), Type: f.GetType()})
		}
		s.Views = append(s.Views, registered)
	}
	return s
}

func service(name string, references ...*plumbv1.ViewReference) *plumbv1.FeatureService {
	return &plumbv1.FeatureService{Name: name, Features: references}
}

func snapshot(t *testing.T, services ...*plumbv1.FeatureService) *feature.Snapshot {
	t.Helper()
	s, err := feature.NewSnapshot("flights", 3, state(services...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}
