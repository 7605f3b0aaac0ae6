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
	"github.com/plumbstore/plumb/store"
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
	if _, wrong := errors.AsType[*fault.InputError](err); !wrong && !errors.Is(err, store.ErrUnknownSchema) {
		s.config.Metrics.ReadFailed()
	}
}

// reading is the online store for one look-up, traced if anything is.
func (s *Server) reading() store.Online {
	if s.config.Tracing == nil {
		return s.config.Online
	}
	return tracedStore{s.config.Online, s.config.Tracing.Tracer("github.com/plumbstore/plumb/internal/server")}
}

// tracedStore makes a span of each read.
type tracedStore struct {
	store.Online
	tracer trace.Tracer
}

func (t tracedStore) Read(ctx context.Context, gets []store.Get) ([][]byte, error) {
	ctx, span := t.tracer.Start(ctx, "online store read", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.Int("plumb.rows", len(gets))))
	defer span.End()
	values, err := t.Online.Read(ctx, gets)
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
	return values, err
}
