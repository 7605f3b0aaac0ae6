package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
)

// verified is how many answers are held against what they have to be, value by value.
const verified = 200

// The numbers of views that projects have.
const (
	few  = 5
	some = 25
	many = 500
)

// servers are all that is asked.
type servers struct {
	chosen choice
	redis  *redis.Server
	floor  *server
	// plumb are the servers of the projects, by their number of views; sqlite has some views.
	plumb  map[int]*server
	sqlite *server
	// admin is where the server of some views has profiles; only if one is taken.
	admin string
}

// measureSpeed prints the tables of look-ups that are chosen.
func measureSpeed(ctx context.Context, plumb, folder string, chosen choice) (err error) {
	s := &servers{chosen: chosen, plumb: map[int]*server{}}
	defer func() { err = errors.Join(err, s.stop()) }()
	if err := s.start(ctx, plumb, folder); err != nil {
		return err
	}
	switch {
	case chosen.profile == "":
	case chosen.has(ofWindows):
		return s.withWindows(ctx, plumb, folder)
	default:
		return s.profileShapes(ctx, chosen.profile)
	}
	for _, table := range []struct {
		name  string
		print func(ctx context.Context) error
	}{
		{ofClient, s.client}, {ofGenerated, s.generated}, {leftAsIs, s.undecoded},
		{ofManyViews, s.manyViews}, {ofSQLite, s.withSQLite}, {ofJSON, s.withJSON},
		{ofPython, s.withPython}, {ofComputed, s.withComputed},
		{ofFeast, func(ctx context.Context) error { return s.withFeast(ctx, folder) }},
	} {
		if !chosen.has(table.name) {
			continue
		}
		if err := table.print(ctx); err != nil {
			return err
		}
	}
	if chosen.has(audited) {
		if err := s.withAudit(ctx, plumb, folder); err != nil {
			return err
		}
	}
	if chosen.has(ofWindows) {
		return s.withWindows(ctx, plumb, folder)
	}
	return nil
}

// client prints the table of callers that use the Go client.
func (s *servers) client(ctx context.Context) error {
	return s.againstFloor(ctx, func(shape shape, _, count int) ([]caller, error) {
		return s.plumb[shape.views].clientCallers(shape, count)
	})
}

// generated prints the table of callers that use the code that is generated for Go.
func (s *servers) generated(ctx context.Context) error {
	fmt.Print("\nThe same, with callers that decode plumb's answers with generated code:\n\n")
	return s.againstFloor(ctx, func(shape shape, _, count int) ([]caller, error) {
		return s.plumb[shape.views].plumbCallers(shape, count)
	})
}

// undecoded prints the table of callers that do not.
func (s *servers) undecoded(ctx context.Context) error {
	fmt.Print("\nThe same, with callers that leave plumb's answers as they come, as those of the floor do:\n\n")
	return s.againstFloor(ctx, func(shape shape, answer, count int) ([]caller, error) {
		return s.plumb[shape.views].undecodedCallers(shape, answer, count)
	})
}

// start writes the rows and starts the servers.
func (s *servers) start(ctx context.Context, plumb, folder string) (err error) {
	if s.redis, err = redis.Start(ctx); err != nil {
		return err
	}
	flags := map[int][]string{}
	if s.chosen.profile != "" {
		if s.admin, err = process.FreeAddress(ctx); err != nil {
			return err
		}
		flags[some] = []string{"--serving-admin", s.admin}
	}
	for views, services := range map[int][]int{few: {1, few}, some: {few, some}, many: {few}} {
		if err := makeProject(ctx, plumb, folder, views, services...); err != nil {
			return err
		}
		if err := materialize(ctx, plumb, folder, views, services[len(services)-1], s.redis.URL()); err != nil {
			return err
		}
		s.plumb[views], err = startPlumb(ctx, plumb, projectOf(folder, views), s.redis.URL(), flags[views]...)
		if err != nil {
			return err
		}
	}
	url := "sqlite:" + filepath.Join(folder, "online.db")
	if err := materialize(ctx, plumb, folder, some, some, url); err != nil {
		return err
	}
	if s.sqlite, err = startPlumb(ctx, plumb, projectOf(folder, some), url); err != nil {
		return err
	}
	keyBytes, valueBytes, err := s.redis.BytesOfARow(ctx)
	if err != nil {
		return err
	}
	if err := writeFloor(ctx, s.redis.Client, sources, keyBytes, valueBytes); err != nil {
		return err
	}
	s.floor, err = startFloor(ctx, s.redis.Address, keyBytes)
	return err
}

func (s *servers) stop() error {
	var failures []error
	for _, each := range []*server{s.plumb[few], s.plumb[some], s.plumb[many], s.sqlite, s.floor} {
		if each != nil {
			failures = append(failures, each.stop())
		}
	}
	if s.redis != nil {
		failures = append(failures, s.redis.Stop())
	}
	return errors.Join(failures...)
}

