package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// server is a redis-server of this program's own, which keeps nothing on disk.
type server struct {
	address string
	client  *goredis.Client
	process *exec.Cmd
	folder  string
}

func startServer(ctx context.Context) (*server, error) {
	folder, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for Redis: %w", err)
	}
	s := &server{folder: folder}
	if s.address, err = freeAddress(ctx); err == nil {
		err = s.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	s.client = goredis.NewClient(&goredis.Options{Addr: s.address})
	return s, nil
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// start returns once the server accepts connections.
func (s *server) start(ctx context.Context) error {
	_, port, err := net.SplitHostPort(s.address)
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
			return nil
		}
	}
	return fmt.Errorf("redis-server ended early: %w", s.process.Wait())
}

func (s *server) url() string { return "redis://" + s.address }

// stop ends the server and removes what it has kept.
func (s *server) stop() error {
	err := errors.Join(s.client.Close(), s.process.Process.Kill())
	_ = s.process.Wait() // It says that the process was killed.
	return errors.Join(err, os.RemoveAll(s.folder))
}

// holds fails unless the server has exactly that many keys.
func (s *server) holds(ctx context.Context, keys int64) error {
	found, err := s.client.DBSize(ctx).Result()
	if err == nil && found != keys {
		err = fmt.Errorf("%d keys are in Redis, not %d", found, keys)
	}
	return err
}

// bytesOfARow are the lengths of the key and the value of any row.
func (s *server) bytesOfARow(ctx context.Context) (key, value int, err error) {
	name, err := s.client.RandomKey(ctx).Result()
	if err != nil {
		return 0, 0, fmt.Errorf("look at a row: %w", err)
	}
	length, err := s.client.StrLen(ctx, name).Result()
	return len(name), int(length), err
}

// usedMemory is what the server has allocated, in bytes.
func (s *server) usedMemory(ctx context.Context) (int64, error) {
	text, err := s.client.Info(ctx, "memory").Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for its memory: %w", err)
	}
	_, rest, _ := strings.Cut(text, "used_memory:")
	number, _, _ := strings.Cut(rest, "\r\n")
	return strconv.ParseInt(number, 10, 64)
}
