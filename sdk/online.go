package plumb

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// OnlineRequest asks for features of some entities. One of Service and Features is set.
type OnlineRequest struct {
	// Service is the name of a feature service.
	Service string
	// Features are references "view:feature" or "view:*".
	Features []string
	// Keys has one column for each label column that the join keys are read from, all of one length. It is empty if no
	// view has join keys (R12).
	Keys []Key
	// Inputs has one column for each request input that features of on-demand views read, as long as the keys.
	Inputs []Input
	// FullNames names the outputs view__feature; a service decides for itself, and this can only add (R10).
	FullNames bool
	// EventTimestamps asks for the event time of each value's row.
	EventTimestamps bool
	// Provenance asks for the provenance of each view's values; see [ProvenanceOf] and [ComputationOf].
	Provenance bool
	// At is the instant to evaluate visibility and ttl at (R2). If zero, it is the server's now.
	At time.Time
}

// Online looks up the newest materialized values. The errors are those of GetOnlineFeatures: INVALID_ARGUMENT for keys
// that do not fit, NOT_FOUND for an unknown service, view or feature, FAILED_PRECONDITION for a view that is not
// online, UNAVAILABLE if the server or its store cannot be reached.
func (c *Client) Online(ctx context.Context, request OnlineRequest) (*Features, error) {
	message := &plumbv1.GetOnlineFeaturesRequest{
		Keys: keyColumns(request.Keys), Inputs: inputColumns(request.Inputs), FullNames: request.FullNames,
		EventTimestamps: request.EventTimestamps, Provenance: request.Provenance,
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
	var reply []byte
	err := c.connection.Invoke(ctx, plumbv1.ServingService_GetOnlineFeatures_FullMethodName, message, &reply,
		grpc.ForceCodecV2(newReplyCodec()))
	if err != nil {
		return nil, err
	}
	return newFeatures(reply, &c.layouts, request.Service)
}
