package server

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
)

// Push writes rows under the newest revision.
func (s *serving) Push(ctx context.Context, request *plumbv1.PushRequest) (*plumbv1.PushResponse, error) {
	rows := len(request.GetEventTimestamps().GetMicros())
	return s.push(ctx, request.GetView(), push.Columns{Request: request}, rows, request.GetAtomic())
}

// push writes what a decoder, which yields once, makes of so many rows.
func (s *serving) push(ctx context.Context, name string, given push.Decoder, rows int, atomic bool) (
	*plumbv1.PushResponse, error,
) {
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
	if err := push.Admit(view); err != nil {
		return nil, err
	}
	if err := s.checkPushed(rows); err != nil {
		return nil, err
	}
	var report push.Report
	err = given.Decode(ctx, view, func(rows push.Rows) (err error) {
		if report, err = config.Pusher.Push(ctx, view, rows, atomic); err != nil {
			config.Metrics.WriteFailed()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return pushResponse(report, current.snapshot.Revision), nil
}

func (s *serving) checkPushed(rows int) error {
	if most := s.server.config.MaxRows; rows > most {
		return fault.Inputf(push.EventField, "has %d rows; push at most %d at once", rows, most)
	}
	return nil
}

func pushResponse(report push.Report, revision int64) *plumbv1.PushResponse {
	response := &plumbv1.PushResponse{Written: report.Written, Older: report.Older, Revision: revision}
	for _, refusal := range report.Refused {
		response.Refused = append(response.Refused, &plumbv1.RefusedRow{
			Row: refusal.Row, Field: refusal.Field, Reason: refusal.Reason,
		})
	}
	return response
}
