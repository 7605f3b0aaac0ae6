package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/audit/auditlog"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// recomputation compares the features of one use of an on-demand view with what their expressions give for what was
// served: the logged inputs of the request, and the logged features of the views that the expressions read. Whether
// those features are what training sees is told with their own views.
type recomputation struct {
	*feature.Computation

	header *auditlog.Header
	// inputs has a column for each input of the program, and outputs one for each of its outputs.
	inputs  []loggedInput
	outputs []auditlog.Output

	tally *tally
}

// loggedInput is the column of a log that an input of a program is in. status is empty for one of the request.
type loggedInput struct{ column, status string }

// recomputations are those of a group's on-demand views. The features of one that cannot be compared are skipped, with
// the reason.
func (g *groupAudit) recomputations() []*recomputation {
	header := g.group.header
	if !slices.ContainsFunc(header.Outputs, func(o auditlog.Output) bool { return o.Computed != "" }) {
		return nil
	}
	selection, err := selectionOf(header, g.snapshot)
	if err != nil {
		g.skipComputed(nil, fmt.Sprintf("%s cannot be right: in revision %d of the registry, %v", g.paths(), header.Revision,
			err))
		return nil
	}
	var all []*recomputation
	for i := range selection.Computations {
		r := &recomputation{Computation: &selection.Computations[i], header: header, tally: g.tally,
			outputs: make([]auditlog.Output, len(selection.Computations[i].Features))}
		for at, output := range selection.Outputs {
			if column, ok := output.From.(feature.ComputedColumn); ok && column.Computation == i {
				r.outputs[column.Feature] = header.Outputs[at]
			}
		}
		if reason := r.find(); reason != "" {
			g.skipComputed(r, g.paths()+reason)
			continue
		}
		g.tally.view(r.View.Name).rows += g.group.rows
		all = append(all, r)
	}
	return all
}

// selectionOf is what the look-ups of a log asked for, with the outputs that the log has.
func selectionOf(header *auditlog.Header, snapshot *feature.Snapshot) (selection *feature.Selection, err error) {
	if header.Service != "" {
		selection, err = snapshot.SelectService(header.Service, header.FullNames)
	} else {
		selection, err = snapshot.SelectFeatures(header.References, header.FullNames)
	}
	if err != nil {
		return nil, err
	}
	for i, output := range selection.Outputs {
		if i >= len(header.Outputs) || header.Outputs[i].Name != output.Name ||
			header.Outputs[i].Declared() != selection.Describe(output).Type {
			return nil, fmt.Errorf("output %q is another", output.Name)
		}
	}
	if len(header.Views) != len(selection.References) {
		return nil, fmt.Errorf("it reads %d views", len(selection.References))
	}
	return selection, nil
}

// skipComputed counts computed features as not compared: those of one use of a view, or all.
func (g *groupAudit) skipComputed(r *recomputation, reason string) {
	counted := map[string]bool{}
	for _, output := range g.group.header.Outputs {
		view := output.Computed
		if view == "" || r != nil && !slices.Contains(r.outputs, output) {
			continue
		}
		if !counted[view] {
			counted[view] = true
			g.tally.view(view).rows += g.group.rows
		}
		g.tally.skip(view, Skipped{Reason: reason, Input: r == nil}, g.group.rows)
	}
}

// find finds the columns of all inputs; it says why it cannot.
func (r *recomputation) find() string {
	for _, output := range r.outputs {
		if output.Sensitive {
			return fmt.Sprintf(" has hashes of feature %q of on-demand view %s, which cannot be computed again", output.Feature,
				r.View.Name)
		}
	}
	for _, input := range r.Inputs {
		columns := slices.Concat(r.header.Keys, r.header.Inputs)
		at := slices.IndexFunc(columns, func(c auditlog.Column) bool { return c.Name == input.Label })
		found, status := auditlog.Column{}, ""
		if input.Label != "" && at >= 0 {
			found = columns[at]
		}
		if input.Label == "" {
			found, status = r.stored(input)
		}
		switch {
		case found.Column == "" || found.Declared() != input.Type:
			return fmt.Sprintf(" has no column of %s, which on-demand view %s reads", input.Name, r.View.Name)
		case found.Sensitive:
			return fmt.Sprintf(" has hashes of %s, which on-demand view %s reads", input.Name, r.View.Name)
		}
		r.inputs = append(r.inputs, loggedInput{found.Column, status})
	}
	return ""
}

