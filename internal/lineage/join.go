package lineage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// JoinRequest is a point-in-time join of label rows.
type JoinRequest struct {
	offline.JoinRequest
	// Service is the feature service that the selection is of; empty if features were listed.
	Service string
	// Sent says that a caller sent the label rows: the file that they are in is nobody else's.
	Sent bool
	// Out is the file that is written; empty if the result goes back to a caller.
	Out string
}

// Join is the run of a join.
type Join struct {
	run
	request JoinRequest
}

// StartJoin records that a join begins. Paths are absolute.
func (r *Recorder) StartJoin(request JoinRequest) *Join {
	if r == nil {
		return nil
	}
	join := &Join{request: request}
	inputs, outputs := join.datasets(r, offline.JoinReport{}, "")
	name, description := join.name()
	join.run = r.start(name, description, inputs, outputs)
	return join
}

// End records how it ended. version identifies the content of the output, and is empty if it is not known.
func (j *Join) End(ctx context.Context, report offline.JoinReport, version string, failure error) {
	if j == nil {
		return
	}
	inputs, outputs := j.datasets(j.recorder, report, version)
	if failure == nil {
		outputs[0].setRows(report.Rows)
	}
	j.end(ctx, failure, inputs, outputs)
}

// name is that of the job: the service's, or the views' with a hash that stands for the features, since there may be
// hundreds. So runs of one selection are runs of one job, such as historical.prices+weather.3f9a01c2.
func (j *Join) name() (name, description string) {
	if j.request.Service != "" {
		return "historical." + j.request.Service, "training set of feature service " + j.request.Service
	}
	selection := j.request.Selection
	var views, features []string
	for _, reference := range selection.References {
		views = append(views, reference.View.Name)
	}
	for _, computation := range selection.Computations {
		views = append(views, computation.View.Name)
	}
	for _, output := range selection.Outputs {
		f := selection.Describe(output)
		features = append(features, f.View+":"+f.Name)
	}
	listed := strings.Join(features, ", ")
	sum := sha256.Sum256([]byte(listed))
	return "historical." + strings.Join(views, "+") + "." + hex.EncodeToString(sum[:4]), "training set of " + listed
}

func (j *Join) datasets(r *Recorder, report offline.JoinReport, version string) (inputs, outputs []dataset) {
	labels, output := j.sent(r, "labels"), j.sent(r, "result")
	if !j.request.Sent {
		labels = r.file(j.request.Labels)
	}
	if j.request.Out != "" {
		output = r.file(j.request.Out)
	}
	var columns columnLineage
	var fields []field
	for _, column := range report.Labels {
		fields = append(fields, field{column.Name, column.Type})
		columns.add(fields[len(fields)-1], labels.column(column.Name, identity))
	}
	if fields == nil {
		fields = j.labelColumns()
	}
	read := &sources{recorder: r, files: report.Inputs}
	read.add(labels, fields, "")
	columns.decide(labels.column(j.request.TimestampColumn, joined))
	found := make([]dataset, len(j.request.Selection.References))
	for i, reference := range j.request.Selection.References {
		view := reference.View
		found[i] = read.of(view.Source, sourceColumns(view))
		for k := range view.Keys {
			columns.decide(labels.column(reference.LabelColumns[k], joined), found[i].column(view.KeyColumn(k), joined))
		}
		columns.decide(found[i].column(view.Source.EventTimestamp, joined),
			found[i].column(view.Source.CreatedTimestamp, joined))
	}
	j.addOutputs(&columns, found, labels)
	columns.describe(&output)
	output.setVersion(version)
	return read.all, []dataset{output}
}

// sent is what goes between a caller and a server, and is stored nowhere.
func (j *Join) sent(r *Recorder, what string) dataset {
	name, _ := j.name()
	return dataset{Namespace: "plumb://" + r.config.Project, Name: name + "/" + what, Facets: facets{}}
}

// labelColumns are those that are known before the labels are read.
func (j *Join) labelColumns() []field {
	var columns []field
	add := func(column field) {
		if !slices.ContainsFunc(columns, func(f field) bool { return f.Name == column.Name }) {
			columns = append(columns, column)
		}
	}
	for _, reference := range j.request.Selection.References {
		for k, key := range reference.View.Keys {
			add(typed(reference.LabelColumns[k], key.Type))
		}
	}
	for _, computation := range j.request.Selection.Computations {
		for _, input := range computation.Inputs {
			if input.Label != "" {
				add(typed(input.Label, input.Type))
			}
		}
	}
	add(typed(j.request.TimestampColumn, plumbv1.Type_TIMESTAMP))
	return columns
}

