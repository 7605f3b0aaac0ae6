package plan

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// item is a named value within a list or map, as text.
type item struct{ name, value string }

// differ collects the differences between two versions of one thing.
type differ struct{ found []Difference }

func (d *differ) text(field, from, to string) {
	if from != to {
		d.found = append(d.found, Difference{field, from, to})
	}
}

// tags compares two maps; values are quoted, since an empty one is a value too.
func (d *differ) tags(field string, from, to map[string]string) {
	d.items(field, quoted(from), quoted(to))
}

func quoted(tags map[string]string) []item {
	var items []item
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		items = append(items, item{name, strconv.Quote(tags[name])})
	}
	return items
}

// items compares two ordered lists: what goes, what alters, what comes, and whether what stays is in another order.
// From [temp, wind] to [wind, rain, temp], for example, rain is added, and the order changes from "temp, wind" to
// "wind, temp". Only what both have counts for the order, so that an addition alone is not a new order too.
func (d *differ) items(field string, from, to []item) {
	before, after := values(from), values(to)
	for _, old := range from {
		d.text(field+"."+old.name, old.value, after[old.name])
	}
	for _, item := range to {
		if _, ok := before[item.name]; !ok {
			d.text(field+"."+item.name, "", item.value)
		}
	}
	d.text(field, order(from, after), order(to, before))
}

func values(items []item) map[string]string {
	found := make(map[string]string, len(items))
	for _, item := range items {
		found[item.name] = item.value
	}
	return found
}

// order lists the names of those items that others have too.
func order(items []item, others map[string]string) string {
	var names []string
	for _, item := range items {
		if _, ok := others[item.name]; ok {
			names = append(names, item.name)
		}
	}
	return strings.Join(names, ", ")
}
