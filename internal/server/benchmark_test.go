package server_test

import (
	"context"
	"fmt"
	"net"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/storetest"
)

// ready answers everything with the same message: what gRPC itself takes, the floor of every look-up.
type ready struct {
	plumbv1.UnimplementedServingServiceServer
	response *plumbv1.GetOnlineFeaturesResponse
}

func (r *ready) GetOnlineFeatures(context.Context, *plumbv1.GetOnlineFeaturesRequest) (
	*plumbv1.GetOnlineFeaturesResponse, error,
) {
	return r.response, nil
}

func BenchmarkGetOnlineFeatures(b *testing.B) {
	r := startShops(b)
	for _, rows := range []int{1, 100} {
		names := make([]string, rows)
		var stored []storetest.SourceRow
		for i := range names {
			names[i] = fmt.Sprintf("shop %d", i)
			stored = append(stored, row(ago(0), []any{names[i]}, float64(i), "a note"))
		}
		r.write(r.view("price"), stored...)
		request := featuresRequest([]*plumbv1.KeyColumn{texts("shop", names...)}, "price:*")
		response := must(r.client.GetOnlineFeatures(b.Context(), request))(b)
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) { callAgain(b, r.client, request) })
		b.Run(fmt.Sprintf("rows=%d/floor", rows), func(b *testing.B) { callAgain(b, startReady(b, response), request) })
	}
}

func callAgain(b *testing.B, client plumbv1.ServingServiceClient, request *plumbv1.GetOnlineFeaturesRequest) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.GetOnlineFeatures(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
}

func startReady(b *testing.B, response *plumbv1.GetOnlineFeaturesResponse) plumbv1.ServingServiceClient {
	listener := must(new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0"))(b)
	s := grpc.NewServer()
	plumbv1.RegisterServingServiceServer(s, &ready{response: response})
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(listener) }()
	b.Cleanup(func() { s.Stop(); <-ended })
	conn := must(grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())))(b)
	b.Cleanup(func() { conn.Close() })
	return plumbv1.NewServingServiceClient(conn)
}