// addOutputs takes the features, in the order of the output's columns, and what was asked for beside them. found are
// the datasets of the selection's references, labels that of the label rows.
func (j *Join) addOutputs(columns *columnLineage, found []dataset, labels dataset) {
	selection := j.request.Selection
	for _, output := range selection.Outputs {
		from := j.readsOf(output, found, labels)
		columns.add(typed(output.Name, selection.Describe(output).Type), from...)
		if j.request.Statuses {
			columns.add(typed(output.Name+"__status", plumbv1.Type_STRING), j.statusReads(output, found, from)...)
		}
	}
	instant := labels.column(j.request.TimestampColumn, derived)
	for i, reference := range selection.References {
		switch {
		case j.request.Provenance:
			addProvenance(columns, reference, found[i], instant)
		case j.request.EventTimestamps:
			columns.add(typed(reference.Alias+"__event_timestamp", plumbv1.Type_TIMESTAMP),
				eventTime(reference.View, found[i]))
		}
	}
}

// readsOf are the columns that the values of an output come from.
func (j *Join) readsOf(output feature.Output, found []dataset, labels dataset) []input {
	selection := j.request.Selection
	made := func(stored feature.StoredColumn, how transformation) []input {
		return found[stored.Reference].made(selection.References[stored.Reference].View, stored.Feature, how)
	}
	if stored, ok := output.From.(feature.StoredColumn); ok {
		return made(stored, identity)
	}
	computed := output.From.(feature.ComputedColumn)
	computation := selection.Computations[computed.Computation]
	var reads []input
	only := computation.Program.Select([]int{computed.Feature})
	for _, at := range only.Inputs() {
		from := computation.Inputs[slices.Index(computation.Program.Inputs(), at)]
		if from.Label != "" {
			reads = append(reads, labels.column(from.Label, derived))
		} else {
			reads = united(reads, made(from.Stored, derived))
		}
	}
	if only.ReadsTime() {
		reads = append(reads, labels.column(j.request.TimestampColumn, derived))
	}
	return reads
}

// united adds columns that are not there yet. One that is there is made use of in the new ways too.
func united(reads, more []input) []input {
	for _, each := range more {
		at := slices.IndexFunc(reads, func(r input) bool {
			return r.Namespace == each.Namespace && r.Name == each.Name && r.Field == each.Field
		})
		if at < 0 {
			reads = append(reads, each)
			continue
		}
		for _, how := range each.Transformations {
			if !slices.Contains(reads[at].Transformations, how) {
				reads[at].Transformations = append(slices.Clip(reads[at].Transformations), how)
			}
		}
	}
	return reads
}

// statusReads are the columns that the status of an output comes from.
func (j *Join) statusReads(output feature.Output, found []dataset, reads []input) []input {
	stored, ok := output.From.(feature.StoredColumn)
	if !ok {
		return reads
	}
	view, source := j.request.Selection.References[stored.Reference].View, found[stored.Reference]
	return append(source.made(view, stored.Feature, derived), source.column(view.Source.EventTimestamp, derived))
}

// addProvenance adds the columns of offline.ProvenanceOf. A column whose values come from the definitions or the
// name of a file has no input column.
func addProvenance(columns *columnLineage, reference feature.Reference, source dataset, instant input) {
	event, created := reference.View.Source.EventTimestamp, reference.View.Source.CreatedTimestamp
	inputs := map[string][]input{
		"event_timestamp": {eventTime(reference.View, source)}, "age_micros": {source.column(event, derived), instant},
	}
	if reference.View.Kind == feature.Windows {
		created = "" // Values come of many rows, so there is no created time.
		inputs["events"], inputs["earliest_event_timestamp"] = inputs["event_timestamp"], inputs["event_timestamp"]
	}
	if created != "" {
		inputs["created_timestamp"] = []input{source.column(created, identity)}
	}
	for _, column := range offline.ProvenanceOf(reference.View) {
		columns.add(typed(reference.Alias+"__"+column.Name, column.Type), inputs[column.Name]...)
	}
}
