package lineage_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/lineage"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// spending has windows over a column, over a computed one, over groups and over rows alone, of a source with a filter,
// and an on-demand view that reads one of them.
func spending(t *testing.T) *feature.Snapshot {
	t.Helper()
	sum := []*plumbv1.AggregateFunction{{Name: "sum"}}
	column := func(name string, of plumbv1.Type, from, expression string) *plumbv1.SourceColumn {
		return &plumbv1.SourceColumn{Name: name, Type: of, Column: from, Expression: expression}
	}
	definitions := &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{Name: "card", JoinKeys: []*plumbv1.JoinKey{{Name: "card",
			Type: plumbv1.Type_INT64}}}},
		Sources: []*plumbv1.Source{{
			Name: "payments", EventTimestamp: "paid_at", CreatedTimestamp: "booked_at", Filter: `status == "ok" && eur > 0.0`,
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/payments.parquet"}},
			Columns: []*plumbv1.SourceColumn{
				column("eur", plumbv1.Type_FLOAT64, "", "amount * rate"), column("amount", plumbv1.Type_FLOAT64, "", ""),
				column("rate", plumbv1.Type_FLOAT64, "fx", ""), column("shop", plumbv1.Type_STRING, "merchant_id", ""),
				column("status", plumbv1.Type_STRING, "", ""),
			},
		}},
		FeatureViews: []*plumbv1.FeatureView{{
			Name: "spend", Entities: []string{"card"}, Source: "payments",
			Features: []*plumbv1.Feature{
				{Name: "sum_eur_1h", Type: plumbv1.Type_FLOAT64},
				{Name: "sum_amount_by_shop_1d", Type: plumbv1.Type_FLOAT64_ARRAY},
				{Name: "sum_amount_by_shop_1d_groups", Type: plumbv1.Type_STRING_ARRAY},
				{Name: "rows_1h", Type: plumbv1.Type_INT64},
			},
			Aggregations: []*plumbv1.Aggregation{
				{Of: "eur", Functions: sum, Windows: []string{"1h"}},
				{Of: "amount", Functions: sum, Windows: []string{"1d"}, By: "shop", Largest: 2},
				{Functions: []*plumbv1.AggregateFunction{{Name: "rows"}}, Windows: []string{"1h"}},
			},
		}},
		OnDemandViews: []*plumbv1.OnDemandView{{
			Name: "risk", Views: []*plumbv1.ViewInput{{View: "spend"}},
			Features: []*plumbv1.ComputedFeature{{Name: "twice", Type: plumbv1.Type_FLOAT64,
				Expression: "spend.sum_eur_1h * 2.0"}},
		}},
	}
	snapshot, err := feature.NewSnapshot("shops", 1, &plumbv1.State{Definitions: definitions,
		Views: []*plumbv1.RegisteredView{{Name: "spend", Generation: 1, Schemas: []*plumbv1.ViewSchema{{Id: 1}}}}})
	if err != nil {
		t.Fatal(err)
	}
	return snapshot
}

const payments = "file /project/data/payments.parquet "

// Columns that windows are computed of. Each is there once, with all that it is good for.
const (
	sumEUR = payments + "amount AGGREGATION FILTER; " + payments + "fx AGGREGATION FILTER; " + payments + "status FILTER"
	byShop = payments + "amount AGGREGATION FILTER; " + payments + "merchant_id AGGREGATION; " + payments +
		"status FILTER; " + payments + "fx FILTER"
	rows = payments + "status FILTER; " + payments + "amount FILTER; " + payments + "fx FILTER"
)

func TestAWindowIsMadeOfWhatItsAggregationItsExpressionItsGroupsAndTheFilterRead(t *testing.T) {
	selection, err := spending(t).SelectFeatures([]string{"spend:*", "risk:twice"}, false)
	if err != nil {
		t.Fatal(err)
	}
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartJoin(lineage.JoinRequest{JoinRequest: offline.JoinRequest{Selection: selection, Labels: "/data/labels.parquet",
			TimestampColumn: "at", Statuses: true, EventTimestamps: true}}).End(t.Context(), offline.JoinReport{}, "", nil)
	})
	got := columnsOf(t, at(t, events[1], "outputs", 0))
	for name, want := range map[string]string{
		"sum_eur_1h":                   sumEUR,
		"sum_amount_by_shop_1d":        byShop,
		"sum_amount_by_shop_1d_groups": byShop,
		"rows_1h":                      rows,
		"rows_1h__status":              rows + "; " + payments + "paid_at TRANSFORMATION",
		"spend__event_timestamp":       payments + "paid_at TRANSFORMATION",
		"twice":                        sumEUR,
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAMaterializationOfWindowsTellsWhatStatesAreMadeOf(t *testing.T) {
	view, err := spending(t).View("spend")
	if err != nil {
		t.Fatal(err)
	}
	events := recorded(t, func(r *lineage.Recorder) {
		r.StartMaterialization(view).End(t.Context(), registry.Run{ID: 4}, nil)
	})
	want := map[string]string{
		"card":                         payments + "card IDENTITY",
		"event_timestamp":              payments + "paid_at TRANSFORMATION",
		"sum_eur_1h":                   sumEUR,
		"sum_amount_by_shop_1d":        byShop,
		"sum_amount_by_shop_1d_groups": byShop,
		"rows_1h":                      rows,
		"":                             payments + "paid_at FILTER; " + payments + "booked_at FILTER",
	}
	if diff := cmp.Diff(want, columnsOf(t, at(t, events[1], "outputs", 0))); diff != "" {
		t.Error(diff)
	}
}
