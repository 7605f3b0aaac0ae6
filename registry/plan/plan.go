package plan

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Plan is what has to change for a project to become what its definitions say.
type Plan struct {
	Project string
	// Base is the revision that was compared with, and that the plan may be applied to.
	Base int64
	// Changes are ordered by what depends on what: entities, sources, views, on-demand views and services are added and
	// altered, then removed in the opposite order; by name within each.
	Changes []Change

	state *plumbv1.State
}

// New compares desired definitions, which must have passed validation (spec), with the current revision. Neither is
// changed or kept.
func New(current *feature.Snapshot, desired *plumbv1.Definitions) *Plan {
	next := sorted(desired)
	c := &comparison{
		before:     newCatalogue(current.State.GetDefinitions()),
		after:      newCatalogue(next),
		registered: map[string]*plumbv1.RegisteredView{},
		revision:   current.Revision + 1,
	}
	for _, view := range current.State.GetViews() {
		c.registered[view.GetName()] = view
	}
	state := &plumbv1.State{Definitions: next}
	views := c.compareViews(state)
	c.dateDefinitions(current, state)
	changes := append(c.compareEntities(), c.compareSources()...)
	changes = append(changes, views...)
	changes = append(changes, c.compareOnDemandViews()...)
	changes = append(changes, c.compareServices(current, state)...)
	return &Plan{
		Project: current.Project,
		Base:    current.Revision,
		Changes: append(changes, c.removals()...),
		state:   state,
	}
}

// Empty says that there is nothing to change.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 }

// Hazards returns the hazards of all changes, in their order.
func (p *Plan) Hazards() []Hazard {
	var hazards []Hazard
	for _, change := range p.Changes {
		hazards = append(hazards, change.Hazards()...)
	}
	return hazards
}

// Detail is a change with its hazards, as programs read it.
type Detail struct {
	Description
	Hazards []Hazard `json:"hazards,omitempty"`
}

// Details returns every change with its hazards, in their order; none is an empty list.
func (p *Plan) Details() []Detail {
	details := make([]Detail, len(p.Changes))
	for i, change := range p.Changes {
		details[i] = Detail{change.Describe(), change.Hazards()}
	}
	return details
}

// State returns the complete state of the next revision, Base+1. The caller owns it.
func (p *Plan) State() *plumbv1.State { return proto.CloneOf(p.state) }

// Commit returns what Registry.Apply needs to make the plan the next revision.
func (p *Plan) Commit(by string, at time.Time) registry.Commit {
	commit := registry.Commit{Project: p.Project, Base: p.Base, State: p.State(), By: by, At: at}
	for _, change := range p.Changes {
		commit.Changes = append(commit.Changes, change.Describe().String())
	}
	return commit
}
