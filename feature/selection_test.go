package feature_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// outputs lists a selection's columns as "name = alias:feature".
func outputs(selection *feature.Selection) string {
	var found []string
	for _, output := range selection.Stored() {
		reference := selection.References[output.Reference]
		found = append(found, output.Name+" = "+reference.Alias+":"+reference.View.Features[output.Feature].Name)
	}
	return strings.Join(found, ", ")
}

// labels lists for each reference the label columns that it reads its keys from.
func labels(selection *feature.Selection) [][]string {
	var found [][]string
	for _, reference := range selection.References {
		found = append(found, reference.LabelColumns)
	}
	return found
}

func selectService(t *testing.T, fullNames bool, wanted *plumbv1.FeatureService) (*feature.Selection, error) {
	t.Helper()
	return snapshot(t, wanted).SelectService(wanted.GetName(), fullNames)
}

func TestR10_FeaturesAreSelectedByViewAndName(t *testing.T) {
	tests := map[string]struct {
		references []string
		fullNames  bool
		want       string
	}{
		"one":           {[]string{"weather:gust"}, false, "gust = weather:gust"},
		"all of a view": {[]string{"weather:*"}, false, "temp = weather:temp, gust = weather:gust"},
		"in the order given": {[]string{"weather:gust", "calendar:*", "weather:temp"}, false,
			"gust = weather:gust, holiday = calendar:holiday, temp = weather:temp"},
		"full names": {[]string{"weather:temp", "route:temp"}, true,
			"weather__temp = weather:temp, route__temp = route:temp"},
		"full names though unique": {[]string{"weather:gust"}, true, "weather__gust = weather:gust"},
	}
	for name, test := range tests {
		selection, err := snapshot(t).SelectFeatures(test.references, test.fullNames)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := outputs(selection); got != test.want {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

func TestR10_ACollisionIsAnErrorThatListsIt(t *testing.T) {
	s := snapshot(t)
	tests := map[string]struct {
		references []string
		fullNames  bool
		names      []string
	}{
		"of two views": {[]string{"weather:*", "route:*"}, false,
			[]string{`"temp" is wanted by weather:temp and route:temp`}},
		"of one feature, twice": {[]string{"weather:temp", "weather:temp"}, true,
			[]string{`"weather__temp" is wanted by weather:temp and weather:temp`}},
		"several": {[]string{"weather:*", "weather:*"}, false,
			[]string{`"gust" is wanted by weather:gust and weather:gust`, `"temp" is wanted by weather:temp and weather:temp`}},
	}
	for name, test := range tests {
		var collision *fault.CollisionError
		if _, err := s.SelectFeatures(test.references, test.fullNames); !errors.As(err, &collision) {
			t.Errorf("%s: got %v", name, err)
		} else if diff := cmp.Diff(test.names, collision.Names); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestR10_AServiceAsksForFullNames_OrItsCallerDoes(t *testing.T) {
	reference := &plumbv1.ViewReference{View: "weather", Features: []string{"temp"}}
	for _, test := range []struct {
		service, caller bool
		want            string
	}{
		{false, false, "temp = weather:temp"}, {true, false, "weather__temp = weather:temp"},
		{false, true, "weather__temp = weather:temp"}, {true, true, "weather__temp = weather:temp"},
	} {
		wanted := service("model", reference)
		wanted.FullNames = test.service
		selection, err := selectService(t, test.caller, wanted)
		if err != nil {
			t.Fatal(err)
		}
		if got := outputs(selection); got != test.want {
			t.Errorf("service %t, caller %t: got %s", test.service, test.caller, got)
		}
	}
}

func TestR10_WhatIsAskedForMustBeThere(t *testing.T) {
	for reference, want := range map[string]fault.NotFoundError{
		"wether:temp":  {Kind: "feature view", Name: "wether", Suggestion: "weather"},
		"weather:tmp":  {Kind: "feature of view weather", Name: "tmp", Suggestion: "temp"},
		"weather:a:b":  {Kind: "feature of view weather", Name: "a:b"},
		"weather:Temp": {Kind: "feature of view weather", Name: "Temp", Suggestion: "temp"},
	} {
		var missing *fault.NotFoundError
		if _, err := snapshot(t).SelectFeatures([]string{reference}, false); !errors.As(err, &missing) {
			t.Errorf("%s: got %v", reference, err)
		} else if *missing != want {
			t.Errorf("%s: got %+v", reference, *missing)
		}
	}
	for _, references := range [][]string{nil, {"weather"}, {"weather:"}, {":temp"}, {""}, {"weather:temp", "gust"}} {
		var mistake *fault.InputError
		if _, err := snapshot(t).SelectFeatures(references, false); !errors.As(err, &mistake) {
			t.Errorf("%q: got %v", references, err)
		}
	}
}

func TestR11_OneViewIsJoinedTwiceUnderTwoNames(t *testing.T) {
	wanted := service("model",
		&plumbv1.ViewReference{View: "weather", As: "origin_weather", JoinKeys: map[string]string{"airport": "origin"}},
		&plumbv1.ViewReference{View: "weather", As: "dest_weather", JoinKeys: map[string]string{"airport": "dest"},
			Features: []string{"temp"}})
	selection, err := selectService(t, true, wanted)
	if err != nil {
		t.Fatal(err)
	}
	const want = "origin_weather__temp = origin_weather:temp, origin_weather__gust = origin_weather:gust, " +
		"dest_weather__temp = dest_weather:temp"
	if got := outputs(selection); got != want {
		t.Errorf("got %s", got)
	}
	if diff := cmp.Diff([][]string{{"origin"}, {"dest"}}, labels(selection)); diff != "" {
		t.Error(diff)
	}
	keys, err := selection.Keys()
	fields := []feature.Field{{Name: "origin", Type: plumbv1.Type_STRING}, {Name: "dest", Type: plumbv1.Type_STRING}}
	if diff := cmp.Diff(fields, keys); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	_, err = selectService(t, false, wanted)
	if err == nil || !strings.Contains(err.Error(), "origin_weather:temp and dest_weather:temp") {
		t.Errorf("without full names: %v", err)
	}
}

func TestR11_KeysThatAreNotMappedAreReadFromTheirOwnName(t *testing.T) {
	selection, err := selectService(t, true, service("model",
		&plumbv1.ViewReference{View: "route", JoinKeys: map[string]string{"number": "flight_number", "airport": "dest"}},
		&plumbv1.ViewReference{View: "weather", JoinKeys: map[string]string{"airport": "dest"}}))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"carrier", "flight_number", "dest"}, {"dest"}}, labels(selection)); diff != "" {
		t.Error(diff)
	}
	keys, err := selection.Keys()
	if err != nil || len(keys) != 3 || keys[2].Name != "dest" {
		t.Errorf("the label columns are %v, error %v", keys, err)
	}
}

func TestR11_AViewReferredToAgainInTheSameWay_IsJoinedOnce(t *testing.T) {
	selection, err := selectService(t, false, service("model",
		&plumbv1.ViewReference{View: "weather", Features: []string{"gust"}},
		&plumbv1.ViewReference{View: "calendar"},
		&plumbv1.ViewReference{View: "weather", As: "weather", JoinKeys: map[string]string{"airport": "airport"},
			Features: []string{"temp"}}))
	if err != nil {
		t.Fatal(err)
	}
	if got := outputs(selection); got != "gust = weather:gust, holiday = calendar:holiday, temp = weather:temp" ||
		len(selection.References) != 2 {
		t.Errorf("got %s over %d references", got, len(selection.References))
	}
}

func TestR11_OneNameForTwoUsesIsAnError(t *testing.T) {
	for name, wanted := range map[string]*plumbv1.FeatureService{
		"two key maps": service("model", &plumbv1.ViewReference{View: "weather", Features: []string{"temp"}},
			&plumbv1.ViewReference{View: "weather", JoinKeys: map[string]string{"airport": "dest"}, Features: []string{"gust"}}),
		"two views": service("model", &plumbv1.ViewReference{View: "calendar"},
			&plumbv1.ViewReference{View: "weather", As: "calendar"}),
	} {
		var mistake *fault.InputError
		if _, err := selectService(t, true, wanted); !errors.As(err, &mistake) || !strings.Contains(err.Error(), `"model"`) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestR11_AMappedKeyMustBeThere(t *testing.T) {
	_, err := selectService(t, true, service("model",
		&plumbv1.ViewReference{View: "weather", JoinKeys: map[string]string{"airpot": "origin"}}))
	var missing *fault.NotFoundError
	if !errors.As(err, &missing) || missing.Name != "airpot" || missing.Suggestion != "airport" {
		t.Errorf("got %v", err)
	}
}

func TestR11_ALabelColumnIsOfOneType(t *testing.T) {
	selection, err := selectService(t, true, service("model",
		&plumbv1.ViewReference{View: "weather"},
		&plumbv1.ViewReference{View: "route", JoinKeys: map[string]string{"number": "airport", "airport": "dest"}}))
	if err != nil {
		t.Fatal(err)
	}
	var mistake *fault.InputError
	if _, err := selection.Keys(); !errors.As(err, &mistake) || mistake.Field != "airport" {
		t.Errorf("got %v", err)
	}
}

func TestR12_AViewWithoutEntitiesNeedsNoLabelColumn(t *testing.T) {
	selection, err := snapshot(t).SelectFeatures([]string{"calendar:*"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if keys, err := selection.Keys(); err != nil || len(keys) != 0 {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestTwoSelections_ShareNothingThatChanges(t *testing.T) {
	s := snapshot(t)
	plain, err := s.SelectFeatures([]string{"weather:temp"}, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SelectFeatures([]string{"weather:temp"}, true); err != nil {
		t.Fatal(err)
	}
	if got := outputs(plain); got != "temp = weather:temp" {
		t.Errorf("the first became %s", got)
	}
}