// againstFloor prints a table that compares Plumb on Redis with the floor. The callers of Plumb expect answers of a
// given length.
func (s *servers) againstFloor(ctx context.Context, plumb func(shape shape, answer, count int) ([]caller, error),
) error {
	fmt.Println("| rows x features | callers | plumb p50 | p99 | per second | floor p50 | p99 | per second | " +
		"p50 ratio | per second ratio | target |\n|---|---|---|---|---|---|---|---|---|---|---|")
	for _, shape := range s.chosen.shapes {
		answer, err := s.plumb[shape.views].verify(ctx, shape)
		if err != nil {
			return fmt.Errorf("%s: %w", shape, err)
		}
		for _, count := range s.chosen.callers {
			result, err := s.contest(ctx,
				func() ([]caller, error) { return plumb(shape, answer, count) },
				func() ([]caller, error) { return s.floor.floorCallers(shape, answer, count) })
			if err != nil {
				return fmt.Errorf("%s, %d callers: %w", shape, count, err)
			}
			fmt.Printf("| %s | %d | %s | %s | %.2f | %.2f | %s |\n", shape, count, figures(result.first),
				figures(result.second), result.p50, result.perSecond, target(shape, count))
		}
	}
	return nil
}

// target is the ratio to reach.
func target(shape shape, callers int) string {
	switch {
	case callers > 1:
		return "per second >= 1.0"
	case shape == shapes[0]:
		return "p50 <= 1.3"
	}
	return ""
}

// manyViews prints the table of a registry of many views against one of few.
func (s *servers) manyViews(ctx context.Context) error {
	fmt.Printf("\n| rows x features | callers | %d views p50 | p99 | per second | %d views p50 | p99 | per second | "+
		"p50 ratio | per second ratio |\n|---|---|---|---|---|---|---|---|---|---|\n", many, few)
	asked := shapes[0]
	for _, count := range []int{1, 16} {
		result, err := s.contest(ctx,
			func() ([]caller, error) { return s.plumb[many].clientCallers(asked, count) },
			func() ([]caller, error) { return s.plumb[few].clientCallers(asked, count) })
		if err != nil {
			return fmt.Errorf("%d views: %w", many, err)
		}
		fmt.Printf("| %s | %d | %s | %s | %.2f | %.2f |\n", asked, count, figures(result.first), figures(result.second),
			result.p50, result.perSecond)
	}
	return nil
}

// withSQLite prints the table of the embedded store, beside Redis.
func (s *servers) withSQLite(ctx context.Context) error {
	fmt.Println("\n| rows x features | callers | SQLite p50 | p99 | per second | Redis p50 | p99 | per second |\n" +
		"|---|---|---|---|---|---|---|---|")
	for _, shape := range s.chosen.shapes {
		if _, err := s.sqlite.verify(ctx, shape); err != nil {
			return fmt.Errorf("%s from SQLite: %w", shape, err)
		}
		for _, count := range s.chosen.callers {
			result, err := s.contest(ctx,
				func() ([]caller, error) { return s.sqlite.clientCallers(shape, count) },
				func() ([]caller, error) { return s.plumb[some].clientCallers(shape, count) })
			if err != nil {
				return fmt.Errorf("%s, %d callers of SQLite: %w", shape, count, err)
			}
			fmt.Printf("| %s | %d | %s | %s |\n", shape, count, figures(result.first), figures(result.second))
		}
	}
	return nil
}

// verify checks answers of a shape, as both kinds of callers read them, and returns how long one is.
func (s *server) verify(ctx context.Context, shape shape) (answer int, err error) {
	generated, err := s.plumbCallers(shape, 1)
	if err != nil {
		return 0, err
	}
	client, err := s.clientCallers(shape, 1)
	if err != nil {
		return 0, errors.Join(err, closeAll(generated))
	}
	defer func() { err = errors.Join(err, closeAll(generated), closeAll(client)) }()
	for range verified {
		if err := client[0].(*clientCaller).verify(ctx); err != nil {
			return 0, err
		}
		if answer, err = generated[0].(*plumbCaller).verify(ctx); err != nil {
			return 0, err
		}
	}
	return answer, nil
}

// outcome are the medians of both sides, and of the ratios within each round.
type outcome struct {
	first, second       load
	p50, p99, perSecond float64
	// firstCalls and secondCalls are how many calls each side made, those of the warm-up too.
	firstCalls, secondCalls int
}

// contest lets both sides take turns, and the one begins that came last in the round before. Each turn begins with
// connections of its own.
func (s *servers) contest(ctx context.Context, first, second func() ([]caller, error)) (outcome, error) {
	sides, connect := [2][]load{}, [2]func() ([]caller, error){first, second}
	for turn := range 2 * s.chosen.rounds {
		side := (turn + turn/2) % 2 // 0 1, 1 0, 0 1, …
		callers, err := connect[side]()
		if err != nil {
			return outcome{}, err
		}
		came, err := press(ctx, callers)
		if err := errors.Join(err, closeAll(callers)); err != nil {
			return outcome{}, err
		}
		sides[side] = append(sides[side], came)
	}
	type round struct{ first, second load }
	all, calls := make([]round, s.chosen.rounds), [2]int{}
	for i := range all {
		all[i] = round{sides[0][i], sides[1][i]}
		calls[0] += sides[0][i].calls
		calls[1] += sides[1][i].calls
	}
	return outcome{
		first: medianOf(sides[0]), second: medianOf(sides[1]),
		p50:        medianBy(all, func(r round) float64 { return float64(r.first.p50) / float64(r.second.p50) }),
		p99:        medianBy(all, func(r round) float64 { return float64(r.first.p99) / float64(r.second.p99) }),
		perSecond:  medianBy(all, func(r round) float64 { return r.first.perSecond / r.second.perSecond }),
		firstCalls: calls[0], secondCalls: calls[1],
	}, nil
}

func figures(l load) string {
	return fmt.Sprintf("%s | %s | %.0f", milliseconds(l.p50), milliseconds(l.p99), l.perSecond)
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}
