package storetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// addWindows reads a view as addView does, whose declared features are the columns that are read, and in its table the
// computed columns, the filter and the aggregations.
func (c *Case) addWindows(text string, table [][]string) error {
	if err := c.addView(text); err != nil {
		return err
	}
	views := c.World.Definitions.FeatureViews
	view := views[len(views)-1]
	kinds := map[string]plumbv1.Type{}
	draft := aggregatedDraft{expressions: map[string]*Expression{}}
	for _, f := range view.Features {
		draft.columns = append(draft.columns, &plumbv1.SourceColumn{Name: f.Name, Type: f.Type})
		kinds[f.Name] = kindOf(f.Type)
	}
	for _, line := range table {
		if err := draft.read(line, kinds); err != nil {
			return fmt.Errorf("%s: %w", strings.Join(line, " "), err)
		}
	}
	return c.World.aggregate(view, draft)
}

// aggregatedDraft is what a view with aggregations is made of.
type aggregatedDraft struct {
	columns      []*plumbv1.SourceColumn
	expressions  map[string]*Expression
	filter       *Expression
	aggregations []*plumbv1.Aggregation
}

// aggregate makes a view over a source of rows one with aggregations over them as events. The features become those
// that the loader of definitions fills in.
func (w *World) aggregate(view *plumbv1.FeatureView, draft aggregatedDraft) error {
	aggregated, err := newAggregated(draft.columns, draft.expressions, draft.filter, draft.aggregations)
	if err != nil {
		return err
	}
	view.Features, view.Aggregations = aggregated.features(), draft.aggregations
	source := sourceOf(w, view)
	source.Columns = draft.columns
	for _, column := range source.Columns {
		if e := draft.expressions[column.Name]; e != nil && column.Expression == "" {
			column.Expression = e.String()
		}
	}
	if draft.filter != nil && source.Filter == "" {
		source.Filter = draft.filter.String()
	}
	w.Histories[view.Name].Aggregated = aggregated
	return nil
}

// read reads one line of a view with aggregations:
//
//	column eur FLOAT64 = amount * rate
//	filter status == "settled"
//	sum last_n(5) top_k(3 max 2) percentile(0.5 0.99 error 0.01) of eur over 1h 1d hop 5m offset 1d
//	sum of eur over 1h by shop largest 2 as spent
//	rows over lifetime
func (d *aggregatedDraft) read(line []string, kinds map[string]plumbv1.Type) error {
	switch line[0] {
	case "column":
		head, text, ok := strings.Cut(strings.Join(line[1:], " "), " = ")
		declared, err := declarations(head)
		if err != nil || !ok || len(declared) != 1 {
			return fmt.Errorf("a column is of the form name TYPE = expression")
		}
		e, err := parseExpression(text, kinds)
		if err != nil {
			return err
		}
		column := &plumbv1.SourceColumn{Name: declared[0].Name, Type: declared[0].Type, Expression: text}
		d.columns, d.expressions[column.Name] = append(d.columns, column), e
		kinds[column.Name] = kindOf(column.Type)
		return nil
	case "filter":
		var err error
		d.filter, err = parseExpression(strings.Join(line[1:], " "), kinds)
		return err
	}
	aggregation, err := readAggregation(line)
	d.aggregations = append(d.aggregations, aggregation)
	return err
}

func readAggregation(line []string) (*plumbv1.Aggregation, error) {
	a := &plumbv1.Aggregation{}
	part := "functions"
	for _, word := range line {
		if slices.Contains([]string{"of", "over", "hop", "offset", "by", "largest", "as"}, word) {
			part = word
			continue
		}
		if err := readPart(a, part, word); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func readPart(a *plumbv1.Aggregation, part, word string) error {
	switch part {
	case "functions":
		function, err := readFunction(word)
		a.Functions = append(a.Functions, function)
		return err
	case "of":
		a.Of = word
	case "over":
		a.Windows = append(a.Windows, word)
	case "hop":
		a.Hop = word
	case "offset":
		micros, err := spanOf(word)
		if err != nil {
			return err
		}
		a.Offset = durationpb.New(time.Duration(micros.Int64()) * time.Microsecond)
	case "by":
		a.By = word
	case "largest":
		n, err := strconv.ParseUint(word, 10, 32)
		a.Largest = uint32(n)
		return err
	case "as":
		a.As = word
	}
	return nil
}

// readFunction reads a function with its parameters: a number is n or a quantile.
func readFunction(word string) (*plumbv1.AggregateFunction, error) {
	name, parameters, _ := strings.Cut(strings.TrimSuffix(word, ")"), "(")
	f := &plumbv1.AggregateFunction{Name: name}
	kind := ""
	for parameter := range strings.FieldsSeq(parameters) {
		if parameter == "error" || parameter == "max" {
			kind = parameter
			continue
		}
		number, err := strconv.ParseFloat(parameter, 64)
		if err != nil {
			return nil, err
		}
		switch {
		case kind == "error":
			f.Error = number
		case kind == "max":
			f.MaxValues = uint32(number)
		case name == "percentile":
			f.Quantiles = append(f.Quantiles, number)
		default:
			f.N = uint32(number)
		}
	}
	return f, nil
}

// readColumns are the columns of a view that its rows hold in their order: its features, or what its aggregations read.
func (w *World) readColumns(view *plumbv1.FeatureView) []*plumbv1.Feature {
	aggregated := w.Histories[view.GetName()].Aggregated
	if aggregated == nil {
		return view.GetFeatures()
	}
	var read []*plumbv1.Feature
	for _, column := range aggregated.columns {
		if column.computed == nil {
			read = append(read, &plumbv1.Feature{Name: column.name, Type: column.declared})
		}
	}
	return read
}

// aggregates says whether a view of the world has aggregations.
func (w *World) aggregates() bool {
	for _, history := range w.Histories {
		if history.Aggregated != nil {
			return true
		}
	}
	return false
}
