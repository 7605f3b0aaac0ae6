package feature_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// comfort is an on-demand view that reads the weather twice, at two airports, and the calendar.
func comfort() *plumbv1.OnDemandView {
	return &plumbv1.OnDemandView{Name: "comfort",
		Request: []*plumbv1.RequestInput{
			{Name: "seats", Type: plumbv1.Type_INT32}, {Name: "name", Type: plumbv1.Type_STRING, Sensitive: true},
		},
		Views: []*plumbv1.ViewInput{
			{View: "weather", As: "here", JoinKeys: map[string]string{"airport": "origin"}},
			{View: "weather", As: "there", JoinKeys: map[string]string{"airport": "dest"}},
			{View: "calendar"},
		},
		Features: []*plumbv1.ComputedFeature{
			{Name: "warmer", Type: plumbv1.Type_FLOAT64, Expression: "there.temp - here.temp"},
			{Name: "crowded", Type: plumbv1.Type_BOOL, Expression: "calendar.holiday && seats < 100"},
			{Name: "greeting", Type: plumbv1.Type_STRING, Expression: `"hello " + name`},
			{Name: "cosy", Type: plumbv1.Type_BOOL, Expression: "warmer > 0.0 && crowded"},
		}}
}

func withComfort(t *testing.T, edit func(*plumbv1.OnDemandView), services ...*plumbv1.FeatureService,
) *feature.Snapshot {
	t.Helper()
	s, view := state(services...), comfort()
	edit(view)
	s.Definitions.OnDemandViews = []*plumbv1.OnDemandView{view}
	resolved, err := feature.NewSnapshot("nycflights", 4, s)
	if err != nil {
		t.Fatal(err)
	}
	return resolved
}

func asIs(*plumbv1.OnDemandView) {}

// told is a selection in words: its outputs, its uses of views with what is read of them, and its request inputs.
func told(t *testing.T, selection *feature.Selection) string {
	t.Helper()
	var outputs, uses []string
	for _, output := range selection.Outputs {
		d := selection.Describe(output)
		outputs = append(outputs, fmt.Sprintf("%s = %s:%s %s", output.Name, d.Alias, d.Name, d.Type))
	}
	for i, reference := range selection.References {
		var read []string
		for _, f := range selection.Reads(i) {
			read = append(read, reference.View.Features[f].Name)
		}
		uses = append(uses, fmt.Sprintf("%s%v%v", reference.Alias, reference.LabelColumns, read))
	}
	inputs, err := selection.Inputs()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s; uses %s; inputs %v", strings.Join(outputs, ", "), strings.Join(uses, " "), inputs)
}

func TestOnlyWhatTheFeaturesOfAnOnDemandViewReadIsRead(t *testing.T) {
	for _, c := range []struct {
		references []string
		want       string
	}{
		{[]string{"comfort:warmer"}, "warmer = comfort:warmer FLOAT64; " +
			"uses comfort__here[origin][temp] comfort__there[dest][temp]; inputs []"},
		{[]string{"comfort:greeting"}, "greeting = comfort:greeting STRING; uses ; inputs [{{name STRING} true}]"},
		{[]string{"comfort:cosy"}, "cosy = comfort:cosy BOOL; uses comfort__here[origin][temp] comfort__there[dest][temp] " +
			"comfort__calendar[][holiday]; inputs [{{seats INT32} false}]"},
		// The calendar is read once, for the output too, and the weather of another column again.
		{[]string{"comfort:crowded", "calendar:holiday", "weather:temp"}, "crowded = comfort:crowded BOOL, " +
			"holiday = calendar:holiday BOOL, temp = weather:temp FLOAT64; uses calendar[][holiday] weather[airport][temp]; " +
			"inputs [{{seats INT32} false}]"},
	} {
		selection, err := withComfort(t, asIs).SelectFeatures(c.references, false)
		if err != nil {
			t.Errorf("%s: %v", c.references, err)
		} else if got := told(t, selection); got != c.want {
			t.Errorf("%s selects\n%s, want\n%s", c.references, got, c.want)
		}
	}
}

func TestR11_AnOnDemandViewIsUsedTwiceWithOtherLabelColumns(t *testing.T) {
	wanted := &plumbv1.FeatureService{Name: "both", FullNames: true, Features: []*plumbv1.ViewReference{
		{View: "comfort", As: "out", Features: []string{"warmer", "crowded"}},
		{View: "comfort", As: "back", Features: []string{"warmer"},
			JoinKeys: map[string]string{"origin": "dest", "dest": "origin"}},
		{View: "comfort", As: "later", Features: []string{"crowded"}, JoinKeys: map[string]string{"seats": "later_seats"}},
	}}
	selection, err := withComfort(t, asIs, wanted).SelectService("both", false)
	if err != nil {
		t.Fatal(err)
	}
	const want = "out__warmer = out:warmer FLOAT64, out__crowded = out:crowded BOOL, " +
		"back__warmer = back:warmer FLOAT64, later__crowded = later:crowded BOOL; " +
		"uses out__here[origin][temp] out__there[dest][temp] out__calendar[][holiday]; " +
		"inputs [{{seats INT32} false} {{later_seats INT32} false}]"
	if got := told(t, selection); got != want {
		t.Errorf("selects\n%s, want\n%s", got, want)
	}
	// Both ways read the same rows, each in its own place.
	out, back := selection.Computations[0].Inputs[1], selection.Computations[1].Inputs[1]
	if out.Name != "here.temp" || back.Name != "there.temp" || out.Stored != back.Stored {
		t.Errorf("out reads %v, and back %v", out, back)
	}
}

