package storetest

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Project is the name of a world's project if it has no other.
const Project = "world"

// World is a project: its definitions and files on one side, and on the other what the views hold, as the reference
// sees it.
type World struct {
	// Project names the project; empty means Project.
	Project string
	// Folder is the project folder, below which Files lie.
	Folder      string
	Definitions *plumbv1.Definitions
	// Files are those of the sources, their paths relative to Folder.
	Files []File
	// tables are those of a lake that files belong to.
	tables []*lakeTable
	// Histories has one entry for each view, by name.
	Histories map[string]*History
	// Expressions are those of the on-demand views, by view and feature.
	Expressions map[string]map[string]*Expression
}

// Question is a point-in-time join to ask of an engine and of the reference.
type Question struct {
	References []*plumbv1.ViewReference
	FullNames  bool
	// Labels is the label file; its path is relative to the project folder. The column TimeColumn holds feature.Instants,
	// and none of them is nil.
	Labels                             File
	TimeColumn                         string
	Statuses, EventTimestamps, AsKnown bool
	Provenance                         bool
}

// Write writes the files of all sources, and the metadata of tables.
func (w *World) Write() error {
	for _, file := range w.Files {
		file.Path = filepath.Join(w.Folder, file.Path)
		if err := file.Write(); err != nil {
			return err
		}
	}
	for _, table := range w.tables {
		if err := table.write(w.Folder); err != nil {
			return err
		}
	}
	return nil
}

// Snapshot returns the project as the registry would, in its first revision.
func (w *World) Snapshot() (*feature.Snapshot, error) {
	return feature.NewSnapshot(w.project(), 1, StateOf(w.Definitions))
}

func (w *World) project() string { return cmp.Or(w.Project, Project) }

// StateOf returns definitions as a registry's first revision keeps them.
func StateOf(definitions *plumbv1.Definitions) *plumbv1.State {
	state := &plumbv1.State{Definitions: definitions}
	for _, view := range definitions.GetFeatureViews() {
		schema := &plumbv1.ViewSchema{Id: 1}
		for _, f := range view.GetFeatures() {
			schema.Fields = append(schema.Fields, &plumbv1.SchemaField{Name: f.GetName(), Type: f.GetType()})
		}
		state.Views = append(state.Views, &plumbv1.RegisteredView{
			Name: view.GetName(), Generation: 1, Schemas: []*plumbv1.ViewSchema{schema},
		})
	}
	return state
}

// Select resolves the question's references.
func (w *World) Select(question Question) (*feature.Selection, error) {
	state := StateOf(&plumbv1.Definitions{
		Entities:     w.Definitions.GetEntities(),
		Sources:      w.Definitions.GetSources(),
		FeatureViews: w.Definitions.GetFeatureViews(),
		FeatureServices: []*plumbv1.FeatureService{
			{Name: "question", FullNames: question.FullNames, Features: question.References},
		},
		OnDemandViews: w.Definitions.GetOnDemandViews(),
	})
	snapshot, err := feature.NewSnapshot(w.project(), 1, state)
	if err != nil {
		return nil, err
	}
	return snapshot.SelectService("question", false)
}

// Answer returns the columns that the question adds to its labels, and the report, as the rules have them.
func (w *World) Answer(selection *feature.Selection, question Question) (*Table, offline.JoinReport, error) {
	table := &Table{}
	sightings := make([][]Sighting, len(selection.References))
	report := offline.JoinReport{Rows: int64(question.Labels.rows())}
	for i, reference := range selection.References {
		seen, err := w.look(reference, question)
		if err != nil {
			return nil, report, err
		}
		sightings[i] = seen
		report.Views = append(report.Views, w.reportOn(reference, seen))
	}
	times, err := question.column(question.TimeColumn)
	if err != nil {
		return nil, report, err
	}
	outcomes, computed, err := w.outcomes(selection, question)
	if err != nil {
		return nil, report, err
	}
	report.Computed = slices.Concat(computed, w.invalidValues(selection, sightings))
	w.nameAnswer(table, selection, question)
	for row := range question.Labels.rows() {
		values := answerRow(selection, question, sightings, outcomes, row)
		for i, reference := range selection.References {
			switch seen := sightings[i][row]; {
			case question.Provenance:
				values = append(values, w.trace(reference.View, seen, times[row].(feature.Instant), question.Statuses)...)
			case question.EventTimestamps:
				values = append(values, eventShown(seen, question.Statuses))
			}
		}
		table.Rows = append(table.Rows, values)
	}
	return table, report, nil
}

