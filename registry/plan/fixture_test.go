package plan_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

func newFeature(name string, t plumbv1.Type) *plumbv1.Feature {
	return &plumbv1.Feature{Name: name, Type: t}
}

func parquet(name, path string) *plumbv1.Source {
	return &plumbv1.Source{Name: name, EventTimestamp: "at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: path}}}
}

func query(name, text string) *plumbv1.Source {
	return &plumbv1.Source{Name: name, EventTimestamp: "at",
		Kind: &plumbv1.Source_Sql{Sql: &plumbv1.SqlSource{Query: text}}}
}

// flights has a view over Parquet (weather), one over SQL (carrier_day) which reads flights through delays, and one
// that is not online (plane).
func flights() *plumbv1.Definitions {
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{
			{Name: "airport", JoinKeys: []*plumbv1.JoinKey{{Name: "airport", Type: plumbv1.Type_STRING}}},
			{Name: "carrier", JoinKeys: []*plumbv1.JoinKey{{Name: "carrier", Type: plumbv1.Type_STRING}}},
		},
		Sources: []*plumbv1.Source{
			parquet("weather_hourly", "data/weather.parquet"),
			parquet("flights", "data/flights.parquet"),
			query("delays", "SELECT * FROM Flights WHERE delay > 0"),
			query("carrier_days", `SELECT carrier, at, avg(delay) AS mean FROM "delays" GROUP BY ALL`),
			parquet("planes", "data/planes.parquet"),
		},
		FeatureViews: []*plumbv1.FeatureView{
			{Name: "weather", Entities: []string{"airport"}, Source: "weather_hourly", Ttl: durationpb.New(3 * time.Hour),
				Features: []*plumbv1.Feature{newFeature("temp", plumbv1.Type_FLOAT64), newFeature("gust", plumbv1.Type_FLOAT64)}},
			{Name: "carrier_day", Entities: []string{"carrier"}, Source: "carrier_days",
				Features: []*plumbv1.Feature{newFeature("mean", plumbv1.Type_FLOAT64), newFeature("flown", plumbv1.Type_INT64)}},
			{Name: "plane", Source: "planes", Online: new(false),
				Features: []*plumbv1.Feature{newFeature("seats", plumbv1.Type_INT32)}},
		},
		FeatureServices: []*plumbv1.FeatureService{
			{Name: "delay_model", FullNames: true, Features: []*plumbv1.ViewReference{
				{View: "weather", As: "origin_weather", JoinKeys: map[string]string{"airport": "origin"}},
				{View: "carrier_day", Features: []string{"mean"}},
			}},
		},
	}
}

// The parts of flights that tests alter.
func weather(d *plumbv1.Definitions) *plumbv1.FeatureView    { return d.FeatureViews[0] }
func carrierDay(d *plumbv1.Definitions) *plumbv1.FeatureView { return d.FeatureViews[1] }
func plane(d *plumbv1.Definitions) *plumbv1.FeatureView      { return d.FeatureViews[2] }
func model(d *plumbv1.Definitions) *plumbv1.FeatureService   { return d.FeatureServices[0] }

// snapshot resolves a state, which must be one that a registry would keep.
func snapshot(t fataler, revision int64, state *plumbv1.State) *feature.Snapshot {
	t.Helper()
	s, err := feature.NewSnapshot("nycflights", revision, state)
	if err != nil {
		t.Fatalf("revision %d does not resolve: %v", revision, err)
	}
	return s
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// history applies edits one after the other, each to what the former left, and returns the last plan.
func history(t fataler, edits ...func(*plumbv1.Definitions)) *plan.Plan {
	t.Helper()
	current, definitions := snapshot(t, 0, nil), flights()
	p := plan.New(current, definitions)
	for _, edit := range edits {
		current = snapshot(t, p.Base+1, p.State())
		definitions = proto.CloneOf(definitions)
		edit(definitions)
		p = plan.New(current, definitions)
	}
	return p
}

// layout returns a view's entry in the plan's next state.
func layout(t *testing.T, p *plan.Plan, view string) *plumbv1.RegisteredView {
	t.Helper()
	for _, v := range p.State().GetViews() {
		if v.GetName() == view {
			return v
		}
	}
	t.Fatalf("the next state has no view %s", view)
	return nil
}

func nothing(*plumbv1.Definitions) {}
