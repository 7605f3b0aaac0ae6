package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func (c *comparison) compareEntities() []Change {
	var changes []Change
	for _, entity := range c.after.definitions.GetEntities() {
		old, ok := c.before.entities[entity.GetName()]
		if !ok {
			changes = append(changes, AddEntity{Entity: entity})
			continue
		}
		var d differ
		d.items("join_keys", joinKeys(old), joinKeys(entity))
		formerKeys := byName(old.GetJoinKeys())
		for _, key := range entity.GetJoinKeys() {
			if before := formerKeys[key.GetName()]; before != nil {
				d.text("join_keys."+key.GetName()+".column", keyColumnOf(before), keyColumnOf(key))
				d.text("join_keys."+key.GetName()+".sensitive", ifTrue(before.GetSensitive()), ifTrue(key.GetSensitive()))
			}
		}
		d.text("description", old.GetDescription(), entity.GetDescription())
		d.text("owner", old.GetOwner(), entity.GetOwner())
		d.tags("tags", old.GetTags(), entity.GetTags())
		if d.found != nil {
			changes = append(changes, AlterEntity{From: old, To: entity, differences: d.found})
		}
	}
	return changes
}

func (c *comparison) compareSources() []Change {
	var changes []Change
	for _, source := range c.after.definitions.GetSources() {
		old, ok := c.before.sources[source.GetName()]
		if !ok {
			changes = append(changes, AddSource{Source: source})
			continue
		}
		d := differ{found: sourceDifferences(old, source)}
		d.text("postgres.overlap", durationText(old.GetPostgres().GetOverlap().AsDuration()),
			durationText(source.GetPostgres().GetOverlap().AsDuration()))
		d.items("columns", columnItems(old), columnItems(source))
		d.text("filter", old.GetFilter(), source.GetFilter())
		d.text("description", old.GetDescription(), source.GetDescription())
		d.text("owner", old.GetOwner(), source.GetOwner())
		d.tags("tags", old.GetTags(), source.GetTags())
		if d.found != nil {
			changes = append(changes, AlterSource{From: old, To: source, differences: d.found})
		}
	}
	return changes
}

// compareViews appends every view's layout to the next state, and returns the changes. A view whose own definition
// stays is still altered if an entity or a source of it changes what its rows mean. The change then shows as another
// generation or rebuild. The rebuild is left out beside a new generation, which always comes with one.
func (c *comparison) compareViews(state *plumbv1.State) []Change {
	var changes []Change
	for _, view := range c.after.definitions.GetFeatureViews() {
		old, registered := c.before.views[view.GetName()], c.registered[view.GetName()]
		if old == nil || registered == nil {
			changes = append(changes, AddView{View: view, outputs: c.after.outputsOf(view)})
			state.Views = append(state.Views, c.newLayout(view))
			continue
		}
		effects := c.effects(old, view, registered)
		layout := c.nextLayout(registered, view, effects)
		state.Views = append(state.Views, layout)
		d := differ{found: c.viewDifferences(old, view)}
		d.text("generation", number(registered.GetGeneration()), number(layout.GetGeneration()))
		if layout.GetGeneration() == registered.GetGeneration() {
			d.text("rebuild", number(registered.GetRebuild()), number(layout.GetRebuild()))
		}
		if d.found != nil {
			changes = append(changes, c.alterView(old, view, d.found, hazards(effects)))
		}
	}
	return changes
}

// alterView lists the outputs of aggregations if they are others than before.
func (c *comparison) alterView(old, view *plumbv1.FeatureView, differences []Difference, hazards []Hazard) AlterView {
	altered := AlterView{From: old, To: view, differences: differences, hazards: hazards}
	if outputs := c.after.outputsOf(view); !slices.Equal(outputs, c.before.outputsOf(old)) {
		altered.outputs = outputs
	}
	return altered
}

// viewDifferences are for people to read, and decide nothing: what becomes of rows follows from effects. Defaults are
// filled in on both sides, so that writing one down is no difference.
func (c *comparison) viewDifferences(old, view *plumbv1.FeatureView) []Difference {
	var d differ
	d.text("entities", strings.Join(old.GetEntities(), ", "), strings.Join(view.GetEntities(), ", "))
	d.text("source", old.GetSource(), view.GetSource())
	d.text("ttl", ttlText(old), ttlText(view))
	d.text("lookback", durationText(old.GetLookback().AsDuration()), durationText(view.GetLookback().AsDuration()))
	d.text("online", strconv.FormatBool(isOnline(old)), strconv.FormatBool(isOnline(view)))
	d.text("push_log.path", old.GetPushLog().GetPath(), view.GetPushLog().GetPath())
	d.items("features", c.before.featureItems(old), c.after.featureItems(view))
	former := byName(old.GetFeatures())
	for _, feature := range view.GetFeatures() {
		if before := former[feature.GetName()]; before != nil {
			field := "features." + feature.GetName()
			d.text(field+".column", columnOf(before), columnOf(feature))
			d.text(field+".description", before.GetDescription(), feature.GetDescription())
			d.tags(field+".tags", before.GetTags(), feature.GetTags())
			d.text(field+".sensitive", ifTrue(before.GetSensitive()), ifTrue(feature.GetSensitive()))
		}
	}
	d.text("description", old.GetDescription(), view.GetDescription())
	d.text("owner", old.GetOwner(), view.GetOwner())
	d.tags("tags", old.GetTags(), view.GetTags())
	return d.found
}

// ifTrue leaves out what is false, as definitions do.
func ifTrue(flag bool) string {
	if flag {
		return "true"
	}
	return ""
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// ttlText is a ttl as people write it, such as "1d12h"; "" is unlimited.
func ttlText(view *plumbv1.FeatureView) string { return durationText(view.GetTtl().AsDuration()) }

// durationText returns "" if there is none. It writes days and leaves out trailing zeros, as people write durations: 36
// hours are 1d12h, and not the 36h0m0s of the standard library.
func durationText(duration time.Duration) string {
	if duration <= 0 {
		return ""
	}
	const day = 24 * time.Hour
	text := ""
	if duration >= day {
		text = strconv.FormatInt(int64(duration/day), 10) + "d"
		duration %= day
	}
	if duration == 0 {
		return text
	}
	rest := duration.String()
	if strings.HasSuffix(rest, "m0s") {
		rest = strings.TrimSuffix(rest, "0s")
	}
	if strings.HasSuffix(rest, "h0m") {
		rest = strings.TrimSuffix(rest, "0m")
	}
	return text + rest
}

// removals lists what goes, what depends on others first.
func (c *comparison) removals() []Change {
	var changes []Change
	for _, service := range gone(c.before.services, c.after.services) {
		changes = append(changes, RemoveService{Service: service})
	}
	for _, view := range gone(c.before.onDemand, c.after.onDemand) {
		changes = append(changes, RemoveOnDemandView{View: view})
	}
	for _, view := range gone(c.before.views, c.after.views) {
		changes = append(changes, RemoveView{View: view})
	}
	for _, source := range gone(c.before.sources, c.after.sources) {
		changes = append(changes, RemoveSource{Source: source})
	}
	for _, entity := range gone(c.before.entities, c.after.entities) {
		changes = append(changes, RemoveEntity{Entity: entity})
	}
	return changes
}

func gone[T named](before, after map[string]T) []T {
	var things []T
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			things = append(things, before[name])
		}
	}
	return things
}
