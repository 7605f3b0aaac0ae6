package server

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// interceptUnary gives every call a deadline, checks its caller and its message, keeps a panic from ending the process,
// and turns what went wrong into a status.
//
// The caller is checked before the message is, so that only those who may call learn what is wrong with a request. A
// panic becomes an error before the status is made, so it is logged with its stack and answered as INTERNAL.
func (s *Server) interceptUnary(ctx context.Context, request any, info *grpc.UnaryServerInfo,
	handle grpc.UnaryHandler,
) (response any, err error) {
	arrivalOf(ctx).arrived()
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeoutOf(info.FullMethod))
		defer cancel()
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = panicked(fault)
		}
		if err != nil {
			response, err = nil, s.statusOf(ctx, info.FullMethod, err)
		}
		s.config.Metrics.Answered(info.FullMethod, status.Code(err))
	}()
	if ctx, err = s.authorize(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	if message, ok := request.(proto.Message); ok {
		if err := s.validate(message); err != nil {
			return nil, err
		}
	}
	return handle(ctx, request)
}

func (s *Server) timeoutOf(method string) time.Duration {
	switch method {
	case plumbv1.RegistryService_Plan_FullMethodName, plumbv1.RegistryService_Apply_FullMethodName,
		plumbv1.ProjectService_StartPlanVerification_FullMethodName,
		plumbv1.ProjectService_ListTrainingSets_FullMethodName:
		return s.config.PlanTimeout
	case plumbv1.ProjectService_GetOperation_FullMethodName:
		return maxWait + s.config.Timeout
	}
	return s.config.Timeout
}

// interceptStream checks callers, and ends streams at the drain: a client that watches the server's health would hold
// it up for ever. Only those of Flight come to an end of their own.
func (s *Server) interceptStream(service any, stream grpc.ServerStream, info *grpc.StreamServerInfo,
	handle grpc.StreamHandler,
) (err error) {
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	if !strings.HasPrefix(info.FullMethod, flightMethods) {
		defer context.AfterFunc(s.draining, cancel)()
	}
	defer func() {
		if fault := recover(); fault != nil {
			err = panicked(fault)
		}
		if err != nil {
			err = s.statusOf(ctx, info.FullMethod, err)
		}
		s.config.Metrics.Answered(info.FullMethod, status.Code(err))
	}()
	if ctx, err = s.authorize(ctx, info.FullMethod); err != nil {
		return err
	}
	return handle(service, newCheckedStream(ctx, stream, info.FullMethod))
}

func panicked(fault any) error { return fmt.Errorf("panic: %v\n%s", fault, debug.Stack()) }
