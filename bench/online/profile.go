package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// profiled is for how long a profile is taken.
const profiled = 40 * time.Second

// profile writes a profile of the processor time of plumb serve while the callers ask for the chosen shapes in turns,
// over gRPC and over HTTP.
func (s *servers) profile(ctx context.Context, plumb, folder, path string) (err error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	asked, err := startPlumb(ctx, plumb, folder, few, s.redis.URL(), "--serving-admin", address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, asked.stop()) }()
	ended := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(ended)
		return fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", address, profiled.Seconds()), path)
	})
	group.Go(func() error {
		for turn := 0; ; turn++ {
			select {
			case <-ended:
				return nil
			default:
			}
			shape := s.chosen.shapes[turn%len(s.chosen.shapes)]
			if err := s.pressForProfile(ctx, asked, shape, turn/len(s.chosen.shapes)%4 == 3); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

// pressForProfile lets as many callers as are chosen ask for a shape.
func (s *servers) pressForProfile(ctx context.Context, asked *server, shape shape, overHTTP bool) error {
	count := s.chosen.callers[len(s.chosen.callers)-1]
	callers, err := asked.plumbCallers(shape, count)
	if err != nil {
		return err
	}
	if overHTTP {
		err = closeAll(callers)
		for i := range callers {
			callers[i] = asked.newHTTPCaller(shape, true, i)
		}
	}
	_, pressErr := press(ctx, callers)
	return errors.Join(err, pressErr, closeAll(callers))
}

func fetch(ctx context.Context, url, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("take a profile: %w", err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("take a profile: %s %w", response.Status, err)
	}
	return os.WriteFile(path, content, 0o644)
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
