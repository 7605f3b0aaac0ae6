package feature_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

var paymentFields = []feature.Field{
	{Name: "eur", Type: plumbv1.Type_FLOAT64}, {Name: "shop_", Type: plumbv1.Type_STRING},
	{Name: "items", Type: plumbv1.Type_INT32}, {Name: "tags", Type: plumbv1.Type_STRING_ARRAY},
}

func function(name string) *plumbv1.AggregateFunction { return &plumbv1.AggregateFunction{Name: name} }

// planned lists the features of an aggregation with what each is, or its problems.
func planned(a *plumbv1.Aggregation) string {
	aggregates, outputs, problems := feature.PlanAggregation(a, paymentFields)
	var text strings.Builder
	for _, output := range outputs {
		fmt.Fprintf(&text, "%s %s %d %s\n", output.Name, output.Type, output.Result,
			feature.Describe(aggregates[output.Aggregate], paymentFields))
	}
	for _, problem := range problems {
		fmt.Fprintf(&text, "%s: %s\n", strings.Join(problem.Path, "."), problem.Message)
	}
	return text.String()
}

func TestFeaturesOfAggregations(t *testing.T) {
	for want, a := range map[string]*plumbv1.Aggregation{
		`sum_eur_1h FLOAT64 0 sum of eur in 1h, hop 5m, at most 1h5m long
sum_eur_lifetime FLOAT64 0 sum of eur in lifetime
count_eur_1h INT64 0 count of eur in 1h, hop 5m, at most 1h5m long
count_eur_lifetime INT64 0 count of eur in lifetime
`: {Of: "eur", Functions: []*plumbv1.AggregateFunction{function("sum"), function("count")},
			Windows: []string{"1h", "lifetime"}},
		"sum_items_1h_offset_1d12h INT64 0 sum of items in 1h that end 1d12h before, hop exact\n": {Of: "items",
			Functions: []*plumbv1.AggregateFunction{function("sum")}, Windows: []string{"1h"}, Hop: "exact",
			Offset: durationpb.New(36 * time.Hour)},
		"last_5_shop_30d STRING_ARRAY 0 last_n 5 of shop_ in 30d, hop 15d, at most 45d long\n": {Of: "shop_", Hop: "15d",
			Functions: []*plumbv1.AggregateFunction{{Name: "last_n", N: 5}}, Windows: []string{"30d"}},
		`p0_eur_1d FLOAT64 0 percentile 0 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
p7_eur_1d FLOAT64 0 percentile 0.07 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
p50_eur_1d FLOAT64 0 percentile 0.5 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
p99_9_eur_1d FLOAT64 0 percentile 0.999 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
p0_01_eur_1d FLOAT64 0 percentile 0.0001 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
p100_eur_1d FLOAT64 0 percentile 1 (error 0.01) of eur in 1d, hop 1h, at most 1d1h long
`: {Of: "eur", Functions: []*plumbv1.AggregateFunction{{Name: "percentile",
			Quantiles: []float64{0, 0.07, 0.5, 0.999, 0.0001, 1}}}, Windows: []string{"1d"}},
		`top_3_shop_1d STRING_ARRAY 0 top_k 3 (max_values 500) of shop_ in 1d, hop 1h, at most 1d1h long
top_3_shop_1d_counts INT64_ARRAY 1 top_k 3 (max_values 500) of shop_ in 1d, hop 1h, at most 1d1h long
`: {Of: "shop_", Functions: []*plumbv1.AggregateFunction{{Name: "top_k", N: 3, MaxValues: 500}},
			Windows: []string{"1d"}},
		`rows_by_shop_1d INT64_ARRAY 0 rows by shop_, 2 largest of at most 1000, in 1d, hop 1h, at most 1d1h long
rows_by_shop_1d_groups STRING_ARRAY 1 rows by shop_, 2 largest of at most 1000, in 1d, hop 1h, at most 1d1h long
`: {Functions: []*plumbv1.AggregateFunction{function("rows")}, Windows: []string{"1d"}, By: "shop_", Largest: 2},
		"total FLOAT64 0 sum of eur in 1d, hop 1h, at most 1d1h long\n": {Of: "eur", As: "total",
			Functions: []*plumbv1.AggregateFunction{function("sum")}, Windows: []string{"24h"}},
		"count_tags_1d INT64 0 count of tags in 1d, hop 1h, at most 1d1h long\n": {Of: "tags",
			Functions: []*plumbv1.AggregateFunction{function("count")}, Windows: []string{"1d"}},
		"of: no column is named \"euros\"\nfunctions.1: there is no function \"summ\"; did you mean \"sum\"?\n": {Of: "euros",
			Functions: []*plumbv1.AggregateFunction{function("sum"), function("summ")}, Windows: []string{"1d"}},
		"functions.0: sum takes no number of values\n": {Of: "eur",
			Functions: []*plumbv1.AggregateFunction{{Name: "sum", N: 5}}, Windows: []string{"1d"}},
		"functions.0.error: max has no quantiles and no error, which percentile has; take them out\n": {Of: "eur",
			Functions: []*plumbv1.AggregateFunction{{Name: "max", Quantiles: []float64{0.5}}}, Windows: []string{"1d"}},
	} {
		if diff := cmp.Diff(want, planned(a)); diff != "" {
			t.Error(diff)
		}
	}
}

