package document

import (
	"encoding/hex"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Provenance describes the origin of the row that one use of a view found. All but the first three fields and Origin
// are null if Origin is NO_ROW; see plumbv1.ViewProvenance.
type Provenance struct {
	View string `json:"view"`
	// DefinitionRevision is null if it is not known.
	DefinitionRevision *int64 `json:"definition_revision"`
	DefinitionHash     string `json:"definition_hash"`
	Origin             string `json:"origin"`
	// Run is the id of the run that wrote the row, PushedTimestamp when the push that brought it was accepted.
	Run              *int64  `json:"run"`
	PushedTimestamp  *string `json:"pushed_timestamp"`
	EventTimestamp   *string `json:"event_timestamp"`
	CreatedTimestamp *string `json:"created_timestamp"`
	AgeMicros        *int64  `json:"age_micros"`
	SchemaID         *uint32 `json:"schema_id"`
	// Counted is nil unless the view has aggregations.
	*Counted
}

// Counted is what the longest window of a view with aggregations counts, of several such the one with the least offset.
type Counted struct {
	// Events is null if what is stored does not tell it.
	Events *int64 `json:"events"`
	// EarliestEventTimestamp is the time of the first event, if that is known. Otherwise the first event is later than
	// EarliestEventAfter, which is the beginning of a tile; it is null if there is none.
	EarliestEventTimestamp *string `json:"earliest_event_timestamp"`
	EarliestEventAfter     *string `json:"earliest_event_after"`
}

// Computed says what the values of one use of an on-demand view are computed by and of; see
// plumbv1.ComputedProvenance.
type Computed struct {
	View           string   `json:"view"`
	DefinitionHash string   `json:"definition_hash"`
	Inputs         []string `json:"inputs"`
	Views          []string `json:"views"`
	RequestTime    bool     `json:"request_time"`
}

// computedOf has one Computed for each use of an on-demand view; it is the same for all rows.
func computedOf(uses []*plumbv1.ComputedProvenance) Object {
	computed := make(Object, len(uses))
	for i, use := range uses {
		computed[i] = Member{use.GetAlias(), Computed{View: use.GetView(),
			DefinitionHash: hex.EncodeToString(use.GetDefinitionHash()), Inputs: append([]string{}, use.GetInputs()...),
			Views: append([]string{}, use.GetViews()...), RequestTime: use.GetRequestTime()}}
	}
	return computed
}

// provenanceOfAll has that of one row for each use of a view.
func provenanceOfAll(views []*plumbv1.ViewProvenance, row int) Object {
	found := make(Object, len(views))
	for i, view := range views {
		found[i] = Member{view.GetAlias(), provenanceOf(view, row)}
	}
	return found
}

// provenanceOf is that of one row.
func provenanceOf(view *plumbv1.ViewProvenance, row int) Provenance {
	origin := plumbv1.ViewProvenance_Origin(view.GetOrigins()[row])
	p := Provenance{View: view.GetView(), DefinitionHash: hex.EncodeToString(view.GetDefinitionHash()),
		Origin: origin.String()}
	if revision := view.GetDefinitionRevision(); revision > 0 {
		p.DefinitionRevision = &revision
	}
	hasRow := origin != plumbv1.ViewProvenance_NO_ROW && origin != plumbv1.ViewProvenance_BEFORE_FLOOR
	if len(view.GetEarliest()) > 0 {
		p.Counted = countedOf(view, row, hasRow)
	}
	switch {
	case !hasRow:
		return p
	case origin == plumbv1.ViewProvenance_RUN:
		p.Run = &view.GetRuns()[row]
	case origin == plumbv1.ViewProvenance_PUSH:
		p.PushedTimestamp = instantText(view.GetPushedTimestamps()[row])
	}
	p.EventTimestamp = instantText(view.GetEventTimestamps()[row])
	if nulls := view.GetCreatedNulls(); len(nulls) == 0 || nulls[row] == 0 {
		p.CreatedTimestamp = instantText(view.GetCreatedTimestamps()[row])
	}
	p.AgeMicros, p.SchemaID = &view.GetAgeMicros()[row], &view.GetSchemaIds()[row]
	return p
}

func countedOf(view *plumbv1.ViewProvenance, row int, hasRow bool) *Counted {
	counted := &Counted{}
	if events := view.GetEvents()[row]; hasRow && events >= 0 {
		counted.Events = &events
	}
	earliest := instantText(view.GetEarliestTimestamps()[row])
	switch plumbv1.ViewProvenance_Earliest(view.GetEarliest()[row]) {
	case plumbv1.ViewProvenance_EARLIEST_EVENT:
		counted.EarliestEventTimestamp = earliest
	case plumbv1.ViewProvenance_EARLIEST_TILE:
		counted.EarliestEventAfter = earliest
	}
	return counted
}

func instantText(micros int64) *string { return new(value.FormatInstant(feature.Instant(micros))) }
