package auditlog

import (
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store"
)

// Entry is one look-up that was answered. What it refers to must not change any more.
type Entry struct {
	Layout *Layout
	// ServedAt is when the answer was made, At the instant that it was asked for (R2).
	ServedAt, At store.Instant
	// Keys are the request's, in any order.
	Keys []*plumbv1.KeyColumn
	// Columns are those of the answer, in the order of the outputs.
	Columns []*plumbv1.FeatureColumn
	// Stored is what the online store had, for each use of a view and each row, at use*rows+row; empty where that is not
	// known.
	Stored []Stored
	// Rows are the places of the rows to log, ascending. All of a request has Count rows.
	Rows  []int32
	Count int
}

// Stored is what is known of a stored row besides its values. The zero value says that there is none.
type Stored struct {
	Found bool
	// Created is nil where it is null.
	Event    store.Instant
	Created  *store.Instant
	SchemaID uint32
	// Origin says who wrote the row: an id of a run, or a push.
	Origin int64
}