// TestR18_DefaultHops: the greatest of 1m, 5m, 1h and 1d that divides the window and is at most a twelfth of it, else
// 1m.
func TestR18_DefaultHops(t *testing.T) {
	for window, want := range map[time.Duration]time.Duration{
		30 * time.Second: time.Minute, time.Minute: time.Minute, 12 * time.Minute: time.Minute, 59 * time.Minute: time.Minute,
		time.Hour: 5 * time.Minute, 61 * time.Minute: time.Minute, 11 * time.Hour: 5 * time.Minute, 12 * time.Hour: time.Hour,
		24 * time.Hour: time.Hour, 11 * 24 * time.Hour: time.Hour, 12 * 24 * time.Hour: 24 * time.Hour,
		12*24*time.Hour + time.Hour: time.Hour, 30 * 24 * time.Hour: 24 * time.Hour,
	} {
		if got := feature.DefaultHop(window); got != want {
			t.Errorf("a window of %s has hop %s, want %s", window, got, want)
		}
	}
}

// payments has a view of the kind Windows, whose source has columns that nothing reads.
func payments() *plumbv1.State {
	s := state()
	source := &plumbv1.Source{
		Name: "payments", EventTimestamp: "paid_at",
		Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/payments.parquet"}},
		Columns: []*plumbv1.SourceColumn{
			{Name: "unread", Type: plumbv1.Type_FLOAT64},
			{Name: "idle", Type: plumbv1.Type_FLOAT64, Expression: "unread * 2.0"},
			{Name: "eur", Type: plumbv1.Type_FLOAT64, Expression: "gross * rate"},
			{Name: "gross", Type: plumbv1.Type_FLOAT64, Expression: "amount + tax"},
			{Name: "tax", Type: plumbv1.Type_FLOAT64},
			{Name: "shop", Type: plumbv1.Type_STRING, Column: "merchant"},
			{Name: "status", Type: plumbv1.Type_STRING},
			{Name: "rate", Type: plumbv1.Type_FLOAT64},
			{Name: "amount", Type: plumbv1.Type_FLOAT64},
		},
		Filter: `status == "settled"`,
	}
	view := &plumbv1.FeatureView{
		Name: "spend", Entities: []string{"airport"}, Source: "payments",
		Features: []*plumbv1.Feature{newFeature("sum_eur_1h", plumbv1.Type_FLOAT64),
			newFeature("count_amount_1d", plumbv1.Type_INT64), newFeature("distinct_shop_1h", plumbv1.Type_INT64)},
		Aggregations: []*plumbv1.Aggregation{
			{Of: "eur", Functions: []*plumbv1.AggregateFunction{function("sum")}, Windows: []string{"1h"}},
			{Of: "amount", Functions: []*plumbv1.AggregateFunction{function("count")}, Windows: []string{"1d"}},
			{Of: "shop", Functions: []*plumbv1.AggregateFunction{function("distinct")}, Windows: []string{"1h"}},
		},
	}
	s.Definitions.Sources = append(s.Definitions.Sources, source)
	s.Definitions.FeatureViews = append(s.Definitions.FeatureViews, view)
	s.Views = append(s.Views, &plumbv1.RegisteredView{Name: "spend", Generation: 3, Rebuild: 3,
		Schemas: []*plumbv1.ViewSchema{{Id: 3, Fields: []*plumbv1.SchemaField{{Name: "state", Type: plumbv1.Type_BYTES}}}}})
	return s
}

