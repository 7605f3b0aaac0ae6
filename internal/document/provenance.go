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
	switch origin {
	case plumbv1.ViewProvenance_NO_ROW, plumbv1.ViewProvenance_BEFORE_FLOOR:
		return p
	case plumbv1.ViewProvenance_RUN:
		p.Run = &view.GetRuns()[row]
	case plumbv1.ViewProvenance_PUSH:
		p.PushedTimestamp = instantText(view.GetPushedTimestamps()[row])
	}
	p.EventTimestamp = instantText(view.GetEventTimestamps()[row])
	if nulls := view.GetCreatedNulls(); len(nulls) == 0 || nulls[row] == 0 {
		p.CreatedTimestamp = instantText(view.GetCreatedTimestamps()[row])
	}
	p.AgeMicros, p.SchemaID = &view.GetAgeMicros()[row], &view.GetSchemaIds()[row]
	return p
}

func instantText(micros int64) *string { return new(value.FormatInstant(feature.Instant(micros))) }
