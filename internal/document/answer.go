package document

import (
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Row is one row of an answer.
type Row struct {
	Keys Object `json:"keys"`
	// Inputs are the request inputs; nil if the look-up has none.
	Inputs   *Object `json:"inputs,omitempty"`
	Features Object  `json:"features"`
	// Provenance has one Provenance for each use of a view, by its alias. It is nil if it was not asked for.
	Provenance *Object `json:"provenance,omitempty"`
	// Computed has one Computed for each use of an on-demand view, by its alias. It is nil if there is none, or if
	// provenance was not asked for.
	Computed *Object `json:"computed,omitempty"`
}

// Feature is one feature of a row. Value is null unless Status is PRESENT.
type Feature struct {
	Value  any    `json:"value"`
	Status string `json:"status"`
}

// TimedFeature is a feature with the event time of the row that it came from. The time is null if the status is
// NOT_FOUND. If the status is EXPIRED, it is the time of the row whose value is withheld (R13).
type TimedFeature struct {
	Feature
	EventTimestamp *string `json:"event_timestamp"`
}

// Answer is the rows of a look-up, from its message. Rows writes the same rows without one.
type Answer struct {
	keys       *Keys
	columns    []*plumbv1.FeatureColumn
	provenance []*plumbv1.ViewProvenance
	computed   []*plumbv1.ComputedProvenance
	values     []value.Wire
}

// NewAnswer takes the columns of a look-up apart. If they have event times, the features are TimedFeatures. The
// provenance of views and of what is computed is nil if it was not asked for.
func NewAnswer(keys *Keys, columns []*plumbv1.FeatureColumn, provenance []*plumbv1.ViewProvenance,
	computed []*plumbv1.ComputedProvenance,
) *Answer {
	a := &Answer{keys: keys, columns: columns, provenance: provenance, computed: computed,
		values: make([]value.Wire, len(columns))}
	for i, column := range columns {
		a.values[i] = value.ReadWire(column.GetValues())
	}
	return a
}

// Len is the number of rows.
func (a *Answer) Len() int {
	if len(a.columns) == 0 {
		return 0
	}
	return len(a.columns[0].GetStatuses())
}

// Row returns a row.
func (a *Answer) Row(at int) Row {
	row := Row{Keys: a.keys.Row(at), Inputs: a.keys.InputRow(at), Features: make(Object, len(a.columns))}
	for i, column := range a.columns {
		row.Features[i] = Member{column.GetName(), a.feature(i, at)}
	}
	if a.provenance != nil {
		row.Provenance = new(provenanceOfAll(a.provenance, at))
	}
	if a.computed != nil {
		row.Computed = new(computedOf(a.computed))
	}
	return row
}

// Rows returns all rows.
func (a *Answer) Rows() []Row {
	rows := make([]Row, a.Len())
	for i := range rows {
		rows[i] = a.Row(i)
	}
	return rows
}

func (a *Answer) feature(at, row int) any {
	column := a.columns[at]
	status := plumbv1.Status(column.GetStatuses()[row])
	f := Feature{Status: status.String()}
	if status == plumbv1.Status_PRESENT {
		if present, err := a.values[at].At(row); err == nil {
			f.Value = value.JSON(present)
		}
	}
	if column.GetEventTimestamps() == nil {
		return f
	}
	timed := TimedFeature{Feature: f}
	if status != plumbv1.Status_NOT_FOUND {
		timed.EventTimestamp = new(value.FormatInstant(feature.Instant(column.GetEventTimestamps()[row])))
	}
	return timed
}
