package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

// What a test expects of the view's layout in revision 2, if revision 1 added it.
const (
	stays        = "generation 1, rebuild 1, schemas [1]"
	newSchema    = "generation 1, rebuild 1, schemas [1 2]"
	writtenAgain = "generation 1, rebuild 2, schemas [1]"
	bothNew      = "generation 1, rebuild 2, schemas [1 2]"
	setAside     = "generation 2, rebuild 2, schemas [2]"
)

func outcomeOf(t *testing.T, p *plan.Plan, view string) string {
	t.Helper()
	v := layout(t, p, view)
	var ids []uint32
	for _, schema := range v.GetSchemas() {
		ids = append(ids, schema.GetId())
	}
	return fmt.Sprintf("generation %d, rebuild %d, schemas %d", v.GetGeneration(), v.GetRebuild(), ids)
}

// codes lists the hazards as "weather PB101".
func codes(p *plan.Plan) string {
	var found []string
	for _, change := range p.Changes {
		for _, hazard := range change.Hazards() {
			found = append(found, change.Describe().Name+" "+hazard.Code)
		}
	}
	return strings.Join(found, ", ")
}

func ttl(d time.Duration) func(*plumbv1.Definitions) {
	return func(defs *plumbv1.Definitions) {
		weather(defs).Ttl = nil
		if d != 0 {
			weather(defs).Ttl = durationpb.New(d)
		}
	}
}

