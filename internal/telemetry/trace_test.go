package telemetry_test

import (
	"context"
	"net"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/plumbstore/plumb/internal/telemetry"
)

// receiver takes spans as a collector does, and keeps their names and their services'.
type receiver struct {
	collector.UnimplementedTraceServiceServer
	spans chan string
}

func (r *receiver) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (
	*collector.ExportTraceServiceResponse, error,
) {
	for _, resource := range request.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans <- service + ": " + span.GetName()
			}
		}
	}
	return &collector.ExportTraceServiceResponse{}, nil
}

func startReceiver(t *testing.T) (endpoint string, spans chan string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{spans: make(chan string, 10)}
	server := grpc.NewServer()
	collector.RegisterTraceServiceServer(server, r)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() { server.Stop(); <-ended })
	return "http://" + listener.Addr().String(), r.spans
}

func TestSpansGoToTheEndpointOfTheEnvironment(t *testing.T) {
	endpoint, spans := startReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
	tracing, err := telemetry.StartTracing(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider().Tracer("test").Start(t.Context(), "look-up")
	span.End()
	if err := tracing.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-spans; got != "plumb: look-up" {
		t.Errorf("the span is %q", got)
	}
}

func TestTheEnvironmentNamesTheService(t *testing.T) {
	endpoint, spans := startReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", endpoint)
	t.Setenv("OTEL_SERVICE_NAME", "features")
	tracing, err := telemetry.StartTracing(t.Context(), "v1")
	if err != nil {
		t.Fatal(err)
	}
	_, span := tracing.Provider().Tracer("test").Start(t.Context(), "look-up")
	span.End()
	if err := tracing.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-spans; got != "features: look-up" {
		t.Errorf("the span is %q", got)
	}
}

func TestNothingIsTracedWithoutAnEndpoint(t *testing.T) {
	for _, c := range []struct{ endpoint, disabled string }{{"", ""}, {"http://127.0.0.1:1", "true"}} {
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.endpoint)
		t.Setenv("OTEL_SDK_DISABLED", c.disabled)
		tracing, err := telemetry.StartTracing(t.Context(), "v1")
		if err != nil {
			t.Fatal(err)
		}
		if tracing.Provider() != nil {
			t.Errorf("%+v: there is a provider", c)
		}
		if err := tracing.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
