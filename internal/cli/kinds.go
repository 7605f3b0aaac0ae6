package cli

import (
	"cmp"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// named is a definition.
type named interface {
	proto.Message
	GetName() string
}

// kind is a list of definitions that list and show know.
//
// list, show and their completion go by this list, so a new kind of definition is a new entry and no new command.
type kind struct {
	// name is the plural, singular the other word for it on the command line, called what messages call one.
	name, singular, called string
	heading                []string
	all                    func(*plumbv1.Definitions) []named
	// cells are what list prints of one.
	cells func(named) []string
}

var kinds = []kind{
	newKind("entities", "entity", "entity", []string{"NAME", "JOIN KEYS", "DESCRIPTION"},
		(*plumbv1.Definitions).GetEntities, entityCells),
	newKind("sources", "source", "source", []string{"NAME", "READS", "EVENT TIME", "CREATED TIME", "DESCRIPTION"},
		(*plumbv1.Definitions).GetSources, sourceCells),
	newKind("views", "view", "feature view", []string{"NAME", "ENTITIES", "SOURCE", "TTL", "ONLINE", "FEATURES"},
		(*plumbv1.Definitions).GetFeatureViews, viewCells),
	newKind("on-demand-views", "on-demand-view", "on-demand view", []string{"NAME", "REQUEST", "VIEWS", "FEATURES"},
		(*plumbv1.Definitions).GetOnDemandViews, onDemandCells),
	newKind("services", "service", "feature service", []string{"NAME", "VIEWS", "DESCRIPTION"},
		(*plumbv1.Definitions).GetFeatureServices, serviceCells),
}

func newKind[T named](name, singular, called string, heading []string, all func(*plumbv1.Definitions) []T,
	cells func(T) []string,
) kind {
	return kind{
		name: name, singular: singular, called: called, heading: heading,
		all: func(definitions *plumbv1.Definitions) []named {
			var list []named
			for _, each := range all(definitions) {
				list = append(list, each)
			}
			return list
		},
		cells: func(each named) []string { return cells(each.(T)) },
	}
}

func entityCells(entity *plumbv1.Entity) []string {
	var keys []string
	for _, key := range entity.GetJoinKeys() {
		keys = append(keys, key.GetName()+" "+key.GetType().String())
	}
	return []string{entity.GetName(), strings.Join(keys, ", "), entity.GetDescription()}
}

func sourceCells(source *plumbv1.Source) []string {
	reads := "SQL"
	if files, ok := feature.KindOf(source).(feature.Files); ok {
		reads = files.Path
	}
	return []string{source.GetName(), reads, cmp.Or(source.GetEventTimestamp(), "-"),
		cmp.Or(source.GetCreatedTimestamp(), "-"), source.GetDescription()}
}

func viewCells(view *plumbv1.FeatureView) []string {
	var features []string
	for _, f := range view.GetFeatures() {
		features = append(features, f.GetName())
	}
	ttl, err := feature.FormatDuration(view.GetTtl().AsDuration())
	if err != nil {
		ttl = "unlimited" // Only an absent one is not positive.
	}
	online := view.Online == nil || view.GetOnline()
	return []string{view.GetName(), cmp.Or(strings.Join(view.GetEntities(), ", "), "-"), view.GetSource(), ttl,
		fmt.Sprint(online), strings.Join(features, ", ")}
}

func onDemandCells(view *plumbv1.OnDemandView) []string {
	var inputs, views, features []string
	for _, input := range view.GetRequest() {
		inputs = append(inputs, input.GetName()+" "+input.GetType().String())
	}
	for _, input := range view.GetViews() {
		views = append(views, used(input.GetView(), input.GetAs()))
	}
	for _, f := range view.GetFeatures() {
		features = append(features, f.GetName())
	}
	return []string{view.GetName(), cmp.Or(strings.Join(inputs, ", "), "-"), cmp.Or(strings.Join(views, ", "), "-"),
		strings.Join(features, ", ")}
}

// used is a use of a view in words.
func used(view, alias string) string {
	if alias == "" {
		return view
	}
	return view + " as " + alias
}

func serviceCells(service *plumbv1.FeatureService) []string {
	var views []string
	for _, reference := range service.GetFeatures() {
		views = append(views, used(reference.GetView(), reference.GetAs()))
	}
	return []string{service.GetName(), strings.Join(views, ", "), service.GetDescription()}
}

// kindOf finds a kind by its plural or singular.
func kindOf(name string) (kind, error) {
	var known []string
	for _, k := range kinds {
		if name == k.name || name == k.singular {
			return k, nil
		}
		known = append(known, k.name, k.singular)
	}
	if closest := fault.Closest(name, known); closest != "" {
		return kind{}, fault.Inputf("KIND", "%q is no kind; did you mean %s?", name, closest)
	}
	return kind{}, fault.Inputf("KIND", "%q is no kind; the kinds are entities, sources, views, on-demand-views and "+
		"services", name)
}

// find returns the definition of this name, or a NotFoundError.
func (k kind) find(definitions *plumbv1.Definitions, name string) (named, error) {
	return feature.Definition(k.all(definitions), k.called, name)
}
