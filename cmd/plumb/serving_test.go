package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// server is the plumb serve that a script runs.
type server struct {
	cmd        *exec.Cmd
	stderr     *bytes.Buffer
	connection *grpc.ClientConn
}

// serverKey is where a script keeps its server.
type serverKey struct{}

func serving(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serving ARGUMENT…")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &server{stderr: &bytes.Buffer{}}
	args = append([]string{"plumb", "serve", "--output", "json", "--serving-grpc", "127.0.0.1:0"}, args...)
	s.cmd = command(context.Background(), ts, args)
	s.cmd.Stderr = s.stderr
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { _ = s.cmd.Process.Kill() }) // It has ended where the script came to its end.
	var listening struct {
		GRPC string `json:"grpc"`
	}
	ts.Check(json.NewDecoder(stdout).Decode(&listening))
	if listening.GRPC == "" {
		_ = s.cmd.Wait() // What it wrote says more than how it ended.
		ts.Fatalf("plumb serve does not listen:\n%s", s.stderr)
	}
	ts.Setenv("GRPC", listening.GRPC)
	s.connection, err = grpc.NewClient(listening.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	ts.Check(err)
	*ts.Value(serverKey{}).(**server) = s
	watch, err := healthpb.NewHealthClient(s.connection).
		Watch(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
	ts.Check(err)
	for state := healthpb.HealthCheckResponse_UNKNOWN; state != healthpb.HealthCheckResponse_SERVING; {
		health, err := watch.Recv()
		ts.Check(err)
		state = health.GetStatus()
	}
}

func current(ts *testscript.TestScript) *server {
	s := *ts.Value(serverKey{}).(**server)
	if s == nil {
		ts.Fatalf("nothing is serving")
	}
	return s
}

func lookUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: look-up JSON")
	}
	request := &plumbv1.GetOnlineFeaturesRequest{}
	ts.Check(protojson.Unmarshal([]byte(args[0]), request))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	response, err := plumbv1.NewServingServiceClient(current(ts).connection).GetOnlineFeatures(ctx, request)
	if err != nil {
		fmt.Fprintf(ts.Stdout(), "%s: %s\n", status.Code(err), status.Convert(err).Message())
		return
	}
	text, err := protojson.Marshal(response)
	ts.Check(err)
	var compact bytes.Buffer // protojson puts in spaces at random.
	ts.Check(json.Compact(&compact, text))
	fmt.Fprintln(ts.Stdout(), compact.String())
}

func stopServing(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: stop-serving")
	}
	s := current(ts)
	ts.Check(s.connection.Close())
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := s.cmd.Wait(); err != nil {
		ts.Fatalf("plumb serve: %v\n%s", err, s.stderr)
	}
	fmt.Fprint(ts.Stderr(), s.stderr.String())
}
