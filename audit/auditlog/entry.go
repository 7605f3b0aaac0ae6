package auditlog

import (
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
)

// Entry is one look-up that was answered. What it refers to must not change any more.
type Entry struct {
	Layout *Layout
	// ServedAt is when the answer was made, At the instant that it was asked for (R2).
	ServedAt, At feature.Instant
	// Keys are the request's, in any order.
	Keys []*plumbv1.KeyColumn
	// Inputs are the request's, in any order.
	Inputs []*plumbv1.InputColumn
	// Columns are those of the answer, in the order of the outputs.
	Columns []*plumbv1.FeatureColumn
	// Stored is what the online store had; see lookup.Reply.
	Stored []lookup.StoredRow
	// Rows are the places of the rows to log, ascending. All of a request has Count rows.
	Rows  []int32
	Count int
}
