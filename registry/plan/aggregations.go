package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Output is a feature that is computed: by an aggregation, or by an expression of an on-demand view.
type Output struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Computes says in words what it is, with its window. Of an on-demand view it is the expression.
	Computes string `json:"computes"`
	// WindowWords is the window of an aggregation, and empty for an on-demand view.
	feature.WindowWords
}

// String is one line; a long expression is cut.
func (o Output) String() string {
	computes := o.Computes
	if o.Length == "" {
		computes = shorten(computes)
	}
	return o.Name + " " + o.Type + ": " + computes
}

func isAggregated(view *plumbv1.FeatureView) bool { return len(view.GetAggregations()) > 0 }

// outputsOf returns the features of a view with aggregations, in their order; nil for others.
func (c catalogue) outputsOf(view *plumbv1.FeatureView) []Output {
	source := c.source(view)
	if source == nil || !isAggregated(view) {
		return nil
	}
	columns := feature.FieldsOf(source.Columns)
	var outputs []Output
	for _, a := range view.GetAggregations() {
		aggregates, made, _ := feature.PlanAggregation(a, columns)
		for _, output := range made {
			aggregate := aggregates[output.Aggregate]
			described := Output{Name: output.Name, Type: output.Type.String(),
				Computes: feature.Describe(aggregate, columns), WindowWords: feature.WordsOf(aggregate.Span)}
			if output.Result > 0 {
				described.Computes = "what belongs to the values of " + described.Computes
			}
			outputs = append(outputs, described)
		}
	}
	return outputs
}

// source resolves the source of a view; nil if there is none.
func (c catalogue) source(view *plumbv1.FeatureView) *feature.Source {
	definition := c.sources[view.GetSource()]
	if definition == nil {
		return nil
	}
	return feature.ResolveSources([]*plumbv1.Source{definition})[view.GetSource()]
}

// featureItems are the features of a view with what each is: its type, and what it is computed of if it is.
func (c catalogue) featureItems(view *plumbv1.FeatureView) []item {
	var items []item
	for _, output := range c.outputsOf(view) {
		items = append(items, item{output.Name, output.Type + ", " + output.Computes})
	}
	if isAggregated(view) {
		return items
	}
	for _, f := range view.GetFeatures() {
		items = append(items, item{f.GetName(), f.GetType().String()})
	}
	return items
}

// aggregationConsequences compares two versions of a view of which one or both have aggregations. Every change of what
// is computed makes another layout of the states that are stored, so these are set aside.
func (c *comparison) aggregationConsequences(old, view *plumbv1.FeatureView) []consequence {
	var found []consequence
	for _, reason := range c.aggregationReasons(old, view) {
		found = append(found, consequence{"PB113", reason, areSetAside, followFromHere, setAside})
	}
	current := byName(view.GetFeatures())
	for _, f := range old.GetFeatures() {
		if current[f.GetName()] == nil {
			found = append(found, consequence{"PB107", "feature " + f.GetName() + " goes", "",
				"look-ups and training sets that ask for it fail", stay})
		}
	}
	return found
}

// aggregationReasons says why features are computed otherwise; nil if they are not.
func (c *comparison) aggregationReasons(old, view *plumbv1.FeatureView) []string {
	switch {
	case !isAggregated(old):
		return []string{"features are computed by aggregations instead of read from columns"}
	case !isAggregated(view):
		return []string{"features are read from columns instead of computed by aggregations"}
	}
	var reasons []string
	var d differ
	d.items("features", c.before.featureItems(old), c.after.featureItems(view))
	if d.found != nil {
		reasons = append(reasons, "aggregations change in "+listed(fieldsOf(d.found, "features.")))
	}
	before, after := c.before.source(old), c.after.source(view)
	if before == nil || after == nil {
		return reasons
	}
	var columns []string
	former := before.ReadColumns(old.GetAggregations())
	for _, column := range after.ReadColumns(view.GetAggregations()) {
		i := slices.IndexFunc(former, func(f feature.SourceColumn) bool { return f.Name == column.Name })
		if i >= 0 && former[i] != column {
			columns = append(columns, column.Name)
		}
	}
	if columns != nil {
		reasons = append(reasons, "what is computed of changes in "+listed(columns))
	}
	if before.Filter != after.Filter {
		reasons = append(reasons, fmt.Sprintf("source %s filters its rows otherwise", after.Name))
	}
	return reasons
}

// fieldsOf are the fields that differ, without the prefix, and without what has the same name as the list.
func fieldsOf(differences []Difference, prefix string) []string {
	var fields []string
	for _, difference := range differences {
		if name, ok := strings.CutPrefix(difference.Field, prefix); ok {
			fields = append(fields, name)
		} else {
			fields = append(fields, "their order")
		}
	}
	return fields
}

// listed names the first few of many.
func listed(names []string) string {
	const most = 5
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// columnItems are the columns of a source with what each is.
func columnItems(source *plumbv1.Source) []item {
	var items []item
	for _, column := range source.GetColumns() {
		text := column.GetType().String()
		switch {
		case column.GetExpression() != "":
			text += " = " + column.GetExpression()
		case column.GetColumn() != "" && column.GetColumn() != column.GetName():
			text += " of column " + column.GetColumn()
		}
		items = append(items, item{column.GetName(), text})
	}
	return items
}
