package plan

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// compareServices compares each service in two ways: as it is written, and by the columns that it resolves to. Only the
// columns have a hazard: a list of features that is written otherwise and selects the same breaks nobody.
func (c *comparison) compareServices(current *feature.Snapshot, state *plumbv1.State) []Change {
	var changes []Change
	// Definitions that do not resolve have not passed validation; their services are then compared as written.
	next, err := feature.NewSnapshot(current.Project, c.revision, state)
	if err != nil {
		next = current
	}
	for _, service := range c.after.definitions.GetFeatureServices() {
		old, ok := c.before.services[service.GetName()]
		if !ok {
			changes = append(changes, AddService{Service: service})
			continue
		}
		columns := columnDifferences(current, next, service.GetName())
		d := differ{found: append(serviceDifferences(old, service), columns...)}
		if d.found != nil {
			changes = append(changes, AlterService{From: old, To: service, differences: d.found,
				hazards: columnHazards(columns)})
		}
	}
	return changes
}

func serviceDifferences(old, service *plumbv1.FeatureService) []Difference {
	var d differ
	d.text("full_names", strconv.FormatBool(old.GetFullNames()), strconv.FormatBool(service.GetFullNames()))
	d.items("features", references(old), references(service))
	d.text("description", old.GetDescription(), service.GetDescription())
	d.text("owner", old.GetOwner(), service.GetOwner())
	d.tags("tags", old.GetTags(), service.GetTags())
	return d.found
}

// references spells out what a service asks for by alias, such as origin_weather: "weather (airport: origin) [temp]".
// Defaults are left out, so that writing them down is no change.
func references(service *plumbv1.FeatureService) []item {
	var items []item
	for _, reference := range service.GetFeatures() {
		alias, text := cmp.Or(reference.GetAs(), reference.GetView()), referenceText(reference)
		at := slices.IndexFunc(items, func(i item) bool { return i.name == alias })
		if at < 0 {
			items = append(items, item{alias, text})
		} else {
			items[at].value += "; " + text
		}
	}
	return items
}

func referenceText(reference *plumbv1.ViewReference) string {
	text := reference.GetView()
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(reference.GetJoinKeys())) {
		if column := reference.GetJoinKeys()[key]; column != key {
			keys = append(keys, key+": "+column)
		}
	}
	if keys != nil {
		text += " (" + strings.Join(keys, ", ") + ")"
	}
	if features := reference.GetFeatures(); len(features) > 0 {
		text += " [" + strings.Join(features, ", ") + "]"
	}
	return text
}

// columnDifferences compares the columns that a service's callers get and give. They can change while the service's own
// definition stays.
func columnDifferences(current, next *feature.Snapshot, service string) []Difference {
	outputsBefore, labelsBefore := columns(current, service)
	outputsAfter, labelsAfter := columns(next, service)
	var d differ
	d.items("outputs", outputsBefore, outputsAfter)
	d.items("label_columns", labelsBefore, labelsAfter)
	return d.found
}

// columns returns the output and label columns of a service; none if it does not resolve.
func columns(snapshot *feature.Snapshot, service string) (outputs, labels []item) {
	selection, err := snapshot.SelectService(service, false)
	if err != nil {
		return nil, nil
	}
	for _, output := range selection.Outputs {
		outputs = append(outputs, item{output.Name, selection.Describe(output).Type.String()})
	}
	keys, err := selection.Keys()
	if err != nil {
		return outputs, nil
	}
	for _, key := range keys {
		labels = append(labels, item{key.Name, key.Type.String()})
	}
	inputs, err := selection.Inputs()
	if err != nil {
		return outputs, nil
	}
	for _, input := range inputs {
		labels = append(labels, item{input.Name, input.Type.String()})
	}
	return outputs, labels
}

func columnHazards(columns []Difference) []Hazard {
	if len(columns) == 0 {
		return nil
	}
	names := make([]string, len(columns))
	for i, column := range columns {
		names[i] = column.Field
	}
	return []Hazard{{"PB109", "what callers get or give changes in " + strings.Join(names, ", ") +
		": callers and models that rely on what was there break"}}
}
