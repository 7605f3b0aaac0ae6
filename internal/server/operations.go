package server

import (
	"context"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/operations"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// maxWait is how long a call may wait for the end of an operation: the bound of GetOperationRequest.wait_seconds.
const maxWait = time.Minute

// watchInterval is how often the progress of an operation is sent to those that watch it.
const watchInterval = time.Second

// explain is what callers may know of why an operation failed: what a call would have answered. So a client handles a
// failed verification as it handles a failed call.
func (s *Server) explain(kind plumbv1.Operation_Kind, err error) *plumbv1.Operation_Error {
	told := status.Convert(s.statusOf(context.Background(), "operation "+kind.String(), err))
	return &plumbv1.Operation_Error{Code: code.Code(told.Code()).String(), Message: told.Message()}
}

// GetOperation returns an operation, and waits for its end as long as the request says.
func (u *useCases) GetOperation(ctx context.Context, request *plumbv1.GetOperationRequest) (
	*plumbv1.GetOperationResponse, error,
) {
	now, moved, err := u.server.operations.Get(request.GetId())
	if err == nil && request.GetWaitSeconds() > 0 && !operations.HasEnded(now) {
		if err := u.server.watching.enter(); err != nil {
			return nil, err
		}
		defer u.server.watching.leave()
		now, err = u.await(ctx, request, moved)
	}
	return &plumbv1.GetOperationResponse{Operation: now}, err
}

// await returns an operation once it has ended or has been waited for long enough. moved is as Get returns it.
func (u *useCases) await(ctx context.Context, request *plumbv1.GetOperationRequest, moved <-chan struct{}) (
	now *plumbv1.Operation, err error,
) {
	patience, cancel := context.WithTimeout(ctx, time.Duration(request.GetWaitSeconds())*time.Second)
	defer cancel()
	for {
		select {
		case <-moved:
		case <-patience.Done():
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		now, moved, err = u.server.operations.Get(request.GetId())
		if err != nil || operations.HasEnded(now) || patience.Err() != nil {
			return now, err
		}
	}
}

// ListOperations returns the operations that are known.
func (u *useCases) ListOperations(context.Context, *plumbv1.ListOperationsRequest) (
	*plumbv1.ListOperationsResponse, error,
) {
	return &plumbv1.ListOperationsResponse{Operations: u.server.operations.List()}, nil
}

// WatchOperation sends an operation again whenever it has changed, until it has ended.
func (u *useCases) WatchOperation(request *plumbv1.WatchOperationRequest,
	stream grpc.ServerStreamingServer[plumbv1.WatchOperationResponse],
) error {
	if err := u.server.validator.Validate(request); err != nil {
		return err
	}
	if err := u.server.watching.enter(); err != nil {
		return err
	}
	defer u.server.watching.leave()
	ticks := u.server.config.OperationTicks
	if ticks == nil {
		ticker := time.NewTicker(watchInterval)
		defer ticker.Stop()
		ticks = ticker.C
	}
	var sent *plumbv1.Operation
	for {
		now, moved, err := u.server.operations.Get(request.GetId())
		if err != nil {
			return err
		}
		if !proto.Equal(now, sent) {
			if err := stream.Send(&plumbv1.WatchOperationResponse{Operation: now}); err != nil {
				return err
			}
			sent = now
		}
		if operations.HasEnded(now) {
			return nil
		}
		select {
		case <-moved:
		case <-ticks:
		case <-stream.Context().Done():
			if u.server.draining.Err() != nil {
				return status.Error(codes.Unavailable, "the server is draining; its operations are cancelled")
			}
			return stream.Context().Err()
		}
	}
}

// CancelOperation asks an operation to end.
func (u *useCases) CancelOperation(_ context.Context, request *plumbv1.CancelOperationRequest) (
	*plumbv1.CancelOperationResponse, error,
) {
	now, err := u.server.operations.Cancel(request.GetId())
	return &plumbv1.CancelOperationResponse{Operation: now}, err
}
