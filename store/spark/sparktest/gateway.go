package sparktest

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Gateway passes calls on to a server, as a load balancer does, and may change the server's answers. The real server is
// behind it, so an answer is wrong only in what a test has changed.
type Gateway struct {
	// Remote is sc://host:port.
	Remote string

	server *grpc.ClientConn
	mu     sync.Mutex
	answer Answer
	calls  []string
}

// Answer is asked about each answer of a method, such as ExecutePlan. It returns what the client gets instead, nil for
// nothing, or an error that ends the call: io.EOF without an error, as if the server had ended it.
type Answer func(method string, message []byte) ([]byte, error)

// Through starts a gateway before a server, which stops at the end of the test. With a configuration it speaks TLS.
func Through(t testing.TB, s *Server, secure *tls.Config) *Gateway {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &Gateway{Remote: "sc://" + listener.Addr().String()}
	const most = 1 << 30
	g.server, err = grpc.NewClient(s.Address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(raw{}), grpc.MaxCallRecvMsgSize(most)))
	if err != nil {
		t.Fatal(err)
	}
	options := []grpc.ServerOption{grpc.ForceServerCodec(raw{}), grpc.UnknownServiceHandler(g.pass)}
	if secure != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(secure)))
		g.Remote += "/;use_ssl=true"
	}
	server := grpc.NewServer(options...)
	served := make(chan struct{})
	go func() {
		_ = server.Serve(listener) // It ends with Stop.
		close(served)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-served
		_ = g.server.Close()
	})
	return g
}

// Do has answers changed so from now on; nil passes them on.
func (g *Gateway) Do(answer Answer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.answer = answer
}

// Calls are the methods that were called.
func (g *Gateway) Calls() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.calls...)
}

// raw is a codec of messages that are not looked at.
type raw struct{}

func (raw) Name() string                        { return "proto" }
func (raw) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (raw) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = data
	return nil
}

// pass passes on one call. Every method of Spark Connect that is used has one request.
func (g *Gateway) pass(_ any, client grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(client)
	method := path[len("/spark.connect.SparkConnectService/"):]
	g.mu.Lock()
	g.calls = append(g.calls, method)
	g.mu.Unlock()
	ctx, cancel := context.WithCancel(client.Context())
	defer cancel()
	sent, _ := metadata.FromIncomingContext(ctx)
	headers := metadata.MD{}
	if token := sent.Get("authorization"); len(token) > 0 {
		headers.Set("authorization", token...)
	}
	server, err := g.server.NewStream(metadata.NewOutgoingContext(ctx, headers),
		&grpc.StreamDesc{ServerStreams: true}, path)
	if err != nil {
		return err
	}
	var request []byte
	if err := client.RecvMsg(&request); err != nil {
		return err
	}
	if err := errors.Join(server.SendMsg(&request), server.CloseSend()); err != nil {
		return status.Error(codes.Unavailable, err.Error())
	}
	for {
		var message []byte
		err := server.RecvMsg(&message)
		if err == nil {
			g.mu.Lock()
			answer := g.answer
			g.mu.Unlock()
			if answer != nil {
				message, err = answer(method, message)
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && message != nil {
			err = client.SendMsg(&message)
		}
		if err != nil {
			return err
		}
	}
}