// look returns what one use of a view shows to each label row.
func (w *World) look(reference feature.Reference, question Question) ([]Sighting, error) {
	times, err := question.column(question.TimeColumn)
	if err != nil {
		return nil, err
	}
	seen := make([]Sighting, len(times))
	for row := range seen {
		if seen[row], err = w.lookRow(reference, question, row); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

// lookRow returns what one use of a view shows to a label row.
func (w *World) lookRow(reference feature.Reference, question Question, row int) (Sighting, error) {
	key := make([]any, len(reference.LabelColumns))
	for i, name := range reference.LabelColumns {
		values, err := question.column(name)
		if err != nil {
			return Sighting{}, err
		}
		key[i] = values[row]
	}
	times, err := question.column(question.TimeColumn)
	if err != nil {
		return Sighting{}, err
	}
	return w.Histories[reference.View.Name].At(key, times[row].(feature.Instant), question.AsKnown), nil
}

func (q Question) column(name string) ([]any, error) {
	for _, column := range q.Labels.Columns {
		if column.Name == name {
			return column.Values, nil
		}
	}
	return nil, fmt.Errorf("no label column is named %q", name)
}

// invalidValues counts what has no value (R26) among the features that are read of views with aggregations.
func (w *World) invalidValues(selection *feature.Selection, sightings [][]Sighting) []offline.ComputedReport {
	var reports []offline.ComputedReport
	for i, reference := range selection.References {
		report := offline.ComputedReport{Alias: reference.Alias}
		for _, f := range selection.Reads(i) {
			var count int64
			for _, sighting := range sightings[i] {
				if _, status := sighting.Value(f); status == plumbv1.Status_INVALID {
					count++
				}
			}
			if count > 0 {
				invalid := offline.InvalidValues{Feature: reference.View.Features[f].Name, Rows: count}
				report.Invalid = append(report.Invalid, invalid)
			}
		}
		if len(report.Invalid) > 0 {
			reports = append(reports, report)
		}
	}
	return reports
}

func (w *World) reportOn(reference feature.Reference, seen []Sighting) offline.ViewReport {
	report := offline.ViewReport{Alias: reference.Alias}
	report.NullKeys, report.NullTimes = w.Histories[reference.View.Name].Unservable()
	for _, sighting := range seen {
		if sighting.Status == plumbv1.Status_PRESENT {
			report.Matched++
		}
	}
	return report
}

func (w *World) nameAnswer(t *Table, selection *feature.Selection, question Question) {
	for _, output := range selection.Outputs {
		declared := selection.Describe(output).Type
		t.Names, t.Types = append(t.Names, output.Name), append(t.Types, value.ArrowType(declared))
		if question.Statuses {
			t.Names = append(t.Names, output.Name+"__status")
			t.Types = append(t.Types, value.ArrowType(plumbv1.Type_STRING))
		}
	}
	for _, reference := range selection.References {
		switch {
		case question.Provenance:
			for _, column := range offline.ProvenanceOf(reference.View) {
				t.Names = append(t.Names, reference.Alias+"__"+column.Name)
				t.Types = append(t.Types, value.ArrowType(column.Type))
			}
		case question.EventTimestamps:
			t.Names = append(t.Names, reference.Alias+"__event_timestamp")
			t.Types = append(t.Types, value.ArrowType(plumbv1.Type_TIMESTAMP))
		}
	}
}

// trace is what the columns of offline.ProvenanceOf hold.
func (w *World) trace(view *feature.View, sighting Sighting, at feature.Instant, statuses bool) []any {
	columns := make([]any, len(offline.ProvenanceOf(view)))
	columns[1], columns[3] = view.Hash.String(), eventShown(sighting, statuses)
	if view.Revision > 0 {
		columns[0] = view.Revision
	}
	if columns[3] == nil {
		return columns
	}
	if history := w.Histories[view.Name]; !history.ByValue && history.Aggregated == nil {
		columns[2] = sighting.Row.File
	}
	if sighting.Row.Created != nil {
		columns[4] = *sighting.Row.Created
	}
	columns[5] = ageOf(*sighting.Row.Event, at)
	if w.Histories[view.Name].Aggregated != nil {
		columns[6] = int64(len(sighting.Events))
		if len(sighting.Events) > 0 {
			columns[7] = sighting.Events[0].at
		}
	}
	return columns
}

// ageOf is the microseconds from an event to an instant at or after it, at most the greatest number.
func ageOf(event, at feature.Instant) int64 {
	return int64(min(uint64(at)-uint64(event), math.MaxInt64))
}

func answerRow(selection *feature.Selection, question Question, sightings [][]Sighting, outcomes [][][]Outcome,
	row int,
) []any {
	var values []any
	for _, output := range selection.Outputs {
		var value any
		var status plumbv1.Status
		switch from := output.From.(type) {
		case feature.StoredColumn:
			value, status = sightings[from.Reference][row].Value(from.Feature)
		case feature.ComputedColumn:
			outcome := outcomes[from.Computation][from.Feature][row]
			value, status = outcome.Value, outcome.Status()
		}
		values = append(values, value)
		if question.Statuses {
			values = append(values, status.String())
		}
	}
	return values
}

// eventShown is the winning row's event time; that of an expired row is given only along with statuses.
func eventShown(sighting Sighting, statuses bool) any {
	if sighting.Status == plumbv1.Status_PRESENT || sighting.Status == plumbv1.Status_EXPIRED && statuses {
		return *sighting.Row.Event
	}
	return nil
}

// moveTo has the sources read what has a root before the paths of their files.
func (w *World) moveTo(root string) {
	for _, source := range w.Definitions.GetSources() {
		switch kind := source.GetKind().(type) {
		case *plumbv1.Source_Parquet:
			kind.Parquet.Path = root + kind.Parquet.GetPath()
		case *plumbv1.Source_Csv:
			kind.Csv.Path = root + kind.Csv.GetPath()
		case *plumbv1.Source_Jsonl:
			kind.Jsonl.Path = root + kind.Jsonl.GetPath()
		}
	}
	for _, history := range w.Histories {
		for i := range history.Rows {
			if history.Rows[i].File != "" {
				history.Rows[i].File = root + history.Rows[i].File
			}
		}
	}
}

// expectOneNaN has the views hold one NaN in the place of all. The files are as they were.
func (w *World) expectOneNaN() {
	for _, history := range w.Histories {
		for _, row := range history.Rows {
			for i, value := range row.Features {
				row.Features[i] = Canonical(value)
			}
		}
	}
}
