package spec

import (
	"context"
	"slices"
	"strconv"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// labelTime is the output and label column that holds the time, so no feature may have its name. It is the default name
// of the label column, and with full names alias__event_timestamp is the winning row's event time.
const labelTime = "event_timestamp"

// checkView checks what a view says by itself and by the things that it names. Whether its source has the columns is
// checked later, with the source (checkSources). The names of its join keys and of the time are taken by columns that
// every result has, so that a feature of such a name would collide in every service (R10).
func (c *checker) checkView(ctx context.Context, view *plumbv1.FeatureView) error {
	keys := c.checkEntities(view)
	c.checkViewSource(view)
	if len(view.GetAggregations()) > 0 {
		c.checkAggregated(view)
		return nil
	}
	c.checkReadsRows(view)
	if err := c.checkPushLog(ctx, view); err != nil {
		return err
	}
	indexNames(c, "feature", view.GetFeatures())
	for _, feature := range view.GetFeatures() {
		switch entity, isKey := keys[feature.GetName()]; {
		case isKey:
			c.add(feature, path{"name"}, "feature %q has the name of a join key of entity %q, which is in every result "+
				"already; rename the feature or leave it out", feature.GetName(), entity)
		case feature.GetName() == labelTime:
			c.add(feature, path{"name"}, "feature %q has the name that results give to the time; rename it, with column: %s "+
				"to read the same column", labelTime, labelTime)
		}
	}
	return nil
}

// checkEntities reports entities that are not there and join keys that come twice. It returns the name of the entity of
// each join key. A key that is twice within one entity has been reported with the entity, and only an entity that the
// view lists twice is reported here.
func (c *checker) checkEntities(view *plumbv1.FeatureView) map[string]string {
	owners := map[string]string{}
	for i, name := range view.GetEntities() {
		at := path{"entities", strconv.Itoa(i)}
		entity, ok := c.entities[name]
		if !ok {
			if name != "" && !c.mayLack("entities", c.entityNames) {
				c.add(view, at, "no entity is named %q; %s", name, c.suggest(name, c.entityNames))
			}
			continue
		}
		for _, joinKey := range entity.GetJoinKeys() {
			key := joinKey.GetName()
			if key == "" {
				continue
			}
			if owner, ok := owners[key]; ok && (owner != name || slices.Contains(view.GetEntities()[:i], name)) {
				c.add(view, at, "join key %q comes from entity %q already; a view has each join key once, so take one entity out",
					key, owner)
				break
			}
			owners[key] = name
		}
	}
	return owners
}

func (c *checker) checkViewSource(view *plumbv1.FeatureView) {
	name := view.GetSource()
	source, ok := c.sources[name]
	switch {
	case name == "":
	case !ok:
		if !c.mayLack("sources", c.sourceNames) {
			c.add(view, path{"source"}, "no source is named %q; %s", name, c.suggest(name, c.sourceNames))
		}
	case source.GetEventTimestamp() == "" && !c.isFaulty(source, "event_timestamp"):
		c.add(view, path{"source"}, "source %q has no event_timestamp, and a view needs one; add it to the source, at %s",
			name, c.Position(source))
	}
}
