package plan_test

import (
	"strings"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func comfort(edit func(*plumbv1.OnDemandView)) func(*plumbv1.Definitions) {
	return func(d *plumbv1.Definitions) {
		view := &plumbv1.OnDemandView{Name: "comfort",
			Request: []*plumbv1.RequestInput{{Name: "seats", Type: plumbv1.Type_INT32}},
			Views:   []*plumbv1.ViewInput{{View: "weather", As: "here"}},
			Features: []*plumbv1.ComputedFeature{
				{Name: "warm", Type: plumbv1.Type_BOOL, Expression: "here.temp > 60.0"},
				{Name: "crowded", Type: plumbv1.Type_BOOL, Expression: "seats < 100"},
			}}
		edit(view)
		d.OnDemandViews = []*plumbv1.OnDemandView{view}
	}
}

func TestEachEditOfAnOnDemandViewHasItsHazards(t *testing.T) {
	serving := func(d *plumbv1.Definitions) {
		comfort(func(*plumbv1.OnDemandView) {})(d)
		d.FeatureServices = append(d.FeatureServices, &plumbv1.FeatureService{Name: "served",
			Features: []*plumbv1.ViewReference{{View: "comfort"}}})
	}
	for name, c := range map[string]struct {
		edit    func(*plumbv1.Definitions)
		changes string
		hazards string
	}{
		"an expression": {comfort(func(v *plumbv1.OnDemandView) { v.Features[0].Expression = "here.temp > 70.0" }),
			"alter on-demand view comfort: features.warm.expression: here.temp > 60.0 -> here.temp > 70.0", "comfort PB112"},
		"a type and its expression": {comfort(func(v *plumbv1.OnDemandView) {
			v.Features[1].Type, v.Features[1].Expression = plumbv1.Type_INT64, "seats + 1"
		}), "alter on-demand view comfort: features.crowded: BOOL -> INT64; " +
			"features.crowded.expression: seats < 100 -> seats + 1",
			"comfort PB112, served PB109"},
		"another view": {comfort(func(v *plumbv1.OnDemandView) {
			v.Views[0].JoinKeys = map[string]string{"airport": "origin"}
		}), "alter on-demand view comfort: views.here: weather -> weather (airport: origin)", "comfort PB112, served PB109"},
		"a feature that comes": {comfort(func(v *plumbv1.OnDemandView) {
			v.Features = append(v.Features, &plumbv1.ComputedFeature{Name: "cold", Type: plumbv1.Type_BOOL, Expression: "!warm"})
		}), "alter on-demand view comfort: features.cold added: BOOL", "served PB109"},
		"a feature that goes": {comfort(func(v *plumbv1.OnDemandView) { v.Features = v.Features[:1] }),
			"alter on-demand view comfort: features.crowded removed, was BOOL", "comfort PB107, served PB109"},
		"a description": {comfort(func(v *plumbv1.OnDemandView) { v.Description = "how one feels" }),
			"alter on-demand view comfort: description added: how one feels", ""},
		"what is sensitive": {comfort(func(v *plumbv1.OnDemandView) { v.Request[0].Sensitive = true }),
			"alter on-demand view comfort: request.seats.sensitive added: true", ""},
		"an input that is added": {comfort(func(v *plumbv1.OnDemandView) {
			v.Request = append(v.Request, &plumbv1.RequestInput{Name: "more", Type: plumbv1.Type_BOOL})
		}), "alter on-demand view comfort: request.more added: BOOL", ""},
		"the view goes, and who asks for it": {func(d *plumbv1.Definitions) {
			d.OnDemandViews, d.FeatureServices = nil, d.FeatureServices[:1]
		}, "remove service served", "served PB109, comfort PB106"},
	} {
		p := history(t, serving, c.edit)
		if got := p.Changes[0].Describe().String(); got != c.changes {
			t.Errorf("%s: the first change is %q, want %q", name, got, c.changes)
		}
		if got := codes(p); got != c.hazards {
			t.Errorf("%s: the hazards are %q, want %q", name, got, c.hazards)
		}
	}
	if p := history(t, serving, func(*plumbv1.Definitions) {}); !p.Empty() {
		t.Errorf("nothing is edited, and the plan is %v", p.Changes)
	}
	if p := history(t, serving); p.Changes[0].Describe().String() != "add on-demand view comfort" || codes(p) != "" {
		t.Errorf("a new view is %v with hazards %q", p.Changes[0], codes(p))
	}
}

func TestThePlanSaysWhatAnOnDemandViewComputes(t *testing.T) {
	p := history(t, comfort(func(*plumbv1.OnDemandView) {}))
	const want = `+ on-demand view comfort
    warm BOOL: here.temp > 60.0
    crowded BOOL: seats < 100
`
	if text := written(t, p); !strings.Contains(text, want) {
		t.Errorf("got\n%s", text)
	}
	long := "here.temp > 60.0\n  && " + strings.Repeat("true && ", 20) + "true"
	p = history(t, comfort(func(*plumbv1.OnDemandView) {}), comfort(func(v *plumbv1.OnDemandView) {
		v.Features[0].Expression = long
	}))
	cut := "    warm BOOL: here.temp > 60.0 && true && true && true && true && true && …\n"
	if text := written(t, p); !strings.Contains(text, cut) {
		t.Errorf("got\n%s", text)
	}
	if outputs := p.Details()[0].Outputs; len(outputs) != 2 || outputs[0].Computes != long {
		t.Errorf("got %+v", outputs)
	}
	p = history(t, comfort(func(*plumbv1.OnDemandView) {}), comfort(func(v *plumbv1.OnDemandView) { v.Description = "x" }))
	if outputs := p.Details()[0].Outputs; outputs != nil {
		t.Errorf("a description alone alters %+v", outputs)
	}
}