// stored is the column of a feature of a view that the log has, and that of its statuses.
func (r *recomputation) stored(input feature.ComputationInput) (auditlog.Column, string) {
	_, name, _ := strings.Cut(input.Name, ".")
	for _, output := range r.header.Outputs {
		if output.Computed == "" && output.View == input.Stored.Reference && output.Feature == name {
			return output.Column, output.Status
		}
	}
	return auditlog.Column{}, ""
}

// batch computes the features of a batch of the log again.
func (r *recomputation) batch(file string, batch arrow.RecordBatch) error {
	c, rows := &columns{batch: batch}, int(batch.NumRows())
	times := typed[*array.Timestamp](c, auditlog.AtColumn)
	e := r.Program.Begin(rows)
	defer e.Release()
	for i, at := range r.Program.Inputs() {
		column := c.any(r.inputs[i].column)
		if c.missing == nil {
			if err := fillColumn(e.Input(at), column); err != nil {
				return fault.Inputf(file, "is damaged: column %q %v", r.inputs[i].column, err)
			}
		}
	}
	served := make([][2]arrow.Array, len(r.outputs))
	for i, output := range r.outputs {
		served[i] = [2]arrow.Array{c.any(output.Column.Column), c.any(output.Status)}
	}
	if c.missing != nil {
		return fault.Inputf(file, "is damaged: %v", c.missing)
	}
	if r.Program.ReadsTime() {
		for row := range e.Times() {
			e.Times()[row] = int64(times.Value(row))
		}
	}
	e.Run()
	for i := range r.outputs {
		if err := r.compare(file, batch, i, served[i], e.Output(i)); err != nil {
			return err
		}
	}
	return nil
}

// compare compares a feature in all rows of a batch.
func (r *recomputation) compare(file string, batch arrow.RecordBatch, at int, served [2]arrow.Array,
	computed *expression.Column,
) error {
	output, view := r.outputs[at], r.tally.view(r.View.Name)
	f := r.tally.feature(r.View.Name, output.Feature)
	logged := &expression.Column{Type: output.Declared(), Elements: &expression.Column{}}
	if err := fillColumn(logged, served[0]); err != nil {
		return fault.Inputf(file, "is damaged: column %q %v", output.Column.Column, err)
	}
	for row, state := range computed.States {
		status, err := statusAt(served[1], row)
		if err != nil {
			return fault.Inputf(file, "is damaged: %v", err)
		}
		f.compared++
		if status == state.Status() && (state != expression.Present || sameValue(logged, computed, row)) {
			view.matched++
			continue
		}
		view.mismatched++
		view.causes[Unexplained]++
		f.mismatched++
		f.causes[Unexplained]++
		if r.tally.wants(Unexplained, r.View.Name) {
			r.tally.show(r.example(file, batch, at, row, status, state.Status(), served[0]))
		}
	}
	return nil
}

func (r *recomputation) example(file string, batch arrow.RecordBatch, at, row int, served, computed plumbv1.Status,
	values arrow.Array,
) Example {
	c := &columns{batch: batch}
	example := Example{View: r.View.Name, Feature: r.outputs[at].Feature, Output: r.outputs[at].Name, File: file,
		Request: typed[*array.Int64](c, auditlog.RequestColumn).Value(row), Cause: Unexplained,
		Row:      int64(typed[*array.Int32](c, auditlog.RowColumn).Value(row)),
		ServedAt: value.FormatInstant(feature.Instant(typed[*array.Timestamp](c, auditlog.ServedAtColumn).Value(row))),
		At:       value.FormatInstant(feature.Instant(typed[*array.Timestamp](c, auditlog.AtColumn).Value(row))),
		Served:   Shown{Status: served.String()}, Joined: Shown{Status: computed.String()},
		Evidence: "the expression gives another value for what was served",
	}
	if served == plumbv1.Status_PRESENT {
		example.Served.Value = shownValue(values, row)
	}
	for _, key := range r.header.Keys {
		show := shownValue
		if key.Sensitive {
			show = shownHash
		}
		example.Keys = append(example.Keys, document.Member{Name: key.Name, Value: show(c.any(key.Column), row)})
	}
	return example
}
