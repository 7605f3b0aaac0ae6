// Package feature is the model: what definitions mean once they are registered.
//
// People write definitions as YAML, which registry/spec reads into the messages of proto/plumb/v1. A [Snapshot] is one
// registered revision of them with every name resolved, so that a [View] has its [Source], its key columns and its
// [Feature] list at hand. Engines and servers work on snapshots alone, and never go back to the registry:
//
//	snapshot, err := registry.Current(ctx, "flights")
//	selection, err := snapshot.SelectService("delay_model", false)
//	// selection.References are the views to read, selection.Outputs the columns to give, in their order.
//
// It reads no files and asks no engine.
package feature

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Snapshot is one revision of a project, resolved and immutable.
type Snapshot struct {
	Project  string
	Revision int64
	// State is what the registry keeps. It must not be changed.
	State *plumbv1.State

	sources  map[string]*Source
	views    map[string]*View
	onDemand map[string]*OnDemandView
	services map[string]*plumbv1.FeatureService
}

// NewSnapshot resolves the state of a revision. The definitions must have passed validation (spec); a reference to
// something that is not there is reported as an error all the same.
func NewSnapshot(project string, revision int64, state *plumbv1.State) (*Snapshot, error) {
	if state == nil {
		state = &plumbv1.State{}
	}
	s := &Snapshot{
		Project:  project,
		Revision: revision,
		State:    state,
		sources:  ResolveSources(state.GetDefinitions().GetSources()),
		views:    map[string]*View{},
		onDemand: map[string]*OnDemandView{},
		services: map[string]*plumbv1.FeatureService{},
	}
	defs := state.GetDefinitions()
	entities := map[string]*plumbv1.Entity{}
	for _, entity := range defs.GetEntities() {
		entities[entity.GetName()] = entity
	}
	for i, view := range defs.GetFeatureViews() {
		if i >= len(state.GetViews()) || !isLayoutOf(state.GetViews()[i], view) {
			return nil, fmt.Errorf("revision %d of project %q has no layout for view %q", revision, project, view.GetName())
		}
		resolved, err := s.resolveView(view, state.GetViews()[i], entities)
		if err != nil {
			return nil, err
		}
		s.views[view.GetName()] = resolved
	}
	for _, view := range defs.GetOnDemandViews() {
		resolved, err := s.resolveOnDemand(view)
		if err != nil {
			return nil, err
		}
		s.onDemand[view.GetName()] = resolved
	}
	for _, service := range defs.GetFeatureServices() {
		s.services[service.GetName()] = service
	}
	return s, nil
}

// ResolveSources resolves the sources of a project by name, each with the others as its siblings. They need not be
// valid.
func ResolveSources(definitions []*plumbv1.Source) map[string]*Source {
	sources := map[string]*Source{}
	for _, source := range definitions {
		sources[source.GetName()] = resolveSource(source, sources)
	}
	return sources
}

func isLayoutOf(registered *plumbv1.RegisteredView, view *plumbv1.FeatureView) bool {
	return registered.GetName() == view.GetName() && len(registered.GetSchemas()) > 0
}

func resolveSource(source *plumbv1.Source, siblings map[string]*Source) *Source {
	resolved := &Source{
		Name:             source.GetName(),
		Kind:             KindOf(source),
		EventTimestamp:   source.GetEventTimestamp(),
		CreatedTimestamp: source.GetCreatedTimestamp(),
		Filter:           source.GetFilter(),
		siblings:         siblings,
	}
	for _, column := range source.GetColumns() {
		resolved.Columns = append(resolved.Columns, resolveColumn(column))
	}
	return resolved
}