func TestEachEditOfAView_HasItsHazardsAndDoesToStoredRowsWhatTheySay(t *testing.T) {
	tests := map[string]struct {
		edit    func(*plumbv1.Definitions)
		view    string
		hazards string
		outcome string
	}{
		"a feature's type changes": {
			func(d *plumbv1.Definitions) { weather(d).Features[1].Type = plumbv1.Type_FLOAT32 },
			"weather", "weather PB101, delay_model PB109", setAside},
		"a feature is read from another column": {
			func(d *plumbv1.Definitions) { weather(d).Features[1].Column = "wind_gust" },
			"weather", "weather PB102", setAside},
		"a feature spells out the column that it has": {
			func(d *plumbv1.Definitions) { weather(d).Features[1].Column = "gust" },
			"weather", "", stays},
		"a feature is added": {
			func(d *plumbv1.Definitions) {
				weather(d).Features = append(weather(d).Features, newFeature("visib", plumbv1.Type_FLOAT64))
			},
			"weather", "weather PB110, delay_model PB109", bothNew},
		"a feature is added over SQL, where features break ties": {
			func(d *plumbv1.Definitions) {
				carrierDay(d).Features = append(carrierDay(d).Features, newFeature("late", plumbv1.Type_INT64))
			},
			"carrier_day", "carrier_day PB110, carrier_day PB102", setAside},
		"a feature is added to a view that is not online": {
			func(d *plumbv1.Definitions) {
				plane(d).Features = append(plane(d).Features, newFeature("engines", plumbv1.Type_INT32))
			},
			"plane", "", bothNew},
		"a feature goes": {
			func(d *plumbv1.Definitions) { weather(d).Features = weather(d).Features[:1] },
			"weather", "weather PB107, delay_model PB109", newSchema},
		"a feature goes over SQL": {
			func(d *plumbv1.Definitions) { carrierDay(d).Features = carrierDay(d).Features[:1] },
			"carrier_day", "carrier_day PB107, carrier_day PB102", setAside},
		"features are reordered": {
			func(d *plumbv1.Definitions) { f := weather(d).Features; f[0], f[1] = f[1], f[0] },
			"weather", "delay_model PB109", newSchema},
		"features are reordered over SQL": {
			func(d *plumbv1.Definitions) { f := carrierDay(d).Features; f[0], f[1] = f[1], f[0] },
			"carrier_day", "carrier_day PB102", setAside},
		"ttl is shortened":                   {ttl(2 * time.Hour), "weather", "weather PB104", stays},
		"ttl is shortened by a microsecond":  {ttl(3*time.Hour - time.Microsecond), "weather", "weather PB104", stays},
		"ttl is lengthened by a microsecond": {ttl(3*time.Hour + time.Microsecond), "weather", "weather PB105", writtenAgain},
		"ttl is lifted":                      {ttl(0), "weather", "weather PB105", writtenAgain},
		"ttl stays, written in other units":  {ttl(180 * time.Minute), "weather", "", stays},
		"ttl is set where there was none": {
			func(d *plumbv1.Definitions) { carrierDay(d).Ttl = durationpb.New(time.Hour) },
			"carrier_day", "carrier_day PB104", stays},
		"a view goes offline": {
			func(d *plumbv1.Definitions) { weather(d).Online = new(false) },
			"weather", "weather PB108", stays},
		"a view goes online": {
			func(d *plumbv1.Definitions) { plane(d).Online = nil },
			"plane", "", stays},
		"a view says that it is online, as it is": {
			func(d *plumbv1.Definitions) { weather(d).Online = new(true) },
			"weather", "", stays},
		"a join key's type changes": {
			func(d *plumbv1.Definitions) { d.Entities[0].JoinKeys[0].Type = plumbv1.Type_BYTES },
			"weather", "weather PB103, delay_model PB109", setAside},
		"a join key is read from another column": {
			func(d *plumbv1.Definitions) { d.Entities[0].JoinKeys[0].Column = "iata" },
			"weather", "weather PB102", setAside},
		"a join key says which column it is read from, as it is": {
			func(d *plumbv1.Definitions) { d.Entities[0].JoinKeys[0].Column = d.Entities[0].JoinKeys[0].GetName() },
			"weather", "", stays},
		"a join key is added": {
			func(d *plumbv1.Definitions) {
				d.Entities[1].JoinKeys = append(d.Entities[1].JoinKeys, &plumbv1.JoinKey{Name: "day", Type: plumbv1.Type_INT32})
			},
			"carrier_day", "carrier_day PB103, delay_model PB109", setAside},
		"a view gets another entity": {
			func(d *plumbv1.Definitions) { plane(d).Entities = []string{"airport"} },
			"plane", "plane PB103", setAside},
		"a view gets another source": {
			func(d *plumbv1.Definitions) { weather(d).Source = "flights" },
			"weather", "weather PB102", setAside},
		"its source's path changes": {
			func(d *plumbv1.Definitions) { d.Sources[0].GetParquet().Path = "data/other.parquet" },
			"weather", "weather PB102", setAside},
		"its source's event column changes": {
			func(d *plumbv1.Definitions) { d.Sources[0].EventTimestamp = "observed_at" },
			"weather", "weather PB102", setAside},
		"its source gets a created column": {
			func(d *plumbv1.Definitions) { d.Sources[0].CreatedTimestamp = "ingested_at" },
			"weather", "weather PB102", setAside},
		"its source becomes a query": {
			func(d *plumbv1.Definitions) { d.Sources[0] = query("weather_hourly", "SELECT * FROM flights") },
			"weather", "weather PB102", setAside},
		"its query changes": {
			func(d *plumbv1.Definitions) { d.Sources[3].GetSql().Query += " ORDER BY at" },
			"carrier_day", "carrier_day PB102", setAside},
		"a query that its query reads changes": {
			func(d *plumbv1.Definitions) { d.Sources[2].GetSql().Query += " AND delay < 600" },
			"carrier_day", "carrier_day PB102", setAside},
		"a file that its query reads through another changes": {
			func(d *plumbv1.Definitions) { d.Sources[1].GetParquet().Path = "data/2014.parquet" },
			"carrier_day", "carrier_day PB102", setAside},
		"a source that it does not read changes": {
			func(d *plumbv1.Definitions) { d.Sources[4].GetParquet().Path = "data/2014.parquet" },
			"carrier_day", "plane PB102", stays},
		"a new source has the name of a column in its query": {
			func(d *plumbv1.Definitions) { d.Sources = append(d.Sources, parquet("mean", "data/mean.parquet")) },
			"carrier_day", "", stays},
		"its source's description changes": {
			func(d *plumbv1.Definitions) { d.Sources[0].Description = "hourly" },
			"weather", "", stays},
		"descriptions and tags change": {
			func(d *plumbv1.Definitions) {
				weather(d).Description, weather(d).Tags = "the weather", map[string]string{"owner": ""}
				weather(d).Features[0].Description = "degrees"
				weather(d).Features[0].Tags = map[string]string{"unit": "F"}
			},
			"weather", "", stays},
		"a feature and a join key become sensitive": {
			func(d *plumbv1.Definitions) {
				weather(d).Features[0].Sensitive, d.Entities[0].JoinKeys[0].Sensitive = true, true
			},
			"weather", "", stays},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := history(t, test.edit)
			if got := codes(p); got != test.hazards {
				t.Errorf("hazards are %q, not %q", got, test.hazards)
			}
			if got := outcomeOf(t, p, test.view); got != test.outcome {
				t.Errorf("%s has %s, not %s", test.view, got, test.outcome)
			}
			for _, other := range p.State().GetViews() {
				if !strings.Contains(test.hazards, other.GetName()) && other.GetName() != test.view &&
					outcomeOf(t, p, other.GetName()) != stays {
					t.Errorf("%s was touched: %s", other.GetName(), outcomeOf(t, p, other.GetName()))
				}
			}
		})
	}
}

