package storetest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// addOnDemand adds an on-demand view to the world. There is an expression for each of its features; the text in the
// definition becomes that of the expression.
func (w *World) addOnDemand(view *plumbv1.OnDemandView, expressions []*Expression) {
	if w.Expressions == nil {
		w.Expressions = map[string]map[string]*Expression{}
	}
	w.Expressions[view.GetName()] = map[string]*Expression{}
	for i, f := range view.GetFeatures() {
		f.Expression = expressions[i].String()
		w.Expressions[view.GetName()][f.GetName()] = expressions[i]
	}
	w.Definitions.OnDemandViews = append(w.Definitions.OnDemandViews, view)
}

// onDemand returns the on-demand view of a name; nil if there is none.
func (w *World) onDemand(name string) *plumbv1.OnDemandView {
	views := w.Definitions.GetOnDemandViews()
	at := slices.IndexFunc(views, func(v *plumbv1.OnDemandView) bool { return v.GetName() == name })
	if at < 0 {
		return nil
	}
	return views[at]
}

// computing is a use of an on-demand view in a question. It knows definitions and label rows, and nothing of what
// engines plan.
type computing struct {
	world    *World
	question Question
	view     *plumbv1.OnDemandView
	// columns renames label columns.
	columns map[string]string
}

// computingOf is the question's use of an on-demand view under an alias.
func (w *World) computingOf(question Question, alias string) (*computing, error) {
	for _, reference := range question.References {
		if view := w.onDemand(reference.GetView()); view != nil && aliasOf(reference) == alias {
			return &computing{w, question, view, reference.GetJoinKeys()}, nil
		}
	}
	return nil, fmt.Errorf("the question has no on-demand view %q", alias)
}

func (c *computing) column(name string) string { return cmp.Or(c.columns[name], name) }

// feature is the outcome of a feature for a label row, in its declared type.
func (c *computing) feature(name string, row int) (Outcome, error) {
	at := slices.IndexFunc(c.view.GetFeatures(), func(f *plumbv1.ComputedFeature) bool { return f.GetName() == name })
	var failed error
	outcome := c.world.Expressions[c.view.GetName()][name].Evaluate(func(name string) Outcome {
		outcome, err := c.named(name, row)
		failed = cmp.Or(failed, err)
		return outcome
	})
	return bring(c.view.GetFeatures()[at].GetType(), outcome), failed
}

// named is what a name in an expression stands for in a label row. What is not there is null (R26).
func (c *computing) named(name string, row int) (Outcome, error) {
	if name == requestTime {
		times, err := c.question.column(c.question.TimeColumn)
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Value: times[row]}, nil
	}
	if slices.ContainsFunc(c.view.GetRequest(), func(r *plumbv1.RequestInput) bool { return r.GetName() == name }) {
		values, err := c.question.column(c.column(name))
		if err != nil {
			return Outcome{}, err
		}
		return Outcome{Value: widen(values[row])}, nil
	}
	if input, number := c.input(name); input != nil {
		sighting, err := c.sighting(input, row)
		if err != nil {
			return Outcome{}, err
		}
		value, status := sighting.Value(number)
		return Outcome{Value: widen(value), Invalid: status == plumbv1.Status_INVALID}, nil
	}
	outcome, err := c.feature(name, row)
	outcome.Value = widen(outcome.Value)
	return outcome, err
}

// input is the use of a view that a name such as spend.mean begins with, and the position of the feature; nil if the
// name is none of such a feature.
func (c *computing) input(name string) (*plumbv1.ViewInput, int) {
	for _, input := range c.view.GetViews() {
		alias := cmp.Or(input.GetAs(), input.GetView())
		for i, f := range viewOf(c.world, input.GetView()).GetFeatures() {
			if alias+"."+f.GetName() == name {
				return input, i
			}
		}
	}
	return nil, 0
}

// sighting is what a use of a view by an on-demand view shows to a label row.
func (c *computing) sighting(input *plumbv1.ViewInput, row int) (Sighting, error) {
	reference := feature.Reference{View: &feature.View{Name: input.GetView()}}
	for _, key := range keysOf(c.world, viewOf(c.world, input.GetView())) {
		column := cmp.Or(input.GetJoinKeys()[key.GetName()], key.GetName())
		reference.LabelColumns = append(reference.LabelColumns, c.column(column))
	}
	seen, err := c.world.lookRow(reference, c.question, row)
	return seen, err
}

// needs adds the label columns that features read, with what each is read for: the type of a request input, or the key
// of a view.
func (c *computing) needs(features []string, add func(column string, declared plumbv1.Type, view string, key int)) {
	names := map[string]bool{}
	for _, name := range features {
		c.reads(name, names)
	}
	for _, input := range c.view.GetViews() {
		view := viewOf(c.world, input.GetView())
		isRead := slices.ContainsFunc(view.GetFeatures(), func(f *plumbv1.Feature) bool {
			return names[cmp.Or(input.GetAs(), input.GetView())+"."+f.GetName()]
		})
		for i, key := range keysOf(c.world, view) {
			if isRead {
				add(c.column(cmp.Or(input.GetJoinKeys()[key.GetName()], key.GetName())), key.GetType(), input.GetView(), i)
			}
		}
	}
	for _, input := range c.view.GetRequest() {
		if names[input.GetName()] {
			add(c.column(input.GetName()), input.GetType(), "", 0)
		}
	}
}

// reads adds the names that a feature reads, and those that the features among them read.
func (c *computing) reads(name string, to map[string]bool) {
	read := map[string]bool{}
	c.world.Expressions[c.view.GetName()][name].names(read)
	for name := range read {
		if to[name] {
			continue
		}
		to[name] = true
		if c.world.Expressions[c.view.GetName()][name] != nil {
			c.reads(name, to)
		}
	}
}

// outcomes are those of the computed features of a selection, by use of an on-demand view, feature and label row, with
// the report's counts.
func (w *World) outcomes(selection *feature.Selection, question Question) (
	[][][]Outcome, []offline.ComputedReport, error,
) {
	all := make([][][]Outcome, len(selection.Computations))
	var reports []offline.ComputedReport
	for i, computation := range selection.Computations {
		c, err := w.computingOf(question, computation.Alias)
		if err != nil {
			return nil, nil, err
		}
		report := offline.ComputedReport{Alias: computation.Alias}
		for _, position := range computation.Features {
			name := computation.View.Features[position].Name
			outcomes := make([]Outcome, question.Labels.rows())
			var count int64
			for row := range outcomes {
				if outcomes[row], err = c.feature(name, row); err != nil {
					return nil, nil, err
				}
				if outcomes[row].Invalid {
					count++
				}
			}
			if count > 0 {
				report.Invalid = append(report.Invalid, offline.InvalidValues{Feature: name, Rows: count})
			}
			all[i] = append(all[i], outcomes)
		}
		reports = append(reports, report)
	}
	return all, reports, nil
}
