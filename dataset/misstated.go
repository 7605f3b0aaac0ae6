package dataset

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// misstates returns what the manifest says of the output that differs from how it was read, if the content is the same;
// empty if all is right. The content digest covers the values. It does not cover what the manifest says about them,
// such as the number of nulls or a distribution, so that is computed again and compared.
func (m *Manifest) misstates(actual Output, selection *feature.Selection) string {
	if m.Output.Rows != actual.Rows {
		return fmt.Sprintf("it says %d rows, and there are %d", m.Output.Rows, actual.Rows)
	}
	for i, column := range actual.Columns {
		if details := m.Output.Columns[i].misstates(column); details != "" {
			return fmt.Sprintf("column %q: %s", column.Name, details)
		}
	}
	if selection == nil {
		return ""
	}
	expected := usesOf(selection)
	for i := range m.Uses {
		if i >= len(expected) || m.Uses[i].Alias != expected[i].Alias || m.Uses[i].View != expected[i].View ||
			!slices.Equal(m.Uses[i].Keys, expected[i].Keys) {
			return fmt.Sprintf("use %s is not what the definitions say", m.Uses[i].Alias)
		}
	}
	if len(m.Uses) != len(expected) {
		return fmt.Sprintf("it has %d uses of views, and the definitions %d", len(m.Uses), len(expected))
	}
	return m.misstatesMatches(actual, selection)
}

// misstates compares a column with what was read of it.
func (c Column) misstates(actual Column) string {
	if c.Kind == LabelColumn && actual.Kind == "" || c.Kind == "" && actual.Kind == LabelColumn {
		actual.Kind = c.Kind // Without the selection nobody knows.
	}
	switch {
	case c.Kind != actual.Kind || c.View != actual.View || c.Feature != actual.Feature || c.Type != actual.Type ||
		c.Sensitive != actual.Sensitive:
		return "it is described otherwise than the definitions say"
	case c.Nulls != actual.Nulls:
		return fmt.Sprintf("it says %d nulls, and there are %d", c.Nulls, actual.Nulls)
	case !maps.Equal(c.Statuses, actual.Statuses):
		return fmt.Sprintf("it says the statuses %v, and there are %v", c.Statuses, actual.Statuses)
	case !c.Distribution.same(actual.Distribution):
		return "its distribution is not that of the values"
	}
	return ""
}

func (d *Distribution) same(other *Distribution) bool {
	if d == nil || other == nil {
		return d == other
	}
	return d.NaNs == other.NaNs && d.Sampled == other.Sampled && slices.Equal(d.Buckets, other.Buckets) &&
		sameNumber(d.Min, other.Min) && sameNumber(d.Max, other.Max) && sameNumber(d.Mean, other.Mean) &&
		reflect.DeepEqual(d.Percentiles, other.Percentiles)
}

// misstatesMatches compares how many rows matched each use with what the columns show: exactly if there are statuses or
// event times, and otherwise that no fewer matched than have a value.
func (m *Manifest) misstatesMatches(actual Output, selection *feature.Selection) string {
	columns := byName(actual.Columns)
	for i, use := range m.Uses {
		least, exact := int64(0), int64(-1)
		for _, output := range selection.Stored() {
			if output.Reference != i {
				continue
			}
			column := columns[output.Name]
			least = max(least, actual.Rows-column.Nulls)
			if statuses := column.Statuses; statuses != nil {
				exact = statuses[plumbv1.Status_PRESENT.String()] + statuses[plumbv1.Status_NULL.String()]
			}
		}
		if times, ok := columns[use.Alias+"__event_timestamp"]; ok && exact < 0 && !m.Options.Statuses {
			exact = actual.Rows - times.Nulls
		}
		if use.Matched < least || exact >= 0 && use.Matched != exact {
			return fmt.Sprintf("it says that %s is matched by %d rows, and there are %d", use.Alias, use.Matched,
				max(least, exact))
		}
	}
	return ""
}
