package plan

import (
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Change is one thing that is added, altered or removed. Its Go type says which; all are defined in this file, but for
// those of on-demand views.
type Change interface {
	Describe() Description
	// Hazards returns what the change does to others; nil if it is harmless.
	Hazards() []Hazard
}

// Action says what happens to a thing.
type Action string

// The actions.
const (
	Add    Action = "add"
	Alter  Action = "alter"
	Remove Action = "remove"
)

// Kind says what sort of thing it is.
type Kind string

// The kinds.
const (
	Entity       Kind = "entity"
	Source       Kind = "source"
	View         Kind = "view"
	OnDemandView Kind = "on-demand view"
	Service      Kind = "service"
)

// Description says what changes.
type Description struct {
	Action Action `json:"action"`
	Kind   Kind   `json:"kind"`
	Name   string `json:"name"`
	// Differences are what alters, field by field; none for what is added or removed.
	Differences []Difference `json:"differences,omitempty"`
	// Outputs are the features of a view with aggregations or of an on-demand view that is new, or that computes other
	// features than before.
	Outputs []Output `json:"outputs,omitempty"`
}

// String is one line, such as "alter view weather: ttl: 3h -> 6h".
func (d Description) String() string {
	line := string(d.Action) + " " + string(d.Kind) + " " + d.Name
	for i, difference := range d.Differences {
		line += []string{": ", "; "}[min(i, 1)] + difference.String()
	}
	return line
}

// Difference is one field that alters. From is empty if the field is new, To if it is removed.
type Difference struct {
	// Field is a dotted path, such as "ttl" or "features.temp.type".
	Field string `json:"field"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// String is one line; long values are cut.
func (d Difference) String() string {
	from, to := shorten(d.From), shorten(d.To)
	switch {
	case d.From == "":
		return d.Field + " added: " + to
	case d.To == "":
		return d.Field + " removed, was " + from
	case from == to:
		return d.Field + ": " + from + " (altered)"
	}
	return d.Field + ": " + from + " -> " + to
}

func shorten(text string) string {
	const most = 60
	runes := []rune(strings.Join(strings.Fields(text), " "))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}

// Hazard is something that a change does to others.
type Hazard struct {
	// Code is stable; the package documentation lists all.
	Code string `json:"code"`
	// Message is one sentence: what changes, and what becomes of look-ups and training sets.
	Message string `json:"message"`
}

// String is the code and the message.
func (h Hazard) String() string { return h.Code + " " + h.Message }

type harmless struct{}

// Hazards returns nil.
func (harmless) Hazards() []Hazard { return nil }

// AddEntity registers a new entity.
type AddEntity struct {
	harmless
	Entity *plumbv1.Entity
}

// Describe returns what changes.
func (c AddEntity) Describe() Description { return describe(Add, Entity, c.Entity) }

// AlterEntity changes an entity. What that does to views is listed with the views.
type AlterEntity struct {
	harmless
	From, To    *plumbv1.Entity
	differences []Difference
}

// Describe returns what changes.
func (c AlterEntity) Describe() Description { return describe(Alter, Entity, c.To, c.differences...) }

// RemoveEntity removes an entity.
type RemoveEntity struct {
	harmless
	Entity *plumbv1.Entity
}

// Describe returns what changes.
func (c RemoveEntity) Describe() Description { return describe(Remove, Entity, c.Entity) }

// AddSource registers a new source.
type AddSource struct {
	harmless
	Source *plumbv1.Source
}

// Describe returns what changes.
func (c AddSource) Describe() Description { return describe(Add, Source, c.Source) }

// AlterSource changes a source. What that does to views is listed with the views.
type AlterSource struct {
	harmless
	From, To    *plumbv1.Source
	differences []Difference
}

// Describe returns what changes.
func (c AlterSource) Describe() Description { return describe(Alter, Source, c.To, c.differences...) }

// RemoveSource removes a source.
type RemoveSource struct {
	harmless
	Source *plumbv1.Source
}

// Describe returns what changes.
func (c RemoveSource) Describe() Description { return describe(Remove, Source, c.Source) }

// AddView registers a new feature view.
type AddView struct {
	harmless
	View    *plumbv1.FeatureView
	outputs []Output
}

// Describe returns what changes.
func (c AddView) Describe() Description {
	description := describe(Add, View, c.View)
	description.Outputs = c.outputs
	return description
}

// AlterView changes a feature view, or what its rows mean: an entity or a source of it may alter while its own
// definition stays.
type AlterView struct {
	From, To    *plumbv1.FeatureView
	differences []Difference
	hazards     []Hazard
	outputs     []Output
}

// Describe returns what changes.
func (c AlterView) Describe() Description {
	description := describe(Alter, View, c.To, c.differences...)
	description.Outputs = c.outputs
	return description
}

// Hazards returns what becomes of stored rows and training sets.
func (c AlterView) Hazards() []Hazard { return c.hazards }

// RemoveView removes a feature view.
type RemoveView struct{ View *plumbv1.FeatureView }

// Describe returns what changes.
func (c RemoveView) Describe() Description { return describe(Remove, View, c.View) }

// Hazards returns PB106.
func (c RemoveView) Hazards() []Hazard {
	return []Hazard{{"PB106", "the view goes: look-ups and training sets that ask for it fail, and rows that it has in " +
		"the online store stay there unread"}}
}

// AddService registers a new feature service.
type AddService struct {
	harmless
	Service *plumbv1.FeatureService
}

// Describe returns what changes.
func (c AddService) Describe() Description { return describe(Add, Service, c.Service) }

// AlterService changes a feature service, or what it returns: a view may gain a feature while the service's own
// definition stays.
type AlterService struct {
	From, To    *plumbv1.FeatureService
	differences []Difference
	hazards     []Hazard
}

// Describe returns what changes.
func (c AlterService) Describe() Description { return describe(Alter, Service, c.To, c.differences...) }

// Hazards returns PB109 if the columns that callers give or get change.
func (c AlterService) Hazards() []Hazard { return c.hazards }

// RemoveService removes a feature service.
type RemoveService struct{ Service *plumbv1.FeatureService }

// Describe returns what changes.
func (c RemoveService) Describe() Description { return describe(Remove, Service, c.Service) }

// Hazards returns PB109.
func (c RemoveService) Hazards() []Hazard {
	return []Hazard{{"PB109", "the service goes: look-ups and training sets that ask for it fail"}}
}

func describe(action Action, kind Kind, thing named, differences ...Difference) Description {
	return Description{Action: action, Kind: kind, Name: thing.GetName(), Differences: differences}
}