func TestSelectionsOfOnDemandViewsThatCannotBeAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		references []*plumbv1.ViewReference
		want       string
	}{
		"an unknown feature": {[]*plumbv1.ViewReference{{View: "comfort", Features: []string{"cozy"}}},
			`no feature of view comfort is named "cozy"; did you mean "cosy"?`},
		"an unknown view": {[]*plumbv1.ViewReference{{View: "comfrot"}}, `did you mean "comfort"?`},
		"a label column that it does not read": {[]*plumbv1.ViewReference{{View: "comfort",
			JoinKeys: map[string]string{"airport": "x"}}}, `no label column of on-demand view comfort is named "airport"`},
		"an alias of two views": {[]*plumbv1.ViewReference{{View: "weather", As: "comfort"}, {View: "comfort"}},
			`"comfort" stands for two uses of views`},
		"an alias the other way round": {[]*plumbv1.ViewReference{{View: "comfort"}, {View: "weather", As: "comfort"}},
			`"comfort" stands for two uses of views`},
		"two maps under one alias": {[]*plumbv1.ViewReference{{View: "comfort", Features: []string{"warmer"}},
			{View: "comfort", Features: []string{"cosy"}, JoinKeys: map[string]string{"dest": "x"}}},
			`"comfort" stands for two uses of views`},
		"an output twice": {[]*plumbv1.ViewReference{{View: "comfort"}, {View: "comfort", Features: []string{"cosy"}}},
			`"cosy" is wanted by comfort:cosy and comfort:cosy`},
	} {
		_, err := withComfort(t, asIs, service("s", c.references...)).SelectService("s", false)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: the error is %v, want one with %s", name, err, c.want)
		}
	}
}

func TestASensitiveInputIsASensitiveColumnIfItIsRead(t *testing.T) {
	for reference, want := range map[string][]string{"comfort:greeting": {"name"}, "comfort:warmer": nil} {
		selection, err := withComfort(t, asIs).SelectFeatures([]string{reference}, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := selection.SensitiveColumns(); !slices.Equal(got, want) {
			t.Errorf("of %s %q are sensitive, want %q", reference, got, want)
		}
	}
}

func TestAnInputOfTwoTypesIsRefused(t *testing.T) {
	s := withComfort(t, asIs, service("s", &plumbv1.ViewReference{View: "comfort",
		Features: []string{"crowded", "greeting"}, JoinKeys: map[string]string{"seats": "name"}}))
	selection, err := s.SelectService("s", false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := selection.Inputs(); err == nil || !strings.Contains(err.Error(), "is read as INT32 and as STRING") {
		t.Errorf("the error is %v", err)
	}
}

// A column that is a key too is given as a key, and is as sensitive as the input is.
func TestAnInputThatIsAKeyIsListedOnceAndIsSensitive(t *testing.T) {
	s := withComfort(t, asIs, service("s", &plumbv1.ViewReference{View: "comfort", Features: []string{"greeting"},
		JoinKeys: map[string]string{"name": "airport"}}, &plumbv1.ViewReference{View: "weather"}))
	selection, err := s.SelectService("s", false)
	if err != nil {
		t.Fatal(err)
	}
	if inputs, err := selection.Inputs(); err != nil || inputs != nil {
		t.Errorf("the inputs are %v, %v", inputs, err)
	}
	if got := selection.SensitiveColumns(); !slices.Equal(got, []string{"airport"}) {
		t.Errorf("sensitive are %q", got)
	}
}

func TestTheHashOfAnOnDemandViewIsOfWhatDecidesItsValues(t *testing.T) {
	before := withComfort(t, asIs).OnDemandViews()[0].Hash
	for name, c := range map[string]struct {
		edit func(*plumbv1.OnDemandView)
		same bool
	}{
		"a description": {func(v *plumbv1.OnDemandView) { v.Description, v.Features[0].Description = "x", "y" }, true},
		"what is sensitive": {func(v *plumbv1.OnDemandView) { v.Features[0].Sensitive, v.Request[1].Sensitive = true, false },
			true},
		"the order": {func(v *plumbv1.OnDemandView) {
			slices.Reverse(v.Features)
			slices.Reverse(v.Request)
			slices.Reverse(v.Views)
		}, true},
		"an expression":  {func(v *plumbv1.OnDemandView) { v.Features[0].Expression += " + 1.0" }, false},
		"a type":         {func(v *plumbv1.OnDemandView) { v.Features[0].Type = plumbv1.Type_FLOAT32 }, false},
		"an input":       {func(v *plumbv1.OnDemandView) { v.Request[0].Type = plumbv1.Type_INT64 }, false},
		"a label column": {func(v *plumbv1.OnDemandView) { v.Views[0].JoinKeys = nil }, false},
	} {
		after := withComfort(t, c.edit).OnDemandViews()[0].Hash
		if (after == before) != c.same {
			t.Errorf("%s: the hash stays the same: %t", name, after == before)
		}
	}
	s := state()
	s.Definitions.OnDemandViews = []*plumbv1.OnDemandView{comfort()}
	weather := s.Definitions.FeatureViews[0]
	weather.Features[0] = proto.CloneOf(weather.Features[0])
	weather.Features[0].Column = "other"
	changed, err := feature.NewSnapshot("nycflights", 4, s)
	if err != nil {
		t.Fatal(err)
	}
	if changed.OnDemandViews()[0].Hash == before {
		t.Error("another definition of a view that is read leaves the hash as it was")
	}
}
