package server

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// tolerant registers services whose methods tell callers that their message cannot be read.
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
