package plan

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// comparison is one revision's definitions beside those of the next. Views and services refer to other things by name,
// so both sides are looked up in their own catalogue: a view that stays as it is written may mean something else after.
type comparison struct {
	before, after catalogue
	// registered are the current revision's view layouts, by name.
	registered map[string]*plumbv1.RegisteredView
	// revision is the next one's number.
	revision int64
}

// catalogue finds definitions by name.
type catalogue struct {
	definitions *plumbv1.Definitions
	entities    map[string]*plumbv1.Entity
	sources     map[string]*plumbv1.Source
	views       map[string]*plumbv1.FeatureView
	onDemand    map[string]*plumbv1.OnDemandView
	services    map[string]*plumbv1.FeatureService
}

func newCatalogue(definitions *plumbv1.Definitions) catalogue {
	return catalogue{
		definitions: definitions,
		entities:    byName(definitions.GetEntities()),
		sources:     byName(definitions.GetSources()),
		views:       byName(definitions.GetFeatureViews()),
		onDemand:    byName(definitions.GetOnDemandViews()),
		services:    byName(definitions.GetFeatureServices()),
	}
}

type named interface{ GetName() string }

func byName[T named](things []T) map[string]T {
	found := make(map[string]T, len(things))
	for _, thing := range things {
		found[thing.GetName()] = thing
	}
	return found
}

// sorted returns a copy ordered by name, so that one set of definitions has one state, however files order it.
func sorted(definitions *plumbv1.Definitions) *plumbv1.Definitions {
	if definitions == nil {
		return &plumbv1.Definitions{}
	}
	definitions = proto.CloneOf(definitions)
	sortByName(definitions.Entities)
	sortByName(definitions.Sources)
	sortByName(definitions.FeatureViews)
	sortByName(definitions.OnDemandViews)
	sortByName(definitions.FeatureServices)
	return definitions
}

func sortByName[T named](things []T) {
	slices.SortStableFunc(things, func(a, b T) int { return cmp.Compare(a.GetName(), b.GetName()) })
}

func joinKeys(entity *plumbv1.Entity) []item {
	var keys []item
	for _, key := range entity.GetJoinKeys() {
		keys = append(keys, item{key.GetName(), key.GetType().String()})
	}
	return keys
}

func isOnline(view *plumbv1.FeatureView) bool { return view.Online == nil || view.GetOnline() }

// keyColumnOf returns the source column of a join key: its own name unless it says otherwise.
func keyColumnOf(key *plumbv1.JoinKey) string { return cmp.Or(key.GetColumn(), key.GetName()) }

// columnOf returns the source column of a feature: its own name unless it says otherwise.
func columnOf(feature *plumbv1.Feature) string { return cmp.Or(feature.GetColumn(), feature.GetName()) }