func (s *Snapshot) resolveView(view *plumbv1.FeatureView, registered *plumbv1.RegisteredView,
	entities map[string]*plumbv1.Entity,
) (*View, error) {
	resolved := &View{
		Project:    s.Project,
		Name:       view.GetName(),
		Generation: registered.GetGeneration(),
		Rebuild:    max(registered.GetRebuild(), registered.GetGeneration()),
		TTL:        view.GetTtl().AsDuration(),
		Online:     view.Online == nil || view.GetOnline(),
		Lookback:   view.GetLookback().AsDuration(),
		Source:     s.sources[view.GetSource()],
	}
	if resolved.Source == nil {
		return nil, &fault.NotFoundError{Kind: "source", Name: view.GetSource()}
	}
	for _, name := range view.GetEntities() {
		entity, ok := entities[name]
		if !ok {
			return nil, &fault.NotFoundError{Kind: "entity", Name: name}
		}
		for _, key := range entity.GetJoinKeys() {
			resolved.Keys = append(resolved.Keys, Field{Name: key.GetName(), Type: key.GetType()})
			if column := key.GetColumn(); column != "" && column != key.GetName() {
				if resolved.keyColumns == nil {
					resolved.keyColumns = map[string]string{}
				}
				resolved.keyColumns[key.GetName()] = column
			}
			if key.GetSensitive() {
				resolved.SensitiveKeys = append(resolved.SensitiveKeys, key.GetName())
			}
		}
	}
	for _, f := range view.GetFeatures() {
		field := Field{Name: f.GetName(), Type: f.GetType()}
		resolved.Features = append(resolved.Features, Feature{
			Field: field, Column: cmp.Or(f.GetColumn(), field.Name), Sensitive: f.GetSensitive(),
		})
	}
	if len(view.GetAggregations()) > 0 {
		if err := resolved.aggregate(view.GetAggregations()); err != nil {
			return nil, err
		}
	}
	if path := view.GetPushLog().GetPath(); path != "" {
		resolved.Source = resolved.Source.WithLog(resolved.Name, path, resolved.Columns())
	}
	for _, schema := range registered.GetSchemas() {
		fields := make([]Field, len(schema.GetFields()))
		for i, field := range schema.GetFields() {
			fields[i] = Field{Name: field.GetName(), Type: field.GetType()}
		}
		resolved.Schemas = append(resolved.Schemas, Schema{ID: schema.GetId(), Fields: fields})
	}
	resolved.Hash = hashOf(resolved)
	if bytes.Equal(resolved.Hash[:], registered.GetDefinitionHash()) {
		resolved.Revision = registered.GetDefinitionRevision()
	}
	return resolved, nil
}

// Source returns a source by name, or a fault.NotFoundError.
func (s *Snapshot) Source(name string) (*Source, error) { return find(s.sources, "source", name) }

// View returns a feature view by name, or a fault.NotFoundError. A *fault.InputError says that it is an on-demand view.
func (s *Snapshot) View(name string) (*View, error) {
	if _, ok := s.onDemand[name]; ok {
		return nil, fault.Inputf("", "%s is an on-demand view: it is computed when it is asked for, and nothing of it is "+
			"stored", name)
	}
	return find(s.views, "feature view", name)
}

// DefinitionHash returns the hash of the feature view or on-demand view of a name, and false if there is none.
func (s *Snapshot) DefinitionHash(view string) (DefinitionHash, bool) {
	if v, ok := s.views[view]; ok {
		return v.Hash, true
	}
	if v, ok := s.onDemand[view]; ok {
		return v.Hash, true
	}
	return DefinitionHash{}, false
}

// Views returns all feature views, ordered by name.
func (s *Snapshot) Views() []*View {
	return sortedBy(slices.Collect(maps.Values(s.views)), func(v *View) string { return v.Name })
}

// OnDemandViews returns all on-demand views, ordered by name.
func (s *Snapshot) OnDemandViews() []*OnDemandView {
	return sortedBy(slices.Collect(maps.Values(s.onDemand)), func(v *OnDemandView) string { return v.Name })
}

// Service returns the definition of a feature service by name, or a fault.NotFoundError.
func (s *Snapshot) Service(name string) (*plumbv1.FeatureService, error) {
	return find(s.services, "feature service", name)
}

func find[T any](things map[string]T, kind, name string) (T, error) {
	thing, ok := things[name]
	if !ok {
		return thing, &fault.NotFoundError{Kind: kind, Name: name, Suggestion: fault.Closest(name, sortedNames(things))}
	}
	return thing, nil
}

// Definition returns the definition of this name, or a fault.NotFoundError with the given kind.
func Definition[T interface{ GetName() string }](definitions []T, kind, name string) (T, error) {
	byName := make(map[string]T, len(definitions))
	for _, definition := range definitions {
		byName[definition.GetName()] = definition
	}
	return find(byName, kind, name)
}

// sortedBy returns the things in the order of a text of each.
func sortedBy[T any](things []T, text func(T) string) []T {
	return slices.SortedStableFunc(slices.Values(things), func(a, b T) int { return strings.Compare(text(a), text(b)) })
}

func sortedNames[T any](things map[string]T) []string { return slices.Sorted(maps.Keys(things)) }
