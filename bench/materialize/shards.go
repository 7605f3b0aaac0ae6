package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
	"github.com/plumbstore/plumb/bench/rows"
)

// What entities with a past have: the rows of each but one are read and not written.
const (
	past     = "past"
	pastRows = 4_000_000
	pastKeys = 200_000
)

// shardRounds is how often each way is taken.
const shardRounds = 3

// measureShards prints what a run takes without shards, in two shards by one worker, and by two workers at a time. Each
// process has one thread for the engine.
func measureShards(ctx context.Context, plumb, folder string) (err error) {
	server, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	fmt.Println("| | way | seconds | processor seconds | of one worker's seconds | memory of a process |\n" +
		"|---|---|---|---|---|---|")
	for _, m := range []sharding{{staying, entities, entities}, {past, pastRows, pastKeys}} {
		m := measuring{m, server, plumb, projectOf(folder)}
		if err := m.measure(ctx); err != nil {
			return err
		}
	}
	return nil
}

// sharding is a view, and what it has.
type sharding struct {
	view       string
	rows, keys int
}

type measuring struct {
	sharding
	server         *redis.Server
	plumb, project string
}

func (m measuring) measure(ctx context.Context) error {
	var whole, one, two []process.Taken
	for range shardRounds {
		for _, way := range []struct {
			taken   *[]process.Taken
			workers int
		}{{&whole, 0}, {&one, 1}, {&two, 2}} {
			took, err := m.run(ctx, way.workers)
			if err != nil {
				return err
			}
			*way.taken = append(*way.taken, took)
		}
	}
	base := process.Median(one)
	name := fmt.Sprintf("%s rows x %d features of %s keys", humanize.Comma(int64(m.rows)), rows.Features,
		humanize.Comma(int64(m.keys)))
	for _, way := range []struct {
		name  string
		taken []process.Taken
	}{{"without shards", whole}, {"2 shards, one worker", one}, {"2 shards, two workers", two}} {
		took := process.Median(way.taken)
		fmt.Printf("| %s | %s | %.2f | %.2f | %.2f | %s |\n", name, way.name, took.Elapsed.Seconds(),
			took.Processor.Seconds(), took.Elapsed.Seconds()/base.Elapsed.Seconds(), humanize.Bytes(uint64(took.Peak)))
	}
	return nil
}

// run materializes into an empty store with a number of workers; 0 means without shards.
func (m measuring) run(ctx context.Context, workers int) (process.Taken, error) {
	if err := m.server.Client.FlushAllAsync(ctx).Err(); err != nil {
		return process.Taken{}, fmt.Errorf("empty Redis: %w", err)
	}
	took, err := m.work(ctx, workers)
	if err == nil {
		err = m.server.Holds(ctx, int64(m.keys))
	}
	return took, err
}

func (m measuring) work(ctx context.Context, workers int) (process.Taken, error) {
	if workers == 0 {
		return m.materialize(ctx, "--full", "--to", "now")
	}
	if _, err := m.materialize(ctx, "--full", "--to", "now", "--shards", "2"); err != nil {
		return process.Taken{}, err
	}
	took := make([]process.Taken, workers)
	begin := process.Now()
	group, ctx := errgroup.WithContext(ctx)
	for i := range took {
		group.Go(func() (err error) {
			took[i], err = m.materialize(ctx, "--worker")
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return process.Taken{}, err
	}
	sum := process.Taken{Elapsed: process.Now().Sub(begin)}
	for _, each := range took {
		sum.Processor += each.Processor
		sum.Peak = max(sum.Peak, each.Peak)
	}
	return sum, nil
}

func (m measuring) materialize(ctx context.Context, args ...string) (process.Taken, error) {
	return process.Run(ctx, m.project, m.plumb, append([]string{"materialize", "--view", m.view, "--online-store",
		m.server.URL(), "--offline-threads", "1"}, args...)...)
}
