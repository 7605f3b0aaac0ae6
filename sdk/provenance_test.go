package plumb

import (
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// oneColumn is an answer of three rows with a provenance.
func oneColumn(provenance ...*plumbv1.ViewProvenance) *plumbv1.GetOnlineFeaturesResponse {
	values := &plumbv1.Values{Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: make([]bool, 3)}}}
	return &plumbv1.GetOnlineFeaturesResponse{
		Columns:    []*plumbv1.FeatureColumn{{Name: "rain", Values: values, Statuses: []byte{1, 1, 3}}},
		Provenance: provenance,
	}
}

func threeRows() *plumbv1.ViewProvenance {
	return &plumbv1.ViewProvenance{
		Alias: "there", View: "weather", DefinitionHash: []byte{0xab, 0xcd}, DefinitionRevision: 7,
		Origins: []byte{byte(plumbv1.ViewProvenance_PUSH), byte(plumbv1.ViewProvenance_UNKNOWN),
			byte(plumbv1.ViewProvenance_NO_ROW)},
		Runs: make([]int64, 3), PushedTimestamps: []int64{5, 0, 0}, EventTimestamps: []int64{3, -1, 0},
		CreatedTimestamps: []int64{4, 0, 0}, CreatedNulls: []byte{0, 1, 0}, AgeMicros: []int64{2, math.MaxInt64, 0},
		SchemaIds: []uint32{1, 2, 0},
	}
}

func TestProvenanceIsReadRowByRow(t *testing.T) {
	features, err := newFeatures(wire(t, oneColumn(threeRows())), new(layouts), "")
	if err != nil {
		t.Fatal(err)
	}
	there, err := ProvenanceOf(features, "there")
	if err != nil {
		t.Fatal(err)
	}
	if there.View() != "weather" || there.DefinitionRevision() != 7 || there.DefinitionHash() != "abcd" {
		t.Errorf("it is %s, %d, %s", there.View(), there.DefinitionRevision(), there.DefinitionHash())
	}
	for row, want := range []RowProvenance{
		{Pushed: time.UnixMicro(5).UTC(), EventTime: time.UnixMicro(3).UTC(), CreatedTime: time.UnixMicro(4).UTC(),
			Age: 2 * time.Microsecond, SchemaID: 1},
		{EventTime: time.UnixMicro(-1).UTC(), Age: math.MaxInt64, SchemaID: 2},
	} {
		if got, ok := there.At(row); !ok || got != want {
			t.Errorf("row %d is %+v, %t, want %+v", row, got, ok, want)
		}
	}
	if got, ok := there.At(2); ok {
		t.Errorf("of a row that is not there it tells %+v", got)
	}
}

func TestProvenanceThatIsNotThereIsAnError(t *testing.T) {
	for want, response := range map[string]*plumbv1.GetOnlineFeaturesResponse{
		"ask for it with OnlineRequest.Provenance":    oneColumn(),
		`no use "weather" of a view; there are there`: oneColumn(threeRows()),
	} {
		features, err := newFeatures(wire(t, response), new(layouts), "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ProvenanceOf(features, "weather"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want one with %q", err, want)
		}
	}
}

func TestProvenanceOfAnotherLengthIsRefused(t *testing.T) {
	for _, cut := range []func(view *plumbv1.ViewProvenance){
		func(view *plumbv1.ViewProvenance) { view.Origins = view.Origins[1:] },
		func(view *plumbv1.ViewProvenance) { view.Runs = nil },
		func(view *plumbv1.ViewProvenance) { view.Earliest = []byte{1, 1} },
		func(view *plumbv1.ViewProvenance) { view.Earliest, view.Events = []byte{1, 1, 1}, make([]int64, 3) },
		func(view *plumbv1.ViewProvenance) { view.CreatedNulls = []byte{0} },
		func(view *plumbv1.ViewProvenance) { view.SchemaIds = append(view.SchemaIds, 1) },
	} {
		view := threeRows()
		cut(view)
		_, err := newFeatures(wire(t, oneColumn(view)), new(layouts), "")
		if err == nil || !strings.Contains(err.Error(), `provenance of "there"`) {
			t.Errorf("error is %v", err)
		}
	}
}

func TestProvenanceOfWindowsSaysWhatTheyCount(t *testing.T) {
	view := threeRows()
	view.Events = []int64{12, -1, 0}
	view.Earliest = []byte{byte(plumbv1.ViewProvenance_EARLIEST_EVENT), byte(plumbv1.ViewProvenance_EARLIEST_TILE),
		byte(plumbv1.ViewProvenance_EARLIEST_UNKNOWN)}
	view.EarliestTimestamps = []int64{9, 8, 0}
	features, err := newFeatures(wire(t, oneColumn(view)), new(layouts), "")
	if err != nil {
		t.Fatal(err)
	}
	there, err := ProvenanceOf(features, "there")
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range []Counted{
		{Events: 12, Earliest: time.UnixMicro(9).UTC()}, {Events: -1, EarliestAfter: time.UnixMicro(8).UTC()},
	} {
		if got, ok := there.Counted(row); !ok || got != want {
			t.Errorf("row %d counts %+v, %t, want %+v", row, got, ok, want)
		}
	}
	if got, ok := there.Counted(2); ok {
		t.Errorf("a row that is not there counts %+v", got)
	}
	if features, err = newFeatures(wire(t, oneColumn(threeRows())), new(layouts), ""); err != nil {
		t.Fatal(err)
	}
	if there, err = ProvenanceOf(features, "there"); err != nil {
		t.Fatal(err)
	}
	if got, ok := there.Counted(0); ok {
		t.Errorf("a view without windows counts %+v", got)
	}
}

func TestWhatComputesTheValuesOfAnOnDemandViewIsRead(t *testing.T) {
	response := oneColumn()
	response.Computed = []*plumbv1.ComputedProvenance{{Alias: "now", View: "risk", DefinitionHash: []byte{0xab, 0xcd},
		Inputs: []string{"amount"}, Views: []string{"spend"}, RequestTime: true}}
	features, err := newFeatures(wire(t, response), new(layouts), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := ComputationOf(features, "now")
	want := Computation{View: "risk", DefinitionHash: "abcd", Inputs: []string{"amount"}, Views: []string{"spend"},
		RequestTime: true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v (%v)", got, want, err)
	}
	_, err = ComputationOf(features, "risk")
	if err == nil || !strings.Contains(err.Error(), `no use "risk" of an on-demand view; there are now`) {
		t.Errorf("error is %v", err)
	}
	if features, err = newFeatures(wire(t, oneColumn(threeRows())), new(layouts), ""); err != nil {
		t.Fatal(err)
	}
	if _, err = ComputationOf(features, "risk"); err == nil || !strings.Contains(err.Error(), "ask for it with") {
		t.Errorf("error is %v", err)
	}
}
