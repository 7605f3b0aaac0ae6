package feature_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestASnapshot_ResolvesAView(t *testing.T) {
	view, err := snapshot(t).View("weather")
	if err != nil {
		t.Fatal(err)
	}
	if view.Project != "flights" || view.Generation != 2 || view.Rebuild != 3 || view.TTL != 3*time.Hour || !view.Online {
		t.Errorf("got %+v", view)
	}
	features := []feature.Feature{
		{Field: feature.Field{Name: "temp", Type: plumbv1.Type_FLOAT64}, Column: "temp"},
		{Field: feature.Field{Name: "gust", Type: plumbv1.Type_FLOAT32}, Column: "wind_gust"},
	}
	if diff := cmp.Diff(features, view.Features); diff != "" {
		t.Error(diff)
	}
	if view.Source.Kind != (feature.Files{Path: "data/hourly.parquet"}) || view.Source.EventTimestamp != "at" ||
		view.Source.CreatedTimestamp != "known_at" {
		t.Errorf("its source is %+v", view.Source)
	}
	schema := view.Schema()
	if schema.ID != 3 || !slices.Equal(schema.Fields, []feature.Field{features[0].Field, features[1].Field}) {
		t.Errorf("its schema is %+v", schema)
	}
}

func TestKeysOfAView_AreThoseOfItsEntitiesInOrder(t *testing.T) {
	view, err := snapshot(t).View("route")
	if err != nil {
		t.Fatal(err)
	}
	want := []feature.Field{{Name: "carrier", Type: plumbv1.Type_STRING}, {Name: "number", Type: plumbv1.Type_INT32},
		{Name: "airport", Type: plumbv1.Type_STRING}}
	if diff := cmp.Diff(want, view.Keys); diff != "" {
		t.Error(diff)
	}
	if view.Online || view.TTL != 0 {
		t.Errorf("got %+v", view)
	}
}

func TestAView_KnowsWhatIsSensitive(t *testing.T) {
	marked := state()
	marked.Definitions.Entities[1].JoinKeys[1].Sensitive = true
	marked.Definitions.FeatureViews[1].Features[1].Sensitive = true
	resolved, err := feature.NewSnapshot("flights", 3, marked)
	if err != nil {
		t.Fatal(err)
	}
	view, err := resolved.View("route")
	if err != nil {
		t.Fatal(err)
	}
	if view.Features[0].Sensitive || !view.Features[1].Sensitive || !slices.Equal(view.SensitiveKeys, []string{"number"}) {
		t.Errorf("the features are %+v, the sensitive keys %v", view.Features, view.SensitiveKeys)
	}
	if got := view.Sensitive(); !slices.Equal(got, []string{"number", "temp"}) {
		t.Errorf("what is sensitive is %v", got)
	}
	selection := feature.Selection{References: []feature.Reference{
		{View: view, Alias: "there", LabelColumns: []string{"carrier", "number", "airport"}},
		{View: view, Alias: "back", LabelColumns: []string{"carrier", "other", "airport"}},
		{View: view, Alias: "again", LabelColumns: []string{"carrier", "other", "number"}},
	}}
	if got := selection.SensitiveColumns(); !slices.Equal(got, []string{"number", "other"}) {
		t.Errorf("label columns with sensitive keys are %v", got)
	}
}

func TestASource_KnowsItsSiblings(t *testing.T) {
	source, err := snapshot(t).Source("days")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"days", "hourly"}, source.Siblings()); diff != "" {
		t.Error(diff)
	}
	if sibling := source.Sibling("hourly"); sibling == nil || sibling.IsQuery() || source.Sibling("weekly") != nil {
		t.Errorf("got %v and %v", sibling, source.Sibling("weekly"))
	}
}

func TestViews_AreOrderedByName(t *testing.T) {
	var names []string
	for _, view := range snapshot(t).Views() {
		names = append(names, view.Name)
	}
	if diff := cmp.Diff([]string{"calendar", "route", "weather"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestARebuild_IsNeverBeforeItsGeneration(t *testing.T) {
	s := state()
	s.Views[0].Rebuild = 0
	resolved, err := feature.NewSnapshot("flights", 3, s)
	if err != nil {
		t.Fatal(err)
	}
	if view, err := resolved.View("weather"); err != nil || view.Rebuild != 2 {
		t.Errorf("got %+v, %v", view, err)
	}
}

func TestAnUnknownName_GetsASuggestion(t *testing.T) {
	s := snapshot(t, service("model", &plumbv1.ViewReference{View: "weather"}))
	tests := map[string]struct {
		lookUp func() error
		want   fault.NotFoundError
	}{
		"view": {func() error { _, err := s.View("wether"); return err },
			fault.NotFoundError{Kind: "feature view", Name: "wether", Suggestion: "weather"}},
		"source": {func() error { _, err := s.Source("dayz"); return err },
			fault.NotFoundError{Kind: "source", Name: "dayz", Suggestion: "days"}},
		"service": {func() error { _, err := s.Service("mode"); return err },
			fault.NotFoundError{Kind: "feature service", Name: "mode", Suggestion: "model"}},
		"nothing alike": {func() error { _, err := s.View("population"); return err },
			fault.NotFoundError{Kind: "feature view", Name: "population"}},
	}
	for name, test := range tests {
		var missing *fault.NotFoundError
		if err := test.lookUp(); !errors.As(err, &missing) {
			t.Errorf("%s: got %v", name, err)
		} else if *missing != test.want {
			t.Errorf("%s: got %+v", name, *missing)
		}
	}
}

func TestAStateThatDoesNotResolve_IsAnError(t *testing.T) {
	tests := map[string]struct {
		breakIt func(*plumbv1.State)
		says    string
	}{
		"no layout":        {func(s *plumbv1.State) { s.Views = s.Views[:2] }, "calendar"},
		"another's layout": {func(s *plumbv1.State) { s.Views[0].Name = "wether" }, "weather"},
		"no schemas":       {func(s *plumbv1.State) { s.Views[0].Schemas = nil }, "weather"},
		"no source":        {func(s *plumbv1.State) { s.Definitions.Sources = nil }, "hourly"},
		"no entity":        {func(s *plumbv1.State) { s.Definitions.Entities = nil }, "airport"},
	}
	for name, test := range tests {
		s := state()
		test.breakIt(s)
		if _, err := feature.NewSnapshot("flights", 3, s); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
