package plumb

import (
	"context"
	"fmt"
	"iter"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// OnlineRequest asks for features of some entities. One of Service and Features is set.
type OnlineRequest struct {
	// Service is the name of a feature service.
	Service string
	// Features are references "view:feature" or "view:*".
	Features []string
	// Keys has one column for each label column that the join keys are read from, all of one length; none where no view
	// has join keys (R12).
	Keys []Key
	// FullNames names the outputs view__feature; a service decides for itself, and this can only add (R10).
	FullNames bool
	// EventTimestamps asks for the event time of each value's row.
	EventTimestamps bool
	// Provenance asks where the values of each view come from; see [ProvenanceOf].
	Provenance bool
	// At is the instant to evaluate visibility and ttl at (R2); where zero, the server's now.
	At time.Time
}

// Features is the answer: a column for each feature, with a value for each row of keys, in their order. It is
// immutable.
type Features struct {
	// Revision is the revision of the registry that the answer follows.
	Revision int64

	rows    int
	columns []*plumbv1.FeatureColumn
	// values are those of the columns.
	values []values
	byName map[string]int
	// provenance is nil where it was not asked for.
	provenance []*plumbv1.ViewProvenance
}

// Online looks up the newest materialized values. The errors are those of GetOnlineFeatures: INVALID_ARGUMENT for keys
// that do not fit, NOT_FOUND for an unknown service, view or feature, FAILED_PRECONDITION for a view that is not
// online, UNAVAILABLE where the server or its store cannot be reached.
func (c *Client) Online(ctx context.Context, request OnlineRequest) (*Features, error) {
	message := &plumbv1.GetOnlineFeaturesRequest{
		Keys: keyColumns(request.Keys), FullNames: request.FullNames, EventTimestamps: request.EventTimestamps,
		Provenance: request.Provenance,
	}
	if len(request.Features) > 0 {
		message.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{
			Features: &plumbv1.FeatureList{References: request.Features}}
	}
	if request.Service != "" {
		if len(request.Features) > 0 {
			return nil, fmt.Errorf("both service %q and features are given; ask for one of them", request.Service)
		}
		message.Selection = &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: request.Service}
	}
	if !request.At.IsZero() {
		message.At = timestamppb.New(request.At)
	}
	response, err := c.serving.GetOnlineFeatures(ctx, message)
	if err != nil {
		return nil, err
	}
	return newFeatures(response)
}

// newFeatures checks that all columns are as long as they have to be, so that nothing else needs to.
func newFeatures(response *plumbv1.GetOnlineFeaturesResponse) (*Features, error) {
	f := &Features{Revision: response.GetRevision(), columns: response.GetColumns(), byName: map[string]int{},
		provenance: response.GetProvenance()}
	for i, column := range f.columns {
		if i == 0 {
			f.rows = len(column.GetStatuses())
		}
		f.values = append(f.values, decode(column.GetValues()))
		times := len(column.GetEventTimestamps())
		if len(column.GetStatuses()) != f.rows || f.values[i].len() != f.rows || times != 0 && times != f.rows {
			return nil, fmt.Errorf("the server's answer is broken: column %q is not as long as the others", column.GetName())
		}
		f.byName[column.GetName()] = i
	}
	if err := checkProvenance(f.provenance, f.rows); err != nil {
		return nil, err
	}
	return f, nil
}

// Len is the number of rows.
func (f *Features) Len() int { return f.rows }

// Names are the output names (R10), in the order of the selection.
func (f *Features) Names() []string {
	names := make([]string, len(f.columns))
	for i, column := range f.columns {
		names[i] = column.GetName()
	}
	return names
}

// Rows goes through the rows, in the order of the keys.
func (f *Features) Rows() iter.Seq2[int, Row] {
	return func(yield func(int, Row) bool) {
		for i := range f.rows {
			if !yield(i, Row{f, i}) {
				return
			}
		}
	}
}

// Row is the features of one row of keys.
type Row struct {
	features *Features
	at       int
}

// Value returns the value of an output in its Go type (see [Scalar]; a List for arrays), or nil where it is not
// PRESENT, and its status, StatusUnknown where there is no such output. A loop over many rows is faster with
// [ColumnOf].
func (r Row) Value(name string) (any, Status) {
	i, ok := r.features.byName[name]
	if !ok {
		return nil, StatusUnknown
	}
	column := r.features.columns[i]
	status := Status(column.GetStatuses()[r.at])
	if status != Present {
		return nil, status
	}
	return r.features.values[i].at(r.at), status
}
