package server

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/server/auth"
)

// credentials are what gRPC speaks on every address.
func (s *Server) credentials() grpc.ServerOption {
	if s.config.Certificates == nil {
		return grpc.Creds(welcoming{insecure.NewCredentials(), s.HTTPAddress})
	}
	return grpc.Creds(credentials.NewTLS(s.config.Certificates.Config("h2")))
}

// exposed is why other machines must not reach an address, and what to do; empty if they may.
func (c Config) exposed() string {
	switch {
	case c.Insecure:
		return ""
	case c.Guard == nil:
		return "there is no authentication; give serving.tokens or serving.oidc_issuer"
	case c.Certificates == nil:
		return "without TLS tokens can be read on the way; give serving.tls_cert and serving.tls_key"
	}
	return ""
}

// authorize lets a call pass, with its caller in the context, or returns why not.
func (s *Server) authorize(ctx context.Context, method string) (context.Context, error) {
	if s.config.Guard == nil {
		return ctx, nil
	}
	if caller, ok := ctx.Value(admittedKey{}).(auth.Identity); ok { // The guard has decided before the message was read.
		return auth.WithCaller(ctx, caller), nil
	}
	caller, err := s.config.Guard.CheckIncoming(ctx, method)
	if err != nil {
		return ctx, err
	}
	return auth.WithCaller(ctx, caller), nil
}

// refusalStatus is the status of a call that was not let in; nil for other errors. The guard has logged it.
func refusalStatus(err error) *status.Status {
	denied, ok := errors.AsType[*auth.DeniedError](err)
	switch {
	case ok && denied.Known:
		return status.New(codes.PermissionDenied, shortened(denied.Message, maxMessage))
	case ok:
		return status.New(codes.Unauthenticated, shortened(denied.Message, maxMessage))
	case errors.Is(err, auth.ErrNoKeys):
		return status.New(codes.Unavailable, "the keys that the token is to be checked with cannot be had now; try again")
	}
	return nil
}
