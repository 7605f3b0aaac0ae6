package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"
)

// profiled is for how long a profile is taken.
const profiled = 40 * time.Second

// profileShapes writes a profile of the processor time of plumb serve while callers ask it for the chosen shapes by
// turns, over gRPC and over HTTP.
func (s *servers) profileShapes(ctx context.Context, path string) error {
	return s.profile(ctx, path, func(ctx context.Context, turn int) error {
		shape := s.chosen.shapes[turn%len(s.chosen.shapes)]
		return s.pressForProfile(ctx, s.plumb[some], shape, turn/len(s.chosen.shapes)%4 == 3)
	})
}

// profile writes a profile of the server that listens at s.admin, while ask is called again and again.
func (s *servers) profile(ctx context.Context, path string, ask func(ctx context.Context, turn int) error) error {
	ended := make(chan struct{})
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(ended)
		return fetch(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", s.admin, profiled.Seconds()), path)
	})
	group.Go(func() error {
		for turn := 0; ; turn++ {
			select {
			case <-ended:
				return nil
			default:
			}
			if err := ask(ctx, turn); err != nil {
				return err
			}
		}
	})
	return group.Wait()
}

// pressForProfile lets as many callers as are chosen ask for a shape.
func (s *servers) pressForProfile(ctx context.Context, asked *server, shape shape, overHTTP bool) error {
	count := s.mostCallers()
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

// mostCallers is how many callers ask while a profile is taken.
func (s *servers) mostCallers() int { return s.chosen.callers[len(s.chosen.callers)-1] }

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
	switch {
	case err != nil:
		return fmt.Errorf("take a profile: %w", err)
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("take a profile: plumb answered %s", response.Status)
	}
	return os.WriteFile(path, content, 0o644)
}
