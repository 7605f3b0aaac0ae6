package offline

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
)

// Witness reads plainly what joins and materializations work on, without deciding anything: it is what their answers
// are checked against. Its methods are safe for concurrent use, and what is wrong with a source or a file is a
// *fault.InputError.
type Witness interface {
	PlainReader
	// Values hands out the features of the rows at these places, in the view's order: each a bool, int32, int64, float32,
	// float64, string, []byte, Instant, []any of these and nil for an array, nil for null, or a Misfit. They are valid
	// until yield returns, whose error ends the reading and is returned.
	Values(ctx context.Context, view *feature.View, places []int64, yield func(place int64, values []any) error) error
}

// PlainReader is the part of a Witness that needs an offline engine: the rows of SQL sources, and label rows. An engine
// is asked for the history of SQL sources alone. store/plainread makes a Witness of it, which reads files without it.
//
// Methods are safe for concurrent use. yield is called by one goroutine at a time, and a batch is the reader's, valid
// until yield returns. An error from yield ends the stream and is returned.
type PlainReader interface {
	// History streams all rows of a view that any label could ever see, in no order: those with an event time and all
	// keys. Rows with a null there are left out and not counted; rows that are alike all come. A batch has these columns
	// by position: the keys in order, in the Arrow type of their declared type, then event_ts and created_ts (int64
	// microseconds, created_ts may be null), and then, for a source of files, the row's place (int64), which ascends in
	// source order (R3). A view without rows may have no batch. A key or time that does not fit its type is a
	// *fault.InputError that shows it.
	History(ctx context.Context, view *feature.View, yield func(arrow.RecordBatch) error) error
	// Labels streams the label rows that a join of this request would read, in their order, in batches with these columns
	// by position: the instant (int64 microseconds), then the label columns of Selection.Keys and those of
	// Selection.Inputs in order, in the Arrow type of their declared type, with nulls where the label rows have them. At
	// least one batch comes, which may be empty.
	// Label rows that the join would refuse because of these columns are refused, with a *fault.InputError.
	Labels(ctx context.Context, request JoinRequest, yield func(arrow.RecordBatch) error) error
}
