package plan_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/printable"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
)

// derive fills in the features of a view, as loading definition files does.
func derive(t fataler, d *plumbv1.Definitions, view *plumbv1.FeatureView) {
	t.Helper()
	source := feature.ResolveSources(d.GetSources())[view.GetSource()]
	view.Features = nil
	for _, a := range view.GetAggregations() {
		_, outputs, problems := feature.PlanAggregation(a, feature.FieldsOf(source.Columns))
		if problems != nil {
			t.Fatalf("%v", problems)
		}
		for _, output := range outputs {
			view.Features = append(view.Features, newFeature(output.Name, output.Type))
		}
	}
}

// spend is a view of payments by card.
func spend() *plumbv1.Definitions {
	source := parquet("payments", "data/payments.parquet")
	source.Columns = []*plumbv1.SourceColumn{
		{Name: "eur", Type: plumbv1.Type_FLOAT64, Expression: "amount * rate"},
		{Name: "shop", Type: plumbv1.Type_STRING},
		{Name: "amount", Type: plumbv1.Type_FLOAT64},
		{Name: "rate", Type: plumbv1.Type_FLOAT64},
		{Name: "note", Type: plumbv1.Type_STRING},
		{Name: "status", Type: plumbv1.Type_STRING},
	}
	source.Filter = `status == "settled"`
	return &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{Name: "card", JoinKeys: []*plumbv1.JoinKey{{Name: "card", Type: plumbv1.Type_STRING}}}},
		Sources:  []*plumbv1.Source{source},
		FeatureViews: []*plumbv1.FeatureView{{Name: "spend", Entities: []string{"card"}, Source: "payments",
			Aggregations: []*plumbv1.Aggregation{
				{Of: "eur", Functions: functions("sum", "mean"), Windows: []string{"1h", "30d"}},
				{Functions: functions("rows"), Windows: []string{"lifetime"}},
				{Of: "eur", Functions: functions("max"), Windows: []string{"1d"}, By: "shop", Largest: 3,
					Offset: durationpb.New(time.Hour)},
			}}},
	}
}

func functions(names ...string) []*plumbv1.AggregateFunction {
	var made []*plumbv1.AggregateFunction
	for _, name := range names {
		made = append(made, &plumbv1.AggregateFunction{Name: name})
	}
	return made
}

func planOf(t *testing.T, edit func(*plumbv1.Definitions)) *plan.Plan {
	t.Helper()
	before, after := spend(), spend()
	derive(t, before, before.FeatureViews[0])
	edit(after)
	derive(t, after, after.FeatureViews[0])
	if after.FeatureViews[0].GetAggregations() == nil {
		after.FeatureViews[0].Features = []*plumbv1.Feature{newFeature("amount", plumbv1.Type_FLOAT64)}
	}
	first := plan.New(snapshot(t, 0, nil), before)
	return plan.New(snapshot(t, 1, first.State()), after)
}

func TestEachEditOfAggregations_HasItsHazardsAndDoesToStoredRowsWhatTheySay(t *testing.T) {
	first := func(d *plumbv1.Definitions) *plumbv1.Aggregation { return d.FeatureViews[0].Aggregations[0] }
	tests := map[string]struct {
		edit    func(*plumbv1.Definitions)
		hazards string
		outcome string
	}{
		"nothing": {nothing, "", stays},
		"a description": {func(d *plumbv1.Definitions) {
			d.FeatureViews[0].Description = "x"
		}, "", stays},
		"a lookback": {func(d *plumbv1.Definitions) {
			d.FeatureViews[0].Lookback = durationpb.New(time.Hour)
		}, "", stays},
		"the same window": {func(d *plumbv1.Definitions) {
			first(d).Windows[0] = "60m"
		}, "", stays},
		"a window": {func(d *plumbv1.Definitions) {
			first(d).Windows[0] = "2h"
		}, "spend PB113, spend PB107, spend PB107", setAside},
		"a hop": {func(d *plumbv1.Definitions) {
			first(d).Hop = "1h"
		}, "spend PB113", setAside},
		"an offset": {func(d *plumbv1.Definitions) {
			d.FeatureViews[0].Aggregations[2].Offset = durationpb.New(time.Minute)
		}, "spend PB113, spend PB107, spend PB107", setAside},
		"one more": {func(d *plumbv1.Definitions) {
			first(d).Functions = functions("sum", "mean", "min")
		}, "spend PB113", setAside},
		"one less": {func(d *plumbv1.Definitions) {
			first(d).Functions = functions("sum")
		}, "spend PB113, spend PB107, spend PB107", setAside},
		"their order": {func(d *plumbv1.Definitions) {
			first(d).Functions = functions("mean", "sum")
		}, "spend PB113", setAside},
		"the number of groups": {func(d *plumbv1.Definitions) {
			d.FeatureViews[0].Aggregations[2].Largest = 4
		}, "spend PB113", setAside},
		"an expression": {func(d *plumbv1.Definitions) {
			d.Sources[0].Columns[0].Expression = "amount"
		}, "spend PB113", setAside},
		"a column that an expression reads": {func(d *plumbv1.Definitions) {
			d.Sources[0].Columns[3].Column = "fx"
		}, "spend PB113", setAside},
		"a column that nothing reads": {func(d *plumbv1.Definitions) {
			d.Sources[0].Columns[4].Column = "text"
		}, "", stays},
		"a column spelled out": {func(d *plumbv1.Definitions) {
			d.Sources[0].Columns[2].Column = "amount"
		}, "", stays},
		"a column more": {func(d *plumbv1.Definitions) {
			d.Sources[0].Columns = append(d.Sources[0].Columns, &plumbv1.SourceColumn{Name: "tip", Type: plumbv1.Type_INT64})
		}, "", stays},
		"the filter": {func(d *plumbv1.Definitions) {
			d.Sources[0].Filter = `status != "settled"`
		}, "spend PB113", setAside},
		"the path": {func(d *plumbv1.Definitions) {
			d.Sources[0].GetParquet().Path = "x"
		}, "spend PB102", setAside},
		"a key": {func(d *plumbv1.Definitions) {
			d.Entities[0].JoinKeys[0].Type = plumbv1.Type_INT64
		}, "spend PB103", setAside},
		"features": {func(d *plumbv1.Definitions) {
			d.FeatureViews[0].Aggregations = nil
			d.Sources[0].Columns, d.Sources[0].Filter = nil, ""
		}, "spend PB113" + strings.Repeat(", spend PB107", 7), setAside},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			p := planOf(t, test.edit)
			if got := codes(p); got != test.hazards {
				t.Errorf("hazards %s, want %s", got, test.hazards)
			}
			if got := outcomeOf(t, p, "spend"); got != test.outcome {
				t.Errorf("rows: %s, want %s", got, test.outcome)
			}
		})
	}
}

