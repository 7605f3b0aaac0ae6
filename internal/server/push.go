package server

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Push writes rows under the newest revision.
func (s *serving) Push(ctx context.Context, request *plumbv1.PushRequest) (*plumbv1.PushResponse, error) {
	return s.push(ctx, request.GetView(), func(view *feature.View) (materialize.Rows, error) {
		if err := s.checkPushed(len(request.GetEventTimestamps().GetMicros())); err != nil {
			return materialize.Rows{}, err
		}
		return materialize.RowsOf(view, request)
	}, request.GetAtomic())
}

// push writes the rows that rowsOf has of the view.
func (s *serving) push(ctx context.Context, name string, rowsOf func(*feature.View) (materialize.Rows, error),
	atomic bool,
) (*plumbv1.PushResponse, error) {
	if err := s.server.limit.enter(); err != nil {
		return nil, err
	}
	defer s.server.limit.leave()
	config := s.server.config
	if config.ReadOnly {
		return nil, status.Error(codes.PermissionDenied, "this server is read-only: push where plumb serve runs without "+
			"--read-only, or with plumb push")
	}
	current, err := s.server.following.served()
	if err != nil {
		return nil, err
	}
	view, err := current.snapshot.View(name)
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf(view)
	if err != nil {
		return nil, err
	}
	if err := s.checkPushed(rows.Len()); err != nil {
		return nil, err
	}
	report, err := config.Pusher.Push(ctx, view, rows, atomic)
	if err != nil {
		config.Metrics.WriteFailed()
		return nil, err
	}
	return pushResponse(report, current.snapshot.Revision), nil
}

func (s *serving) checkPushed(rows int) error {
	if most := s.server.config.MaxRows; rows > most {
		return fault.Inputf(materialize.EventField, "has %d rows; push at most %d at once", rows, most)
	}
	return nil
}

func pushResponse(report materialize.PushReport, revision int64) *plumbv1.PushResponse {
	response := &plumbv1.PushResponse{Written: report.Written, Older: report.Older, Revision: revision}
	for _, refusal := range report.Refused {
		response.Refused = append(response.Refused, &plumbv1.RefusedRow{
			Row: refusal.Row, Field: refusal.Field, Reason: refusal.Reason,
		})
	}
	return response
}
