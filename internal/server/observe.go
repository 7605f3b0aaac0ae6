package server

import (
	"context"
	"errors"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/telemetry"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
)

// observed are the options of a gRPC server that traces its calls, none if nothing is traced.
func (c Config) observed() []grpc.ServerOption {
	if c.Tracing == nil {
		return nil
	}
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(c.Tracing), otelgrpc.WithPropagators(telemetry.Propagator)))}
}

// countFailedRead counts a look-up that the online store failed, and none that the request is to blame for.
func (s *Server) countFailedRead(err error) {
	if _, wrong := errors.AsType[*fault.InputError](err); !wrong && !errors.Is(err, lookup.ErrUnknownSchema) {
		s.config.Metrics.ReadFailed()
	}
}

// reading is the online store for one look-up, traced if anything is.
func (s *Server) reading() online.Store {
	if s.config.Tracing == nil {
		return s.config.Online
	}
	return tracedStore{s.config.Online, s.config.Tracing.Tracer("github.com/plumbstore/plumb/internal/server")}
}

// tracedStore makes a span of each read.
type tracedStore struct {
	online.Store
	tracer trace.Tracer
}

func (t tracedStore) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	ctx, span := t.tracer.Start(ctx, "online store read", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.Int("plumb.rows", len(gets))))
	defer span.End()
	values, err := t.Store.Read(ctx, gets)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return values, err
}
