package feature

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func resolveColumn(definition *plumbv1.SourceColumn) SourceColumn {
	column := SourceColumn{Field: Field{definition.GetName(), definition.GetType()},
		Expression: definition.GetExpression()}
	if column.Expression == "" {
		column.Column = cmp.Or(definition.GetColumn(), column.Name)
	}
	return column
}

// FieldsOf are the names and types of the columns of a source.
func FieldsOf(columns []SourceColumn) []Field {
	fields := make([]Field, len(columns))
	for i, column := range columns {
		fields[i] = column.Field
	}
	return fields
}

// FilterName is what the outcome of the filter is called in a program. No column has such a name.
const FilterName = "filter__"

// CompileEvents compiles the computed columns of a source and its filter. The inputs are the columns that are read, in
// their order, and the outputs are those that are computed, in their order, and then the filter. It returns nil if
// nothing is computed. Messages name the column of the event time.
func CompileEvents(columns []SourceColumn, filter, eventTime string) (*expression.Program, []expression.Problem) {
	var inputs []expression.Input
	var outputs []expression.Output
	for _, column := range columns {
		if column.Expression == "" {
			inputs = append(inputs, expression.Input{Name: column.Name, Type: column.Type})
		} else {
			outputs = append(outputs, expression.Output{Name: column.Name, Type: column.Type, Expression: column.Expression})
		}
	}
	if filter != "" {
		outputs = append(outputs, expression.Output{Name: FilterName, Type: plumbv1.Type_BOOL, Expression: filter,
			Noun: "a filter"})
	}
	if len(outputs) == 0 {
		return nil, nil
	}
	return expression.CompileEvents(eventTime, inputs, outputs)
}

// aggregate resolves the aggregations of a view. They have passed validation, so a problem means that a newer version
// has applied them.
func (v *View) aggregate(definitions []*plumbv1.Aggregation) error {
	v.Kind = Windows
	columns := FieldsOf(v.Source.Columns)
	a := &Aggregated{Filter: aggregate.None, reads: v.Source.ReadColumns(definitions)}
	results := 0
	for _, definition := range definitions {
		aggregates, outputs, problems := PlanAggregation(definition, columns)
		if len(problems) > 0 {
			return v.newer(problems[0].Message)
		}
		a.Aggregates = append(a.Aggregates, aggregates...)
		results += len(outputs)
	}
	if results != len(v.Features) {
		return v.newer(fmt.Sprintf("it has %d features, and its aggregations make %d", len(v.Features), results))
	}
	program, problems := CompileEvents(v.Source.Columns, v.Source.Filter, v.Source.EventTimestamp)
	if len(problems) > 0 {
		return v.newer(problems[0].Message)
	}
	a.settle(v, program)
	for i := range v.Features {
		v.Features[i].Column = ""
	}
	v.Aggregated = a
	return nil
}

func (v *View) newer(message string) error {
	return fault.Inputf("", "view %s: %s; if a newer version has applied it, upgrade this one", v.Name, message)
}

// settle finds out what of the source's columns is needed, and leaves out the rest: of columns and of the program.
func (a *Aggregated) settle(v *View, program *expression.Program) {
	computed := 0
	outputOf := make([]int, len(v.Source.Columns))
	inputOf := make([]int, 0, len(v.Source.Columns))
	for i, column := range v.Source.Columns {
		outputOf[i] = -1
		if column.Expression != "" {
			outputOf[i] = computed
			computed++
		} else {
			inputOf = append(inputOf, i)
		}
	}
	var outputs []int
	output := func(at int) int {
		outputs = append(outputs, at)
		return len(outputs) - 1
	}
	// place has where each column of the source is among a.Columns.
	place := map[int]int{}
	var read []int
	need := func(column int) int {
		if column == aggregate.None {
			return aggregate.None
		}
		if _, ok := place[column]; !ok {
			place[column] = len(a.Columns)
			needed := EventColumn{Field: v.Source.Columns[column].Field}
			if needed.Computed = outputOf[column] >= 0; needed.Computed {
				needed.At = output(outputOf[column])
			} else {
				needed.At = column
				read = append(read, column)
			}
			a.Columns = append(a.Columns, needed)
		}
		return place[column]
	}
	for i := range a.Aggregates {
		spec := &a.Aggregates[i].Spec
		spec.Column, spec.By = need(spec.Column), need(spec.By)
	}
	if v.Source.Filter != "" {
		a.Filter = len(a.Columns)
		a.Columns = append(a.Columns, EventColumn{Field: Field{FilterName, plumbv1.Type_BOOL}, Computed: true,
			At: output(computed)})
	}
	if len(outputs) > 0 {
		a.Program = program.Select(outputs)
		for _, input := range a.Program.Inputs() {
			read = append(read, inputOf[input])
		}
	}
	a.readEvents(v, read, inputOf)
}

// readEvents makes the view of the rows themselves. Its features are the columns that are read, ordered as the inputs
// of the program, so that an input's position tells the feature's through Inputs.
func (a *Aggregated) readEvents(v *View, read, inputOf []int) {
	slices.Sort(read)
	read = slices.Compact(read)
	events := &View{Project: v.Project, Name: v.Name, Keys: v.Keys, keyColumns: v.keyColumns,
		SensitiveKeys: v.SensitiveKeys, Source: v.Source}
	at := map[int]int{}
	for i, column := range read {
		at[column] = i
		c := v.Source.Columns[column]
		events.Features = append(events.Features, Feature{Field: c.Field, Column: c.Column})
	}
	for i := range a.Columns {
		if !a.Columns[i].Computed {
			a.Columns[i].At = at[a.Columns[i].At]
		}
	}
	if a.Program != nil {
		for _, input := range a.Program.Inputs() {
			a.Inputs = append(a.Inputs, ProgramInput{Input: input, Feature: at[inputOf[input]]})
		}
	}
	a.Events = events
}

// ProgramInput says which feature of the events an input of the program is.
type ProgramInput struct{ Input, Feature int }
