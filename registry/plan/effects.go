package plan

import (
	"fmt"
	"slices"
	"strings"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// outcome says what becomes of a view's stored rows, worst last.
type outcome int

const (
	stay outcome = iota
	writtenAgain
	setAside
)

// effect is what one difference does to the rows that a view has in the online store, and to training sets.
type effect struct {
	outcome outcome
	hazard  Hazard
}

// consequence describes an effect: its reason, a clause for what holds if the view is online, and a clause for what
// holds in any case. Either clause may be empty.
type consequence struct {
	code, reason, online, always string
	outcome                      outcome
}

const (
	areSetAside    = "stored rows are set aside and look-ups answer NOT_FOUND until the view is materialized again"
	followFromHere = "training sets follow the new definition from now on"
	breaksTies     = "over SQL, features in declared order decide between rows of one instant"
)

// effects compares everything that stored rows depend on. The rows' layout and what becomes of them follow from the
// result alone, so that no row changes its meaning without a hazard.
func (c *comparison) effects(old, view *plumbv1.FeatureView, registered *plumbv1.RegisteredView) []effect {
	var found []consequence
	found = append(found, c.keyConsequences(old, view)...)
	for _, reason := range c.sourceReasons(old, view) {
		found = append(found, consequence{"PB102", reason, areSetAside, followFromHere, setAside})
	}
	aggregated := isAggregated(old) || isAggregated(view)
	if aggregated {
		found = append(found, c.aggregationConsequences(old, view)...)
	} else {
		found = append(found, featureConsequences(old, view, registered)...)
	}
	if !aggregated && c.after.sources[view.GetSource()].GetSql() != nil &&
		!slices.Equal(featureNames(old), featureNames(view)) {
		found = append(found, consequence{"PB102", "the list of features changes, and " + breaksTies, areSetAside,
			followFromHere, setAside})
	}
	found = append(found, ttlConsequences(old, view)...)
	if isOnline(old) && !isOnline(view) {
		found = append(found, consequence{"PB108", "the view is no longer online", "", "look-ups of it fail and its " +
			"rows stay in the store unread; training sets stay as they are", stay})
	}
	if path := old.GetPushLog().GetPath(); path != "" && path != view.GetPushLog().GetPath() {
		found = append(found, consequence{"PB111", "rows that were pushed are no longer read from " + path, "", "training " +
			"sets and materialization are without them, while the online store still serves them", stay})
	}
	effects := make([]effect, len(found))
	for i, consequence := range found {
		effects[i] = consequence.effect(isOnline(view))
	}
	return effects
}

// effect leaves out the hazard if there is nothing to say of it.
func (c consequence) effect(online bool) effect {
	clauses := []string{c.online, c.always}
	if !online {
		clauses = clauses[1:]
	}
	clauses = slices.DeleteFunc(clauses, func(clause string) bool { return clause == "" })
	if len(clauses) == 0 {
		return effect{outcome: c.outcome}
	}
	return effect{c.outcome, Hazard{c.code, c.reason + ": " + strings.Join(clauses, "; ")}}
}

func (c *comparison) keyConsequences(old, view *plumbv1.FeatureView) []consequence {
	before, after := keysText(c.before, old), keysText(c.after, view)
	if before == after {
		return c.keyColumnConsequences(view)
	}
	return []consequence{{"PB103", fmt.Sprintf("join keys change from %s to %s", before, after), areSetAside,
		"training sets are joined on the new keys from now on", setAside}}
}

// keyColumnConsequences are those of keys that stay and are read from other columns.
func (c *comparison) keyColumnConsequences(view *plumbv1.FeatureView) []consequence {
	var found []consequence
	for _, name := range view.GetEntities() {
		for i, key := range c.after.entities[name].GetJoinKeys() {
			before, after := keyColumnOf(c.before.entities[name].GetJoinKeys()[i]), keyColumnOf(key)
			if before != after {
				found = append(found, consequence{"PB102", fmt.Sprintf("join key %s is read from column %s instead of %s",
					key.GetName(), after, before), areSetAside, followFromHere, setAside})
			}
		}
	}
	return found
}

// keysText spells out the entities and their keys, such as "airport (airport STRING)", in the order in which they are
// declared. The keys of stored rows are made of the values in that order, so another order is a change too.
func keysText(c catalogue, view *plumbv1.FeatureView) string {
	if len(view.GetEntities()) == 0 {
		return "none"
	}
	var texts []string
	for _, name := range view.GetEntities() {
		var keys []string
		for _, key := range joinKeys(c.entities[name]) {
			keys = append(keys, key.name+" "+key.value)
		}
		texts = append(texts, name+" ("+strings.Join(keys, ", ")+")")
	}
	return strings.Join(texts, ", ")
}

func featureConsequences(old, view *plumbv1.FeatureView, registered *plumbv1.RegisteredView) []consequence {
	var found []consequence
	former, current := byName(old.GetFeatures()), byName(view.GetFeatures())
	for _, feature := range view.GetFeatures() {
		before := former[feature.GetName()]
		if before == nil {
			found = append(found, addedFeature(feature.GetName(), registered))
			continue
		}
		if before.GetType() != feature.GetType() {
			found = append(found, consequence{"PB101", fmt.Sprintf("feature %s changes its type from %s to %s",
				feature.GetName(), before.GetType(), feature.GetType()), areSetAside, followFromHere, setAside})
		}
		if columnOf(before) != columnOf(feature) {
			found = append(found, consequence{"PB102", fmt.Sprintf("feature %s is read from column %s instead of %s",
				feature.GetName(), columnOf(feature), columnOf(before)), areSetAside, followFromHere, setAside})
		}
	}
	for _, feature := range old.GetFeatures() {
		if current[feature.GetName()] == nil {
			found = append(found, consequence{"PB107", "feature " + feature.GetName() + " goes", "",
				"look-ups and training sets that ask for it fail", stay})
		}
	}
	return found
}

// addedFeature distinguishes a new feature from one whose name rows of this generation have held before: their value
// may have come from another column, and must not show through.
func addedFeature(name string, registered *plumbv1.RegisteredView) consequence {
	for _, schema := range registered.GetSchemas() {
		if slices.ContainsFunc(schema.GetFields(), func(f *plumbv1.SchemaField) bool { return f.GetName() == name }) {
			return consequence{"PB102", "feature " + name + " comes back, and rows stored when it was last there may " +
				"hold another column's value", areSetAside, followFromHere, setAside}
		}
	}
	return consequence{"PB110", "feature " + name + " is added", "look-ups answer NOT_FOUND for it until the view is " +
		"materialized again, which writes every row; training sets have it at once", "", writtenAgain}
}

// ttlConsequences compares ttls, of which 0 is none, the longest of all. A shorter ttl needs no rows to be written
// again: whether a row has expired is decided when it is read (R2). For a longer one the store may lack rows that it
// has forgotten by the shorter (R13).
func ttlConsequences(old, view *plumbv1.FeatureView) []consequence {
	before, after := old.GetTtl().AsDuration(), view.GetTtl().AsDuration()
	switch {
	case before == after:
		return nil
	case after != 0 && (before == 0 || after < before):
		return []consequence{{"PB104", "ttl is shortened to " + ttlText(view), "rows expire earlier, from now on",
			"training sets reach back less far", stay}}
	}
	reason := "ttl is lifted"
	if after != 0 {
		reason = "ttl is lengthened to " + ttlText(view)
	}
	return []consequence{{"PB105", reason, "rows that the store has forgotten are NOT_FOUND until the view is " +
		"materialized again, which writes every row", "training sets reach back further", writtenAgain}}
}

func featureNames(view *plumbv1.FeatureView) []string {
	names := make([]string, len(view.GetFeatures()))
	for i, feature := range view.GetFeatures() {
		names[i] = feature.GetName()
	}
	return names
}

// hazards returns those of the effects that have one.
func hazards(effects []effect) []Hazard {
	var found []Hazard
	for _, effect := range effects {
		if effect.hazard.Code != "" {
			found = append(found, effect.hazard)
		}
	}
	return found
}
