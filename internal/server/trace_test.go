package server_test

import (
	"slices"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestACallIsASpanAndItsReadOneBelowIt(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	r := startShops(t, func(config *server.Config) {
		config.Tracing = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	})
	must(r.client.GetOnlineFeatures(t.Context(), featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:*")))(t)
	r.end()
	ended := recorder.Ended()
	find := func(name string) sdktrace.ReadOnlySpan {
		at := slices.IndexFunc(ended, func(s sdktrace.ReadOnlySpan) bool { return s.Name() == name })
		if at < 0 {
			t.Fatalf("there is no span %q among %d", name, len(ended))
		}
		return ended[at]
	}
	call, read := find("plumb.v1.ServingService/GetOnlineFeatures"), find("online store read")
	if read.Parent().SpanID() != call.SpanContext().SpanID() {
		t.Error("the read is not below the call")
	}
}
