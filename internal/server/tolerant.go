package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// tolerant registers services whose methods tell callers that their message cannot be read.
//
// If a message cannot be decoded, gRPC answers INTERNAL, which reads as a fault of the server. So its codec never fails
// here: it decodes into a received, which keeps what is wrong with the message, and the handler returns that as a
// status of its own (inflate.go).
type tolerant struct{ *grpc.Server }

// RegisterService implements grpc.ServiceRegistrar.
func (t tolerant) RegisterService(desc *grpc.ServiceDesc, service any) {
	registered := *desc
	registered.Methods = slices.Clone(desc.Methods)
	for i, method := range registered.Methods {
		registered.Methods[i].Handler = func(service any, ctx context.Context, read func(any) error,
			intercept grpc.UnaryServerInterceptor,
		) (any, error) {
			return method.Handler(service, ctx, func(message any) error { return receive(read, message) }, intercept)
		}
	}
	t.Server.RegisterService(&registered, service)
}
