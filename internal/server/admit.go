package server

import (
	"context"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"github.com/plumbstore/plumb/internal/server/auth"
)

// admitTime bounds how long the keys of an issuer are waited for before a call is refused.
const admitTime = 5 * time.Second

// admittedKey is the key under which the context of a call records that its caller has been checked.
type admittedKey struct{}

// admit checks the caller of a call, and whether there is room for it, before anything of its message is read.
// Otherwise any number of messages could be inflated for callers that may not call.
func (s *Server) admit(ctx context.Context, info *tap.Info) (context.Context, error) {
	err := s.checkCaller(&ctx, info.FullMethodName)
	if err == nil && info.FullMethodName != exchange { // Which has a queue and patience of its own.
		ctx, err = s.expect(ctx)
	}
	if err != nil {
		err = s.statusOf(ctx, info.FullMethodName, err)
		s.config.Metrics.Answered(info.FullMethodName, status.Code(err))
	}
	return ctx, err
}

// checkCaller checks the caller, and keeps its identity in the context.
func (s *Server) checkCaller(ctx *context.Context, method string) error {
	if _, known := auth.Needs(method); !known && s.config.Guard != nil {
		return nil // gRPC answers that there is no such method, and reads no message.
	}
	limited, cancel := context.WithTimeout(*ctx, admitTime)
	defer cancel()
	checked, err := s.authorize(limited, method)
	if err != nil {
		return err
	}
	if caller, ok := auth.CallerOf(checked); ok {
		*ctx = context.WithValue(*ctx, admittedKey{}, caller)
	}
	return nil
}
