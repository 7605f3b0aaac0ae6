package plumb

import (
	"context"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// PushRequest gives rows of one view to the online store, as columns of one length.
type PushRequest struct {
	// View is the name of a feature view.
	View string
	// Keys has one column for each join key of the view, named after it.
	Keys []Key
	// EventTimes are the instants at which the rows became true, cut to microseconds below (R1). A row that is later than
	// the server's clock by more than the allowed skew is refused (R15).
	EventTimes []time.Time
	// CreatedTimes are the instants at which the rows became known, or nil if that is not known.
	CreatedTimes []time.Time
	// Features has one column for each feature of the view.
	Features []Feature
	// Atomic stores nothing if any row is refused.
	Atomic bool
}

// Feature is a column of values to push.
type Feature struct{ column *plumbv1.PushColumn }

// NewFeature returns the column of the feature with a value for each row.
func NewFeature[T Scalar](name string, values ...T) Feature {
	return featureOf(name, pack(values), nil)
}

// NewNullableFeature is like [NewFeature], but allows null values, given as nil.
func NewNullableFeature[T Scalar](name string, values ...*T) Feature {
	packed, nulls := fromPointers(values)
	return featureOf(name, pack(packed), nulls)
}

// NewListFeature returns the column of a feature whose values are arrays.
func NewListFeature[T Scalar](name string, values ...List[T]) Feature {
	return featureOf(name, packLists(values), nil)
}

// NewNullableListFeature is like [NewListFeature], but allows null values, given as nil.
func NewNullableListFeature[T Scalar](name string, values ...*List[T]) Feature {
	packed, nulls := fromPointers(values)
	return featureOf(name, packLists(packed), nulls)
}

func featureOf(name string, values *plumbv1.Values, nulls []byte) Feature {
	return Feature{&plumbv1.PushColumn{Name: name, Values: values, Nulls: nulls}}
}

// PushReport reports what became of pushed rows.
type PushReport struct {
	// Written rows were stored. Older ones were not, since a newer row of their key is there or in the same call (R14).
	Written, Older int64
	// Refused rows could not be stored, in row order.
	Refused []RefusedRow
	// Revision is the revision of the registry that the rows were written under.
	Revision int64
}

// RefusedRow is a row that could not be stored.
type RefusedRow struct {
	// Row is its position in the request, from 0.
	Row int64
	// Field is the join key, feature or time that is wrong, and Reason one sentence.
	Field, Reason string
}

// Push writes rows to the online store, where the newest of each key wins (R14). The report lists the rows that cannot
// be stored. The others are stored all the same unless the request is atomic. After an error some rows may have been
// stored; pushing them again is harmless.
//
// The errors are those of the call: INVALID_ARGUMENT for columns that do not fit the view, NOT_FOUND for an unknown
// view, FAILED_PRECONDITION for one that is not online, PERMISSION_DENIED by a server that takes no rows, UNAVAILABLE
// if the server or its store cannot be reached.
func (c *Client) Push(ctx context.Context, request PushRequest) (PushReport, error) {
	message := &plumbv1.PushRequest{
		View: request.View, Keys: keyColumns(request.Keys), Atomic: request.Atomic,
		EventTimestamps: &plumbv1.TimeColumn{Micros: microseconds(request.EventTimes)},
	}
	if request.CreatedTimes != nil {
		message.CreatedTimestamps = &plumbv1.TimeColumn{Micros: microseconds(request.CreatedTimes)}
	}
	for _, feature := range request.Features {
		message.Features = append(message.Features, feature.column)
	}
	response, err := c.serving.Push(ctx, message)
	if err != nil {
		return PushReport{}, err
	}
	report := PushReport{Written: response.GetWritten(), Older: response.GetOlder(), Revision: response.GetRevision()}
	for _, row := range response.GetRefused() {
		report.Refused = append(report.Refused, RefusedRow{row.GetRow(), row.GetField(), row.GetReason()})
	}
	return report, nil
}
