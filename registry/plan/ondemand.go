package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// AddOnDemandView registers a new on-demand view.
type AddOnDemandView struct {
	harmless
	View *plumbv1.OnDemandView
}

// Describe returns what changes.
func (c AddOnDemandView) Describe() Description {
	description := describe(Add, OnDemandView, c.View)
	description.Outputs = expressionsOf(c.View)
	return description
}

// AlterOnDemandView changes an on-demand view.
type AlterOnDemandView struct {
	From, To    *plumbv1.OnDemandView
	differences []Difference
	hazards     []Hazard
}

// Describe returns what changes.
func (c AlterOnDemandView) Describe() Description {
	description := describe(Alter, OnDemandView, c.To, c.differences...)
	if outputs := expressionsOf(c.To); !slices.Equal(outputs, expressionsOf(c.From)) {
		description.Outputs = outputs
	}
	return description
}

// Hazards returns PB112 if the view computes other values, and PB107 if features go.
func (c AlterOnDemandView) Hazards() []Hazard { return c.hazards }

// RemoveOnDemandView removes an on-demand view.
type RemoveOnDemandView struct{ View *plumbv1.OnDemandView }

// Describe returns what changes.
func (c RemoveOnDemandView) Describe() Description { return describe(Remove, OnDemandView, c.View) }

// Hazards returns PB106.
func (c RemoveOnDemandView) Hazards() []Hazard {
	return []Hazard{{"PB106", "the view goes: look-ups and training sets that ask for it fail"}}
}

// compareOnDemandViews compares on-demand views as they are written. Nothing of them is stored, so a change is seen by
// the next look-up; models that were trained before it are served other values then.
func (c *comparison) compareOnDemandViews() []Change {
	var changes []Change
	for _, view := range c.after.definitions.GetOnDemandViews() {
		old, ok := c.before.onDemand[view.GetName()]
		if !ok {
			changes = append(changes, AddOnDemandView{View: view})
			continue
		}
		values := onDemandDifferences(old, view)
		d := differ{found: values}
		d.onDemandTexts(old, view)
		if d.found != nil {
			changes = append(changes, AlterOnDemandView{From: old, To: view, differences: d.found,
				hazards: onDemandHazards(old, view, values)})
		}
	}
	return changes
}

// onDemandDifferences compares what decides values.
func onDemandDifferences(old, view *plumbv1.OnDemandView) []Difference {
	var d differ
	d.items("request", inputTypes(old), inputTypes(view))
	d.items("views", viewInputs(old), viewInputs(view))
	d.items("features", computedTypes(old), computedTypes(view))
	former := byName(old.GetFeatures())
	for _, f := range view.GetFeatures() {
		if before := former[f.GetName()]; before != nil {
			d.text("features."+f.GetName()+".expression", before.GetExpression(), f.GetExpression())
		}
	}
	return d.found
}

// onDemandTexts compares what decides no values.
func (d *differ) onDemandTexts(old, view *plumbv1.OnDemandView) {
	formerInputs, former := byName(old.GetRequest()), byName(old.GetFeatures())
	for _, input := range view.GetRequest() {
		if before := formerInputs[input.GetName()]; before != nil {
			field := "request." + input.GetName()
			d.text(field+".description", before.GetDescription(), input.GetDescription())
			d.text(field+".sensitive", ifTrue(before.GetSensitive()), ifTrue(input.GetSensitive()))
		}
	}
	for _, f := range view.GetFeatures() {
		if before := former[f.GetName()]; before != nil {
			field := "features." + f.GetName()
			d.text(field+".description", before.GetDescription(), f.GetDescription())
			d.tags(field+".tags", before.GetTags(), f.GetTags())
			d.text(field+".sensitive", ifTrue(before.GetSensitive()), ifTrue(f.GetSensitive()))
		}
	}
	d.text("description", old.GetDescription(), view.GetDescription())
	d.text("owner", old.GetOwner(), view.GetOwner())
	d.tags("tags", old.GetTags(), view.GetTags())
}

// onDemandHazards says what a change does to models. A feature that is only added, and an input that only it reads, do
// nothing to others.
func onDemandHazards(old, view *plumbv1.OnDemandView, values []Difference) []Hazard {
	var hazards []Hazard
	after := byName(view.GetFeatures())
	for _, f := range old.GetFeatures() {
		if after[f.GetName()] == nil {
			hazards = append(hazards, Hazard{"PB107", fmt.Sprintf("feature %s goes: look-ups and training sets that ask for "+
				"it fail", f.GetName())})
		}
	}
	var fields []string
	for _, difference := range values {
		feature, isFeature := strings.CutPrefix(difference.Field, "features.")
		if difference.From != "" && (!isFeature || after[strings.TrimSuffix(feature, ".expression")] != nil) &&
			difference.Field != "features" {
			fields = append(fields, difference.Field)
		}
	}
	if fields != nil {
		hazards = append(hazards, Hazard{"PB112", "values are computed otherwise, by a change in " +
			strings.Join(fields, " and ") + ": models that were trained before it are served other values from now on"})
	}
	return hazards
}

func inputTypes(view *plumbv1.OnDemandView) []item {
	var items []item
	for _, input := range view.GetRequest() {
		items = append(items, item{input.GetName(), input.GetType().String()})
	}
	return items
}

// viewInputs spells out the uses of views by alias, as references does for a service.
func viewInputs(view *plumbv1.OnDemandView) []item {
	var items []item
	for _, input := range view.GetViews() {
		alias := cmp.Or(input.GetAs(), input.GetView())
		items = append(items, item{alias, referenceText(&plumbv1.ViewReference{View: input.GetView(),
			JoinKeys: input.GetJoinKeys()})})
	}
	return items
}

func computedTypes(view *plumbv1.OnDemandView) []item {
	var items []item
	for _, f := range view.GetFeatures() {
		items = append(items, item{f.GetName(), f.GetType().String()})
	}
	return items
}

// expressionsOf are the features of an on-demand view with their expressions, in their order.
func expressionsOf(view *plumbv1.OnDemandView) []Output {
	var outputs []Output
	for _, f := range view.GetFeatures() {
		outputs = append(outputs, Output{Name: f.GetName(), Type: f.GetType().String(), Computes: f.GetExpression()})
	}
	return outputs
}
