package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
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

// serverKey is the key under which a script keeps its server.
type serverKey struct{}

func serving(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: serving ARGUMENT…")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s := &server{stderr: &bytes.Buffer{}}
	args = append([]string{"plumb", "serve", "--output", "json", "--serving-grpc", "127.0.0.1:0",
		"--serving-http", "127.0.0.1:0"}, args...)
	s.cmd = command(context.Background(), ts, args)
	s.cmd.Stderr = s.stderr
	stdout, err := s.cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(s.cmd.Start())
	ts.Defer(func() { _ = s.cmd.Process.Kill() }) // It has ended if the script came to its end.
	var listening struct {
		GRPC string `json:"grpc"`
		HTTP string `json:"http"`
	}
	ts.Check(json.NewDecoder(stdout).Decode(&listening))
	if listening.GRPC == "" {
		_ = s.cmd.Wait() // What it wrote says more than how it ended.
		ts.Fatalf("plumb serve does not listen:\n%s", s.stderr)
	}
	ts.Setenv("GRPC", listening.GRPC)
	ts.Setenv("HTTP", listening.HTTP)
	transport := insecure.NewCredentials()
	if authority := ts.Getenv("CA"); authority != "" {
		transport, err = credentials.NewClientTLSFromFile(authority, "localhost")
		ts.Check(err)
	}
	s.connection, err = grpc.NewClient(listening.GRPC, grpc.WithTransportCredentials(transport),
		grpc.WithUnaryInterceptor(withToken(ts)))
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

// withToken sends $TOKEN along, as it is at the time of each call.
func withToken(ts *testscript.TestScript) grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, to *grpc.ClientConn, invoke grpc.UnaryInvoker,
		options ...grpc.CallOption,
	) error {
		if token := ts.Getenv("TOKEN"); token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		return invoke(ctx, method, request, reply, to, options...)
	}
}

func lookUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: look-up JSON")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	fmt.Fprintln(ts.Stdout(), lookedUp(ctx, ts, args[0]))
}

func awaitLookUp(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await-look-up REGEXP JSON")
	}
	want, err := regexp.Compile(args[0])
	ts.Check(err)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	answer := ""
	for ctx.Err() == nil {
		if answer = lookedUp(ctx, ts, args[1]); want.MatchString(answer) {
			return
		}
	}
	ts.Fatalf("%q did not come to match; the last answer was %s", args[0], answer)
}

// lookedUp is the response as JSON, or the status.
func lookedUp(ctx context.Context, ts *testscript.TestScript, text string) string {
	request := &plumbv1.GetOnlineFeaturesRequest{}
	ts.Check(protojson.Unmarshal([]byte(text), request))
	response, err := plumbv1.NewServingServiceClient(current(ts).connection).GetOnlineFeatures(ctx, request)
	if err != nil {
		return fmt.Sprintf("%s: %s", status.Code(err), status.Convert(err).Message())
	}
	answer, err := protojson.Marshal(response)
	ts.Check(err)
	var compact bytes.Buffer // protojson puts in spaces at random.
	ts.Check(json.Compact(&compact, answer))
	return compact.String()
}

func createToken(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("usage: create-token ARGUMENT…")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	token, err := command(ctx, ts, append([]string{"plumb", "token", "create"}, args...)).Output()
	ts.Check(err)
	ts.Setenv("TOKEN", strings.TrimSpace(string(token)))
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
