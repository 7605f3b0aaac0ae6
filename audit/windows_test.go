package audit_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/audit/auditlog"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// withWindows adds views that count the rows of the two sources, and has the service look up these alone.
func withWindows(d *plumbv1.Definitions) {
	events := func(name, created, path string, columns ...*plumbv1.SourceColumn) *plumbv1.Source {
		return &plumbv1.Source{Name: name, EventTimestamp: "at", CreatedTimestamp: created, Columns: columns,
			Kind: &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/" + path + "/*.parquet"}}}
	}
	d.Sources = append(d.Sources,
		events("sales", "known", "prices", &plumbv1.SourceColumn{Name: "euros", Type: plumbv1.Type_FLOAT64},
			&plumbv1.SourceColumn{Name: "cents", Type: plumbv1.Type_INT64},
			&plumbv1.SourceColumn{Name: "broken", Type: plumbv1.Type_INT64, Expression: "cents / (cents - 99)"}),
		events("moves", "", "stocks", &plumbv1.SourceColumn{Name: "pieces", Type: plumbv1.Type_INT64}))
	sum := func(of string) *plumbv1.Aggregation {
		return &plumbv1.Aggregation{Of: of, Functions: []*plumbv1.AggregateFunction{{Name: "sum"}}, Windows: []string{"1h"}}
	}
	d.FeatureViews = append(d.FeatureViews,
		&plumbv1.FeatureView{Name: "sold", Entities: []string{"shop"}, Source: "sales",
			Aggregations: []*plumbv1.Aggregation{sum("euros"), sum("broken")},
			Features: []*plumbv1.Feature{
				{Name: "sum_euros_1h", Type: plumbv1.Type_FLOAT64}, {Name: "sum_broken_1h", Type: plumbv1.Type_INT64},
			}},
		&plumbv1.FeatureView{Name: "moved", Entities: []string{"shop"}, Source: "moves",
			Aggregations: []*plumbv1.Aggregation{sum("pieces")},
			Features:     []*plumbv1.Feature{{Name: "sum_pieces_1h", Type: plumbv1.Type_INT64}}})
	d.FeatureServices[0].Features = []*plumbv1.ViewReference{{View: "sold"}, {View: "moved"}}
}

func openWindows(t *testing.T) *shop {
	t.Helper()
	s := open(t)
	s.change(withWindows)
	s.tick()
	return s
}

func TestR17_WindowsThatWereServedFromACompleteStore_AreWhatTrainingSees(t *testing.T) {
	s := openWindows(t)
	s.writePrices("second", price{shop: "a", at: at(-5), known: at(-5), euros: 2.5})
	s.materialize(at(0))
	s.lookUp(nil, "a", "nobody")
	s.set(at(45)) // The first event counts no more.
	s.lookUp(nil, "a")
	report := s.audit()
	if report.Values != 9 || report.Matched != 9 || report.NotCompared != 0 {
		t.Errorf("%+v", report)
	}
}

func TestAWindowWithoutAnEventThatNoRunHasReached_IsNotMaterializedYet(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.set(at(10))
	s.writeStocks("second", stock{shop: "a", at: at(5), pieces: int64(8)})
	s.lookUp(nil, "a")
	expect(t, s.audit(), "moved", audit.NotMaterialized, 1, "was in no window that had been materialized")
}

func TestAWindowWithoutAnEventThatWasCreatedAfterTheServing_LacksLateData(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.set(at(10))
	s.writePrices("second", price{shop: "a", at: at(-40), known: at(7), euros: 2.5})
	expect(t, s.audit(), "sold", audit.CreatedAfter, 1, "been created by 2026-03-01T12:00:00.000000Z give what was served")
}

// It was created before the serving, and after the run that has read up to its time had begun.
func TestAWindowWithoutAnEventThatWasCreatedAfterItsRun_LacksLateData(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.set(at(5))
	s.materialize(at(5))
	s.set(at(-10)) // The file is old enough. Only the created time shows that the row came late.
	s.writePrices("second", price{shop: "a", at: at(-40), known: at(6), euros: 2.5})
	s.set(at(10))
	s.lookUp(nil, "a", "b")
	expect(t, s.audit(), "sold", audit.ArrivedLate, 1,
		"an event of 2026-03-01T11:20:00.000000Z was created at 2026-03-01T12:06")
}

func TestAWindowWithoutTheEventsOfAFileThatCameAfterItsRun_LacksLateData(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.set(at(5))
	s.writeStocks("second", stock{shop: "a", at: at(-40), pieces: int64(8)})
	s.lookUp(nil, "a")
	expect(t, s.audit(), "moved", audit.ArrivedLate, 1, "data/stocks/second.parquet came after run")
}

func TestAWindowOfAFileThatWasRewritten_IsToldByThat(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.set(at(5))
	s.writeStocks("first", stock{shop: "a", at: at(-30), pieces: int64(7)},
		stock{shop: "a", at: at(-31), pieces: int64(1)})
	expect(t, s.audit(), "moved", audit.SourceRewritten, 1, "data/stocks/first.parquet was rewritten")
}

func TestAWindowBeforeTheStoredState_IsAskedOfThePast(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.lookUp(new(at(-5)), "a")
	report := s.audit()
	if report.Mismatched != 3 || report.Causes[0].Cause != audit.StoreAhead || report.Causes[0].Values != 3 {
		t.Errorf("%+v", report.Causes)
	}
	for _, example := range report.Examples {
		if !strings.Contains(example.Evidence, "a state that is complete through 2026-03-01T12:00:00.000000Z") {
			t.Error(example.Evidence)
		}
	}
}

func TestAWindowThatDiffersWithoutEvidence_IsUnexplained(t *testing.T) {
	s := openWindows(t)
	s.materialize(at(0))
	s.lookUp(nil, "a")
	s.set(at(-10)) // As if the file had been there when the run began.
	s.writeStocks("second", stock{shop: "a", at: at(-40), pieces: int64(8)})
	s.set(at(10))
	expect(t, s.audit(), "moved", audit.Unexplained, 1, "whether one of them came late for an earlier run is not known")
}

func TestSensitiveKeysOfWindowsAreResolved(t *testing.T) {
	s := open(t, func(s *shop) { s.hasher = auditlog.NewHasher("a key of the test") })
	s.change(func(d *plumbv1.Definitions) {
		withWindows(d)
		d.Entities[0].JoinKeys[0].Sensitive = true
	})
	s.tick()
	s.materialize(at(0))
	s.lookUp(nil, "a")
	if report := s.audit(); report.Values != 3 || report.Matched != 3 {
		t.Errorf("%+v", report)
	}
}

func TestForesightOfWindowsSaysWhichFeaturesAreOthersAsKnown(t *testing.T) {
	s := openWindows(t)
	s.writePrices("second", price{shop: "a", at: at(-10), known: at(20), euros: 2.5})
	labels := filepath.Join(s.folder, "labels.parquet")
	file := storetest.File{Path: labels, Columns: []storetest.Column{
		{Name: "shop", Form: arrow.BinaryTypes.String, Values: []any{"a", "a"}},
		{Name: "when", Form: arrow.FixedWidthTypes.Timestamp_us, Values: []any{at(0), at(20)}},
	}}
	if err := file.Write(); err != nil {
		t.Fatal(err)
	}
	selection := must(s.current().SelectFeatures([]string{"sold:sum_euros_1h"}, false))(t)
	found := must(s.auditor().Foresee(t.Context(), selection, labels, "when"))(t)
	view := found.Views[0]
	if view.Seen != 2 || view.Unknown != 1 || view.SeenAsKnown != 2 || view.Features[0].Changed != 1 {
		t.Errorf("%+v", view)
	}
}