func spendView(t *testing.T, s *plumbv1.State) *feature.View {
	t.Helper()
	snapshot, err := feature.NewSnapshot("shop", 3, s)
	if err != nil {
		t.Fatal(err)
	}
	view, err := snapshot.View("spend")
	if err != nil {
		t.Fatal(err)
	}
	return view
}

// TestEventsAreReadAndComputedAsFarAsTheyAreNeeded: neither unread nor idle is, and each column once.
func TestEventsAreReadAndComputedAsFarAsTheyAreNeeded(t *testing.T) {
	view := spendView(t, payments())
	a := view.Aggregated
	if view.Kind != feature.Windows || a.Events.Name != "spend" || len(a.Events.Keys) != 1 {
		t.Errorf("the view is %+v, of %+v", view, a.Events)
	}
	var read, inputs []string
	for _, f := range a.Events.Features {
		read = append(read, f.Name+" "+f.Column)
	}
	if got := strings.Join(read, ", "); got != "tax tax, shop merchant, status status, rate rate, amount amount" {
		t.Errorf("read are %s", got)
	}
	var columns []string
	for _, column := range a.Columns {
		from := "the program"
		if !column.Computed {
			from = a.Events.Features[column.At].Column
		}
		columns = append(columns, fmt.Sprintf("%s %s of %s %d", column.Name, column.Type, from, column.At))
	}
	if got := strings.Join(columns, ", "); got != "eur FLOAT64 of the program 0, amount FLOAT64 of amount 4, "+
		"shop STRING of merchant 1, filter__ BOOL of the program 1" {
		t.Errorf("columns are %s", got)
	}
	if a.Filter != 3 || a.Aggregates[2].Spec.Column != 2 || a.Aggregates[2].Spec.By != aggregate.None {
		t.Errorf("the filter is %d, and aggregates are %+v", a.Filter, a.Aggregates)
	}
	for i, input := range a.Inputs {
		if input.Input != a.Program.Inputs()[i] {
			t.Errorf("input %d is %d, want %d", i, input.Input, a.Program.Inputs()[i])
		}
		inputs = append(inputs, a.Events.Features[input.Feature].Name)
	}
	if got := strings.Join(inputs, ", "); got != "tax, status, rate, amount" {
		t.Errorf("the program reads %s", got)
	}
}

func TestEventsWithoutAnythingComputedHaveNoProgram(t *testing.T) {
	s := payments()
	source := s.Definitions.Sources[2]
	source.Columns, source.Filter = []*plumbv1.SourceColumn{{Name: "eur", Type: plumbv1.Type_FLOAT64},
		{Name: "amount", Type: plumbv1.Type_FLOAT64}, {Name: "shop", Type: plumbv1.Type_STRING}}, ""
	a := spendView(t, s).Aggregated
	if a.Program != nil || a.Inputs != nil || a.Filter != aggregate.None || len(a.Columns) != 3 || a.Columns[1].Computed {
		t.Errorf("got %+v", a)
	}
	s.Definitions.FeatureViews[3].Aggregations[2] = &plumbv1.Aggregation{
		Functions: []*plumbv1.AggregateFunction{function("rows")}, Windows: []string{"1h"}}
	if a = spendView(t, s).Aggregated; len(a.Columns) != 2 || a.Aggregates[2].Spec.Column != aggregate.None {
		t.Errorf("rows reads a column: %+v", a)
	}
	if want := (windows.Span{Length: 3_600_000_000, Hop: 300_000_000}); a.Aggregates[2].Span != want {
		t.Errorf("the window is %+v", a.Aggregates[2].Span)
	}
}

