// Package redis runs a real redis-server for benchmarks.
package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/bench/process"
)

// Server is a redis-server of a benchmark's own, which keeps nothing on disk.
type Server struct {
	// Address is host:port.
	Address string
	// Client speaks to the server.
	Client *goredis.Client

	process *exec.Cmd
	folder  string
}

// Start returns once the server accepts connections. The caller stops it.
func Start(ctx context.Context) (*Server, error) {
	folder, err := os.MkdirTemp("", "plumb-bench-redis-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for Redis: %w", err)
	}
	s := &Server{folder: folder}
	if s.Address, err = process.FreeAddress(ctx); err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s.Client = goredis.NewClient(&goredis.Options{Addr: s.Address})
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(s.Address)
	if err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	s.process = exec.CommandContext(ctx, "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", s.folder,
		"--save", "", "--appendonly", "no")
	output, err := s.process.StdoutPipe()
	if err == nil {
		err = s.process.Start()
	}
	if err != nil {
		return fmt.Errorf("start redis-server: %w", err)
	}
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if strings.Contains(lines.Text(), "Ready to accept connections") {
			go func() { _, _ = io.Copy(io.Discard, output) }() // A full pipe would stop the server.
			return nil
		}
	}
	return fmt.Errorf("redis-server ended early: %w", s.process.Wait())
}

// URL is the URL of the server that Plumb is configured with.
func (s *Server) URL() string { return "redis://" + s.Address }

// Stop ends the server and removes what it has kept.
func (s *Server) Stop() error {
	err := errors.Join(s.Client.Close(), s.process.Process.Kill())
	_ = s.process.Wait() // It says that the process was killed.
	return errors.Join(err, os.RemoveAll(s.folder))
}

// bookkeeping is how many keys of a project at the most are not those of an entity: its directory, and marks.
const bookkeeping = 5

// Holds fails unless the server has the hashes of exactly that many entities of a project with one view.
func (s *Server) Holds(ctx context.Context, entities int64) error {
	found, err := s.Client.DBSize(ctx).Result()
	if err == nil && (found <= entities || found > entities+bookkeeping) {
		err = fmt.Errorf("%d keys are in Redis, which are not %d entities", found, entities)
	}
	return err
}

// BytesOfARow are the lengths of the key and the value of any row. The key is that of the row's hash and its field.
func (s *Server) BytesOfARow(ctx context.Context) (key, value int, err error) {
	for {
		name, err := s.Client.RandomKey(ctx).Result()
		if err != nil {
			return 0, 0, fmt.Errorf("look at a row: %w", err)
		}
		if strings.Contains(name, ":\x00") {
			continue // It is a mark, or the directory.
		}
		field, err := s.Client.HRandField(ctx, name, 1).Result()
		if err != nil {
			return 0, 0, fmt.Errorf("look at a row: %w", err)
		}
		row, err := s.Client.HGet(ctx, name, field[0]).Bytes()
		return len(name) + len(field[0]), len(row), err
	}
}

// UsedMemory is what the server has allocated, in bytes.
func (s *Server) UsedMemory(ctx context.Context) (int64, error) {
	text, err := s.Client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	number, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseInt(number, 10, 64)
}
