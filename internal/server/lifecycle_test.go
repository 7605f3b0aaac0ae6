package server_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/sqldb"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call starts a look-up, and returns where its outcome will be.
func (r *running) call(ctx context.Context) <-chan error {
	outcome := make(chan error, 1)
	go func() {
		_, err := r.client.GetOnlineFeatures(ctx, anyLookup)
		outcome <- err
	}()
	return outcome
}

func TestTheDrainLetsCallsInFlightFinish(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, func(c *server.Config) { c.Online = online })
	watch := must(r.health.Watch(t.Context(), &healthpb.HealthCheckRequest{}))(t)
	if first := must(watch.Recv())(t); first.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatalf("before the drain the health is %s", first.GetStatus())
	}
	entered, release := online.holdReads()
	outcome := r.call(t.Context())
	<-entered
	r.stop()
	if next := must(watch.Recv())(t); next.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("in the drain the health is %s", next.GetStatus())
	}
	if _, err := watch.Recv(); err == nil {
		t.Errorf("the watch went on; it would hold the drain up")
	}
	select {
	case <-r.ended:
		t.Fatalf("Serve returned while a call was in flight")
	default:
	}
	release()
	if err := <-outcome; err != nil {
		t.Errorf("the call in flight failed: %v", err)
	}
	<-r.ended
	if _, err := net.DialTimeout("tcp", r.address, time.Second); err == nil {
		t.Errorf("after the drain the address still answers")
	}
}

func TestOperatorsAreAnsweredUntilTheDrainIsOver(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, func(c *server.Config) { c.Online = online; c.AdminAddress = "127.0.0.1:0" })
	entered, release := online.holdReads()
	outcome := r.call(t.Context())
	<-entered
	r.stop()
	for { // Until the drain has begun.
		conn, err := net.DialTimeout("tcp", r.address, time.Second)
		if err != nil {
			break
		}
		_ = conn.Close()
	}
	reply, err := http.Get("http://" + r.server.AdminAddress() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	if err := reply.Body.Close(); err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("got %s, %v", reply.Status, err)
	}
	release()
	if err := <-outcome; err != nil {
		t.Errorf("the call in flight failed: %v", err)
	}
	<-r.ended
	http.DefaultClient.CloseIdleConnections()
}

func TestTheDrainEndsEvenWhenACallDoesNot(t *testing.T) {
	online := &hooked{Store: openSQLite(t)}
	r := startShops(t, func(c *server.Config) { c.Online = online; c.DrainTimeout = 10 * time.Millisecond })
	entered, release := online.holdReads()
	defer release()
	outcome := r.call(t.Context())
	<-entered
	r.stop()
	if err := <-outcome; err == nil {
		t.Errorf("the call that was cut off succeeded")
	}
	<-r.ended
	if !strings.Contains(r.log.String(), "cut off") {
		t.Errorf("the cut was not logged: %s", r.log)
	}
}

func TestDeadlinesAreHonoured(t *testing.T) {
	for name, c := range map[string]struct {
		client, server time.Duration
	}{
		"the client's":                     {client: 20 * time.Millisecond, server: time.Minute},
		"the server's where there is none": {server: 20 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			online := &hooked{Store: openSQLite(t)}
			r := startShops(t, func(config *server.Config) { config.Online = online; config.Timeout = c.server })
			_, release := online.holdReads()
			defer release()
			ctx := t.Context()
			if c.client > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.client)
				defer cancel()
			}
			if err := <-r.call(ctx); status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("want DeadlineExceeded, got %v", err)
			}
		})
	}
}

func TestAnAddressThatOthersReachIsRefusedUnlessAllowed(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0"} {
		_, err := server.Listen(t.Context(), server.Config{Address: address})
		var input *fault.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), "--insecure") {
			t.Errorf("%s: want an InputError that names --insecure, got %v", address, err)
		}
	}
	for _, config := range []server.Config{
		{Address: "0.0.0.0:0", Insecure: true}, {Address: ":0", Insecure: true},
		{Address: "localhost:0"}, {Address: "127.0.0.1:0"},
	} {
		s, err := server.Listen(t.Context(), config)
		if err != nil {
			t.Errorf("%+v: %v", config, err)
			continue
		}
		if strings.HasSuffix(s.Address(), ":0") {
			t.Errorf("%s: the address is told as %s, without its port", config.Address, s.Address())
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", config.Address, err)
		}
	}
}

func TestAnAddressThatIsNoneIsTheUsersMistake(t *testing.T) {
	for _, address := range []string{"", "127.0.0.1", "127.0.0.1:http:1", "127.0.0.1:99999"} {
		_, err := server.Listen(t.Context(), server.Config{Address: address})
		var input *fault.InputError
		if !errors.As(err, &input) || input.Field != "serving.grpc" {
			t.Errorf("%q: want an InputError for serving.grpc, got %v", address, err)
		}
	}
}

func TestAPortInUseIsSaidSo(t *testing.T) {
	r := start(t)
	_, err := server.Listen(t.Context(), server.Config{Address: r.address})
	if err == nil || !strings.Contains(err.Error(), r.address+" is in use") {
		t.Errorf("want an error that the address is in use, got %v", err)
	}
}

func TestReflectionListsTheServices(t *testing.T) {
	r := start(t)
	stream := must(reflectionpb.NewServerReflectionClient(r.conn).ServerReflectionInfo(t.Context()))(t)
	question := &reflectionpb.ServerReflectionRequest{
		MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{},
	}
	if err := stream.Send(question); err != nil {
		t.Fatal(err)
	}
	answer := must(stream.Recv())(t)
	var names []string
	for _, service := range answer.GetListServicesResponse().GetService() {
		names = append(names, service.GetName())
	}
	for _, wanted := range []string{plumbv1.ServingService_ServiceDesc.ServiceName, "grpc.health.v1.Health"} {
		if !slices.Contains(names, wanted) {
			t.Errorf("%s is not among %q", wanted, names)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
}

func TestAServerThatIsStoppedBeforeItServesGivesItsAddressesBack(t *testing.T) {
	registry := must(sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "registry.db")))(t)
	t.Cleanup(func() { registry.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	config := server.Config{
		Project: "shops", Registry: registry, Online: openSQLite(t), Now: func() time.Time { return noon },
		Address: "127.0.0.1:0", HTTPAddress: "127.0.0.1:0", AdminAddress: "127.0.0.1:0",
	}
	s := must(server.Listen(t.Context(), config))(t)
	if err := s.Serve(ctx); err != nil {
		t.Error(err)
	}
	for _, address := range []string{s.Address(), s.HTTPAddress(), s.AdminAddress()} {
		if conn, err := net.DialTimeout("tcp", address, time.Second); err == nil {
			t.Errorf("%s still answers", address)
			_ = conn.Close()
		}
	}
}
