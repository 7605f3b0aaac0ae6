package feature

import (
	"slices"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Reads are the columns that a feature is made of, each once, by the names that its source has for them.
type Reads struct {
	// Values are those whose values are in the feature: its column, or what its aggregation reads, of and by, directly or
	// through computed columns.
	Values []string
	// Filter are those that the filter of the source reads, which decides what is counted. Only aggregations have it.
	Filter []string
}

// ReadsOf is what a feature is made of, by its position in Features.
func (v *View) ReadsOf(position int) Reads {
	if v.Aggregated == nil {
		return Reads{Values: []string{v.Features[position].Column}}
	}
	spec := v.Aggregated.specOf(position)
	var names []string
	for _, column := range []int{spec.Column, spec.By} {
		if column != aggregate.None {
			names = append(names, v.Aggregated.Columns[column].Name)
		}
	}
	return Reads{Values: storedColumns(v.Source.reached(names)),
		Filter: storedColumns(v.Source.reached(namesRead(v.Source.Filter)))}
}

// specOf is what the feature at a position is a result of.
func (a *Aggregated) specOf(position int) aggregate.Spec {
	for _, each := range a.Aggregates {
		results := len(each.Spec.Results())
		if position < results {
			return each.Spec
		}
		position -= results
	}
	return aggregate.Spec{Column: aggregate.None, By: aggregate.None}
}

// ReadColumns returns the columns that aggregations and the filter need, directly or through the expressions of others,
// ordered by name.
func (s *Source) ReadColumns(aggregations []*plumbv1.Aggregation) []SourceColumn {
	names := namesRead(s.Filter)
	for _, a := range aggregations {
		names = append(names, a.GetOf(), a.GetBy())
	}
	found := s.reached(names)
	slices.SortFunc(found, func(a, b SourceColumn) int { return strings.Compare(a.Name, b.Name) })
	return found
}

// reached are the columns of these names and those that their expressions need, in the order in which they are met.
// Names of no column are passed over.
func (s *Source) reached(names []string) []SourceColumn {
	var found []SourceColumn
	var need func(name string)
	need = func(name string) {
		at := slices.IndexFunc(s.Columns, func(c SourceColumn) bool { return c.Name == name })
		if at < 0 || slices.Contains(found, s.Columns[at]) {
			return
		}
		found = append(found, s.Columns[at])
		for _, read := range namesRead(s.Columns[at].Expression) {
			need(read)
		}
	}
	for _, name := range names {
		need(name)
	}
	return found
}

// namesRead are the names that an expression reads.
func namesRead(text string) []string {
	var names []string
	for _, read := range expression.Reads(text) {
		names = append(names, read.Name)
	}
	return names
}

// storedColumns are those of the columns that are not computed, by the names that the source has for them.
func storedColumns(of []SourceColumn) []string {
	var columns []string
	for _, column := range of {
		if column.Expression == "" && !slices.Contains(columns, column.Column) {
			columns = append(columns, column.Column)
		}
	}
	return columns
}