func TestWhatIsRemoved_IsAHazardToThoseWhoAskForIt(t *testing.T) {
	p := history(t, func(d *plumbv1.Definitions) {
		d.FeatureServices, d.FeatureViews = nil, d.FeatureViews[1:]
	})
	if got := codes(p); got != "delay_model PB109, weather PB106" {
		t.Errorf("hazards are %q", got)
	}
}

func TestWhatIsNew_HasNoHazards(t *testing.T) {
	if got := codes(history(t)); got != "" {
		t.Errorf("hazards are %q", got)
	}
}

func TestAViewThatComesBack_StartsAnew(t *testing.T) {
	without := func(d *plumbv1.Definitions) { d.FeatureServices, d.FeatureViews = nil, d.FeatureViews[1:] }
	back := func(d *plumbv1.Definitions) { d.FeatureViews = append(flights().FeatureViews[:1], d.FeatureViews...) }
	if got := outcomeOf(t, history(t, without, back), "weather"); got != "generation 3, rebuild 3, schemas [3]" {
		t.Errorf("weather has %s", got)
	}
}

func TestAFeatureThatComesBack_DoesNotShowAFormerColumnsValue(t *testing.T) {
	without := func(d *plumbv1.Definitions) { weather(d).Features = weather(d).Features[:1] }
	back := func(d *plumbv1.Definitions) {
		weather(d).Features = append(weather(d).Features,
			&plumbv1.Feature{Name: "gust", Type: plumbv1.Type_FLOAT64, Column: "another"})
	}
	p := history(t, without, back)
	if got := outcomeOf(t, p, "weather"); got != "generation 3, rebuild 3, schemas [3]" {
		t.Errorf("weather has %s", got)
	}
	if got := codes(p); got != "weather PB102, delay_model PB109" {
		t.Errorf("hazards are %q", got)
	}
}

func TestSchemasOfAGeneration_AreKeptUntilItEnds(t *testing.T) {
	add := func(name string) func(*plumbv1.Definitions) {
		return func(d *plumbv1.Definitions) {
			weather(d).Features = append(weather(d).Features, newFeature(name, plumbv1.Type_BOOL))
		}
	}
	last := func(d *plumbv1.Definitions) { weather(d).Features = weather(d).Features[2:] }
	p := history(t, add("a"), add("b"), ttl(time.Hour), last)
	if got := outcomeOf(t, p, "weather"); got != "generation 1, rebuild 3, schemas [1 2 3 5]" {
		t.Errorf("weather has %s", got)
	}
	fields := layout(t, p, "weather").GetSchemas()[3].GetFields()
	if len(fields) != 2 || fields[0].GetName() != "a" || fields[1].GetType() != plumbv1.Type_BOOL {
		t.Errorf("the last schema has %v", fields)
	}
	p = history(t, add("a"), add("b"), ttl(time.Hour), last, func(d *plumbv1.Definitions) {
		weather(d).Features[0].Type = plumbv1.Type_INT32
	})
	if got := outcomeOf(t, p, "weather"); got != "generation 6, rebuild 6, schemas [6]" {
		t.Errorf("weather has %s", got)
	}
}

func TestQueriesThatNameOneAnother_AreComparedAllTheSame(t *testing.T) {
	circle := func(d *plumbv1.Definitions) {
		d.Sources[2].GetSql().Query = "SELECT * FROM flights -- for carrier_days"
	}
	p := history(t, circle, func(d *plumbv1.Definitions) { d.Sources[1].GetParquet().Path = "data/2014.parquet" })
	if got := outcomeOf(t, p, "carrier_day"); got != "generation 3, rebuild 3, schemas [3]" {
		t.Errorf("carrier_day has %s", got)
	}
}

// A log only adds rows to what a view reads; one that goes takes them away from training, and not from what is served.
func TestAPushLogThatGoesOrMovesIsAHazardAndOneThatComesIsNone(t *testing.T) {
	logged := func(path string) func(*plumbv1.Definitions) {
		return func(defs *plumbv1.Definitions) {
			weather(defs).PushLog = nil
			if path != "" {
				weather(defs).PushLog = &plumbv1.PushLog{Path: path}
			}
		}
	}
	for name, c := range map[string]struct{ from, to, hazards string }{
		"comes": {"", "pushed", ""},
		"goes":  {"pushed", "", "weather PB111"},
		"moves": {"pushed", "elsewhere", "weather PB111"},
	} {
		t.Run(name, func(t *testing.T) {
			p := history(t, logged(c.from), logged(c.to))
			outcome := outcomeOf(t, p, "weather")
			if len(p.Changes) != 1 || codes(p) != c.hazards || outcome != stays {
				t.Errorf("changes %v with hazards %q, and the view has %s", p.Changes, codes(p), outcome)
			}
		})
	}
}