func TestAStateThatANewerVersionWroteIsRefused(t *testing.T) {
	for want, edit := range map[string]func(*plumbv1.State){
		`there is no function "mode"`: func(s *plumbv1.State) {
			s.Definitions.FeatureViews[3].Aggregations[0].Functions[0].Name = "mode"
		},
		"it has 2 features, and its aggregations make 3": func(s *plumbv1.State) {
			s.Definitions.FeatureViews[3].Features = s.Definitions.FeatureViews[3].Features[:2]
		},
		"unknown function": func(s *plumbv1.State) { s.Definitions.Sources[2].Filter = "newer(status)" },
	} {
		s := payments()
		edit(s)
		_, err := feature.NewSnapshot("shop", 3, s)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "upgrade this one") {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// The hash can be had with sha256sum from the lines that the documentation of DefinitionHash gives.
func TestTheHashOfAViewWithAggregationsIsPinned(t *testing.T) {
	const want = "aeffb44280510ab84b3c24d02e199fdff1ad729ab537b115c92a8a758f649897"
	if got := hash(t, payments(), "spend"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTheHashOfAViewWithAggregationsChangesWithWhatDecidesItsValues(t *testing.T) {
	source := func(s *plumbv1.State) *plumbv1.Source { return s.Definitions.Sources[2] }
	first := func(s *plumbv1.State) *plumbv1.Aggregation { return s.Definitions.FeatureViews[3].Aggregations[0] }
	for name, c := range map[string]struct {
		edit    func(*plumbv1.State)
		changes bool
	}{
		"a column that is not read":    {func(s *plumbv1.State) { source(s).Columns[0].Column = "x" }, false},
		"a column that is spelled out": {func(s *plumbv1.State) { source(s).Columns[8].Column = "amount" }, false},
		"the order of columns": {func(s *plumbv1.State) {
			columns := source(s).Columns
			columns[7], columns[8] = columns[8], columns[7]
		}, false},
		"the order of aggregations": {func(s *plumbv1.State) {
			view := s.Definitions.FeatureViews[3]
			view.Aggregations[0], view.Aggregations[2] = view.Aggregations[2], view.Aggregations[0]
			view.Features[0], view.Features[2] = view.Features[2], view.Features[0]
		}, false},
		"a window in other words":   {func(s *plumbv1.State) { first(s).Windows[0] = "60m" }, false},
		"a hop that is spelled out": {func(s *plumbv1.State) { first(s).Hop = "5m" }, false},
		"a lookback": {func(s *plumbv1.State) {
			s.Definitions.FeatureViews[3].Lookback = durationpb.New(1e9)
		}, false},
		"a hop":                        {func(s *plumbv1.State) { first(s).Hop = "1m" }, true},
		"an offset":                    {func(s *plumbv1.State) { first(s).Offset = durationpb.New(time.Hour) }, true},
		"the filter":                   {func(s *plumbv1.State) { source(s).Filter = "" }, true},
		"a column that is read":        {func(s *plumbv1.State) { source(s).Columns[8].Column = "x" }, true},
		"one that an expression reads": {func(s *plumbv1.State) { source(s).Columns[4].Column = "vat" }, true},
		"an expression behind another": {func(s *plumbv1.State) { source(s).Columns[3].Expression = "amount - tax" }, true},
		"the function":                 {func(s *plumbv1.State) { first(s).Functions[0].Name = "mean" }, true},
		"a column of the same type":    {func(s *plumbv1.State) { first(s).Of = "gross" }, true},
		"the name": {func(s *plumbv1.State) {
			s.Definitions.FeatureViews[3].Features[0].Name = "total"
		}, true},
		"the path": {func(s *plumbv1.State) { source(s).GetParquet().Path = "x" }, true},
	} {
		s := payments()
		c.edit(s)
		if changed := hash(t, s, "spend") != hash(t, payments(), "spend"); changed != c.changes {
			t.Errorf("%s: the hash changes: %t, want %t", name, changed, c.changes)
		}
	}
}
