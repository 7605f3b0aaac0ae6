package project

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/parity"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/plan"
	"github.com/plumbstore/plumb/store/lookup"
)

// verifying is what to verify.
type verifying struct {
	// snapshot has the definitions: those of a revision, or those of a plan, as they would be registered.
	snapshot *feature.Snapshot
	plan     bool
	targets  []parity.Target
	skipped  []parity.Skipped
}

func newVerifying(snapshot *feature.Snapshot) *verifying { return &verifying{snapshot: snapshot} }

// addServices adds the services that are named, which have to be such that they can be served, or else all that are.
func (v *verifying) addServices(names []string) error {
	if len(names) > 0 {
		for _, name := range names {
			if err := v.servable(name); err != nil {
				return err
			}
			v.addService(name)
		}
		return nil
	}
	for _, service := range v.snapshot.State.GetDefinitions().GetFeatureServices() {
		v.addIfServable(service.GetName())
	}
	return nil
}

func (v *verifying) addService(name string) {
	if !slices.ContainsFunc(v.targets, func(t parity.Target) bool { return t.Service == name }) {
		v.targets = append(v.targets, parity.Target{Name: name, Service: name})
	}
}

func (v *verifying) addIfServable(name string) {
	if err := v.servable(name); err != nil {
		v.skipped = append(v.skipped, parity.Skipped{Name: "service " + name, Reason: err.Error()})
		return
	}
	v.addService(name)
}

// servable is why a service cannot be served, or nil.
func (v *verifying) servable(name string) error {
	selection, err := v.snapshot.SelectService(name, false)
	if err != nil {
		return err
	}
	_, err = lookup.New(selection)
	return err
}

// nothing says why there is nothing to verify.
func (v *verifying) nothing() string {
	if len(v.skipped) == 0 {
		return "there is no feature service to verify; define one"
	}
	var reasons []string
	for _, skipped := range v.skipped {
		reasons = append(reasons, skipped.Name+": "+skipped.Reason)
	}
	return "no feature service can be served, so that there is nothing to verify: " + strings.Join(reasons, "; ")
}

// label gives the one target label rows.
func (v *verifying) label(path, timestampColumn string) error {
	if len(v.targets) != 1 {
		return fault.Inputf(LabelsField, "are the label rows of one service, and %d things are to be verified; name the "+
			"service", len(v.targets))
	}
	v.targets[0].Labels, v.targets[0].TimestampColumn = path, timestampColumn
	return nil
}

// candidates are what a plan would change: the services named, or else every service and view that the plan reaches.
func candidates(planned *plan.Plan, services []string) (*verifying, error) {
	snapshot, err := feature.NewSnapshot(planned.Project, planned.Base+1, planned.State())
	if err != nil {
		return nil, err
	}
	v := &verifying{snapshot: snapshot, plan: true}
	if len(services) > 0 {
		return v, v.addServices(services)
	}
	v.addReached(newReach(planned, snapshot))
	return v, nil
}

// addReached adds the services that are reached, and what is reached of views beside them. A view whose features are
// all in services that are verified is not verified a second time.
func (v *verifying) addReached(reached reach) {
	definitions := v.snapshot.State.GetDefinitions()
	covered := map[string]bool{} // By "view:feature".
	for _, service := range definitions.GetFeatureServices() {
		if !reached.services[service.GetName()] {
			continue
		}
		before := len(v.targets)
		if v.addIfServable(service.GetName()); len(v.targets) > before {
			v.cover(covered, service.GetName())
		}
	}
	for _, view := range v.snapshot.Views() {
		if !reached.views[view.Name] {
			continue
		}
		if !view.Online {
			v.skipped = append(v.skipped, parity.Skipped{Name: "view " + view.Name,
				Reason: "it has online: false and is never served"})
			continue
		}
		if slices.ContainsFunc(view.Features, func(f feature.Feature) bool { return !covered[view.Name+":"+f.Name] }) {
			v.addView(view.Name)
		}
	}
	for _, view := range v.snapshot.OnDemandViews() {
		isNew := func(f feature.ComputedFeature) bool { return !covered[view.Name+":"+f.Name] }
		if !reached.views[view.Name] || !slices.ContainsFunc(view.Features, isNew) {
			continue
		}
		at := slices.IndexFunc(view.Uses, func(use feature.Reference) bool { return !use.View.Online })
		if at >= 0 {
			v.skipped = append(v.skipped, parity.Skipped{Name: "view " + view.Name,
				Reason: fmt.Sprintf("view %s, which it reads, has online: false and is never served", view.Uses[at].View.Name)})
			continue
		}
		v.addView(view.Name)
	}
}

func (v *verifying) addView(name string) {
	v.targets = append(v.targets, parity.Target{Name: "view " + name, Features: []string{name + ":*"}})
}

// cover notes the features that a service has.
func (v *verifying) cover(covered map[string]bool, service string) {
	selection, err := v.snapshot.SelectService(service, false)
	if err != nil { // It was selected before.
		return
	}
	for _, output := range selection.Outputs {
		f := selection.Describe(output)
		covered[f.View+":"+f.Name] = true
	}
}

// reach is what a plan adds or alters, and what rests on that: views on entities and sources, on-demand views on views,
// services on both.
//
// For example, a plan that alters a join key of entity driver reaches every view of drivers, and every service with a
// feature of such a view, though neither the views nor the services change. What a plan removes reaches nothing: it is
// no longer there to be verified.
type reach struct{ sources, entities, views, services map[string]bool }

func newReach(planned *plan.Plan, snapshot *feature.Snapshot) reach {
	r := reach{map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	of := map[plan.Kind]map[string]bool{plan.Source: r.sources, plan.Entity: r.entities, plan.View: r.views,
		plan.OnDemandView: r.views, plan.Service: r.services}
	for _, change := range planned.Changes {
		if described := change.Describe(); described.Action != plan.Remove {
			of[described.Kind][described.Name] = true
		}
	}
	definitions := snapshot.State.GetDefinitions()
	for _, view := range definitions.GetFeatureViews() {
		changed := func(entity string) bool { return r.entities[entity] }
		if r.reads(snapshot, view.GetSource()) || slices.ContainsFunc(view.GetEntities(), changed) {
			r.views[view.GetName()] = true
		}
	}
	for _, view := range definitions.GetOnDemandViews() {
		if slices.ContainsFunc(view.GetViews(), func(input *plumbv1.ViewInput) bool { return r.views[input.GetView()] }) {
			r.views[view.GetName()] = true
		}
	}
	for _, service := range definitions.GetFeatureServices() {
		for _, reference := range service.GetFeatures() {
			if r.views[reference.GetView()] {
				r.services[service.GetName()] = true
			}
		}
	}
	return r
}

// reads says whether a source is reached, or one that its query may read.
func (r reach) reads(snapshot *feature.Snapshot, name string) bool {
	source, err := snapshot.Source(name)
	return err == nil && (r.sources[name] ||
		slices.ContainsFunc(source.Reads(), func(read *feature.Source) bool { return r.sources[read.Name] }))
}
