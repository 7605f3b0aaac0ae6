package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	sdk "github.com/plumbstore/plumb/sdk"
)

// server is a process that serves gRPC.
type server struct {
	address string
	// http is where plumb answers over HTTP.
	http    string
	process *exec.Cmd
	// workers are processes that it has started.
	workers []int
}

// startServer starts a program that prints its address on its first line.
func startServer(ctx context.Context, folder, name string, args ...string) (*server, string, error) {
	s := &server{process: exec.CommandContext(ctx, name, args...)}
	var errs bytes.Buffer
	s.process.Dir, s.process.Stderr = folder, &errs
	output, err := s.process.StdoutPipe()
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		return nil, "", fmt.Errorf("start %s: %w", name, err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		_ = s.process.Wait() // It says no more than what the program has printed.
		return nil, "", fmt.Errorf("%s %v ended early: %s", name, args, errs.Bytes())
	}
	return s, strings.TrimSpace(line), nil
}

// startFloor starts this program as the floor.
func startFloor(ctx context.Context, redis string, keyBytes int) (*server, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	s, line, err := startServer(ctx, ".", program, floor, redis, strconv.Itoa(keyBytes))
	if err == nil {
		s.address = line
	}
	return s, err
}

// startPlumb returns once the server is ready.
func startPlumb(ctx context.Context, plumb, project, url string, flags ...string) (*server, error) {
	s, line, err := startServer(ctx, project, plumb, append([]string{"serve", "--output", "json",
		"--serving-grpc", "127.0.0.1:0", "--serving-http", "127.0.0.1:0", "--online-store", url}, flags...)...)
	if err != nil {
		return nil, err
	}
	var told struct{ GRPC, HTTP string }
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		return nil, errors.Join(fmt.Errorf("%q does not say where plumb listens: %w", line, err), s.stop())
	}
	if s.address, s.http = told.GRPC, told.HTTP; s.address == "" || s.http == "" {
		return nil, errors.Join(fmt.Errorf("plumb does not serve: %s", line), s.stop())
	}
	if err := s.awaitReady(ctx); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *server) awaitReady(ctx context.Context) error {
	conn, err := dial(s.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	watch, err := healthpb.NewHealthClient(conn).Watch(ctx, &healthpb.HealthCheckRequest{}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("ask whether plumb is ready: %w", err)
	}
	for {
		state, err := watch.Recv()
		if err != nil {
			return fmt.Errorf("ask whether plumb is ready: %w", err)
		}
		if state.GetStatus() == healthpb.HealthCheckResponse_SERVING {
			return nil
		}
	}
}

func (s *server) stop() error {
	err := s.process.Process.Kill()
	_ = s.process.Wait() // It says that the process was killed.
	return err
}

// end lets the server drain.
func (s *server) end() error {
	return errors.Join(s.process.Process.Signal(syscall.SIGTERM), s.process.Wait())
}

func dial(address string) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// plumbCallers are callers with a connection each.
func (s *server) plumbCallers(shape shape, count int) ([]caller, error) {
	callers := make([]caller, count)
	for i := range callers {
		conn, err := dial(s.address)
		if err != nil {
			return nil, err
		}
		callers[i] = &plumbCaller{
			conn: conn, client: plumbv1.NewServingServiceClient(conn), shape: shape, random: random(i),
		}
	}
	return callers, nil
}

// clientCallers are callers with a Go client each.
func (s *server) clientCallers(shape shape, count int) ([]caller, error) {
	callers := make([]caller, count)
	for i := range callers {
		client, err := sdk.Connect("grpc://" + s.address)
		if err != nil {
			return nil, err
		}
		callers[i] = &clientCaller{client: client, shape: shape, random: random(i)}
	}
	return callers, nil
}

// undecodedCallers are plumbCallers that leave answers of this length as they come.
func (s *server) undecodedCallers(shape shape, answer, count int) ([]caller, error) {
	callers, err := s.plumbCallers(shape, count)
	for i := range callers {
		callers[i] = undecoded{callers[i].(*plumbCaller), answer}
	}
	return callers, err
}

// floorCallers want answers of this length.
func (s *server) floorCallers(shape shape, answer, count int) ([]caller, error) {
	callers := make([]caller, count)
	for i := range callers {
		conn, err := dial(s.address)
		if err != nil {
			return nil, err
		}
		callers[i] = &floorCaller{conn: conn, shape: shape, answer: answer, random: random(i)}
	}
	return callers, nil
}

// random gives each caller entities of its own, the same in each run.
func random(caller int) *rand.Rand { return rand.New(rand.NewPCG(1, uint64(caller))) }
