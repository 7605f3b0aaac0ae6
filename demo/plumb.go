package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// plumb runs the binary in the project's folder.
type plumb struct {
	binary, dir string
	environment []string
}

// newPlumb points the registry and the online store into the folder, whatever the user's own settings are.
func newPlumb(binary, dir string) *plumb {
	p := &plumb{binary: binary, dir: dir}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "PLUMB_") {
			p.environment = append(p.environment, variable)
		}
	}
	p.environment = append(p.environment,
		"PLUMB_REGISTRY=sqlite:"+filepath.Join(dir, "demo-registry.db"),
		"PLUMB_ONLINE_STORE=sqlite:"+filepath.Join(dir, "demo-online.db"))
	return p
}

// command prepares the binary. When the context ends it is asked to stop before it is killed.
func (p *plumb) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, append(args, "--output", "json")...)
	cmd.Dir, cmd.Env = p.dir, p.environment
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs a command to its end and decodes the document that it prints, which it may have done before it failed.
func (p *plumb) run(ctx context.Context, into any, args ...string) error {
	cmd := p.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run()
	err := json.NewDecoder(&stdout).Decode(into)
	switch {
	case failed != nil:
		return fmt.Errorf("plumb %s: %w\n%s", strings.Join(args, " "), failed, stderr.String())
	case err != nil:
		return fmt.Errorf("read what plumb %s printed: %w", args[0], err)
	}
	return nil
}

// verify returns what plumb verify finds for the label rows of a file, be it that all agrees or not.
func (p *plumb) verify(ctx context.Context, service, labels string) (proof, error) {
	var found proof
	err := p.run(ctx, &found, "verify", "--service", service, "--labels", labels)
	if found.Outcome != "" {
		return found, nil
	}
	return found, err
}

// change is one thing that plumb apply did.
type change struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// joined is what plumb historical reports.
type joined struct {
	Rows  int64 `json:"rows"`
	Views []struct {
		Alias   string `json:"alias"`
		Matched int64  `json:"matched"`
	} `json:"views"`
}

func (p *plumb) historical(ctx context.Context, labels, out string) (joined, error) {
	var report joined
	return report, p.run(ctx, &report, "historical", "--service", service, "--labels", labels, "--out", out, "--statuses")
}

// materialized is one line of what plumb materialize prints.
type materialized struct {
	View    string  `json:"view"`
	Read    int64   `json:"read"`
	Written int64   `json:"written"`
	Start   *string `json:"start"`
}

// materialize returns what became of each view.
func (p *plumb) materialize(ctx context.Context, to time.Time) ([]materialized, error) {
	cmd := p.command(ctx, "materialize", "--to", to.Format(time.RFC3339))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("plumb materialize: %w\n%s", err, stderr.String())
	}
	var views []materialized
	for decoder := json.NewDecoder(bytes.NewReader(stdout)); decoder.More(); {
		var view materialized
		if err := decoder.Decode(&view); err != nil {
			return nil, fmt.Errorf("read what plumb materialize printed: %w", err)
		}
		views = append(views, view)
	}
	return views, nil
}

// server is a running plumb serve.
type server struct {
	address string
	client  plumbv1.ServingServiceClient

	connection *grpc.ClientConn
	cmd        *exec.Cmd
	stderr     *bytes.Buffer
}

// serve starts the server on a free port and waits until it says that it serves.
func (p *plumb) serve(ctx context.Context) (*server, error) {
	addresses := []string{"--serving-grpc", "127.0.0.1:0", "--serving-http", ""}
	s := &server{cmd: p.command(ctx, append([]string{"serve"}, addresses...)...), stderr: &bytes.Buffer{}}
	s.cmd.Stderr = s.stderr
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start plumb serve: %w", err)
	}
	var listening struct {
		GRPC string `json:"grpc"`
	}
	if err := json.NewDecoder(bufio.NewReader(stdout)).Decode(&listening); err != nil {
		_ = s.cmd.Wait() // What it wrote says more than how it ended.
		return nil, fmt.Errorf("plumb serve did not say where it listens: %w\n%s", err, s.stderr)
	}
	s.address = listening.GRPC
	if err := s.connect(ctx); err != nil {
		_ = s.stop() // It is what did not answer that matters.
		return nil, err
	}
	return s, nil
}

func (s *server) connect(ctx context.Context) error {
	connection, err := grpc.NewClient(s.address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	s.connection, s.client = connection, plumbv1.NewServingServiceClient(connection)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	watch, err := grpc_health_v1.NewHealthClient(connection).
		Watch(ctx, &grpc_health_v1.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("ask plumb serve for its health: %w", err)
	}
	for {
		health, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("plumb serve did not become ready: %w", err)
		}
		if health.GetStatus() == grpc_health_v1.HealthCheckResponse_SERVING {
			return nil
		}
	}
}

// stop asks the server to drain and requires that it ends well.
func (s *server) stop() error {
	if s.connection != nil {
		_ = s.connection.Close() // Nothing is under way.
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop plumb serve: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("plumb serve did not drain: %w\n%s", err, s.stderr)
	}
	return nil
}