// TestTheStoredRowOfAggregationsIsOneState holds the layout that builds write and look-ups read.
func TestTheStoredRowOfAggregationsIsOneState(t *testing.T) {
	schemas := layout(t, planOf(t, nothing), "spend").GetSchemas()
	if len(schemas) != 1 || len(schemas[0].GetFields()) != 1 || schemas[0].GetFields()[0].GetName() != "state" ||
		schemas[0].GetFields()[0].GetType() != plumbv1.Type_BYTES {
		t.Errorf("got %v", schemas)
	}
}

func TestThePlanSaysWhatWindowsAre(t *testing.T) {
	definitions := spend()
	derive(t, definitions, definitions.FeatureViews[0])
	p := plan.New(snapshot(t, 0, nil), definitions)
	const byShop = "max of eur by shop, 3 largest of at most 1000, in 1d that end 1h before, hop 1h, at most 1d1h long"
	const want = `+ view spend
    sum_eur_1h FLOAT64: sum of eur in 1h, hop 5m, at most 1h5m long
    sum_eur_30d FLOAT64: sum of eur in 30d, hop 1d, at most 31d long
    mean_eur_1h FLOAT64: mean of eur in 1h, hop 5m, at most 1h5m long
    mean_eur_30d FLOAT64: mean of eur in 30d, hop 1d, at most 31d long
    rows_lifetime INT64: rows in lifetime
    max_eur_by_shop_1d_offset_1h FLOAT64_ARRAY: ` + byShop + `
    max_eur_by_shop_1d_offset_1h_groups STRING_ARRAY: what belongs to the values of ` + byShop + `
`
	if text := written(t, p); !strings.Contains(text, want) {
		t.Errorf("got\n%s", text)
	}
	document, err := json.Marshal(p)
	if err != nil || !bytes.Contains(document, []byte(`"outputs":[{"name":"sum_eur_1h","type":"FLOAT64","computes":"sum `+
		`of eur in 1h, hop 5m, at most 1h5m long","window":"1h","hop":"5m","longest":"1h5m"},`)) {
		t.Errorf("%v\n%s", err, document)
	}
	p = planOf(t, func(d *plumbv1.Definitions) { d.FeatureViews[0].Aggregations[0].Hop = "1h" })
	if text := written(t, p); !strings.Contains(text, "features.sum_eur_1h: FLOAT64, sum of eur in 1h, hop 5m, at "+
		"most 1h5m long -> FLOAT64, sum of eur in 1h, hop 1h, at most 2h long\n") ||
		!strings.Contains(text, "    sum_eur_1h FLOAT64: sum of eur in 1h, hop 1h, at most 2h long\n") {
		t.Errorf("got\n%s", text)
	}
	p = planOf(t, func(d *plumbv1.Definitions) {
		d.Sources[0].Filter, d.Sources[0].Columns[3].Column = "", "fx"
	})
	for _, line := range []string{
		"~ source payments\n    columns.rate: FLOAT64 -> FLOAT64 of column fx\n" +
			"    filter removed, was status == \"settled\"\n",
		"PB113 what is computed of changes in rate: ", "PB113 source payments filters its rows otherwise: ",
	} {
		if text := written(t, p); !strings.Contains(text, line) {
			t.Errorf("%s is not in\n%s", line, text)
		}
	}
}

func written(t *testing.T, p *plan.Plan) string {
	t.Helper()
	var text bytes.Buffer
	if err := p.WriteText(printable.To(&text)); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
