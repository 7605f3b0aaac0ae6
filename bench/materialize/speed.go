package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
	"github.com/plumbstore/plumb/bench/rows"
)

const rounds = 5

// The views that are materialized, by what becomes of their rows in the store.
const (
	staying  = "staying"
	expiring = "expiring"
)

// retention is how long rows of the expiring view are kept: its ttl, and online_retention.
const retention = 37 * 24 * time.Hour

// measureSpeed prints both tables.
func measureSpeed(ctx context.Context, plumb, folder string) (err error) {
	server, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	fmt.Println("| | plumb materialize | raw SETs | ratio | memory of plumb |\n|---|---|---|---|---|")
	for view, expiry := range map[string]time.Duration{staying: 0, expiring: retention} {
		if err := writeRows(ctx, server, plumb, folder, view, expiry); err != nil {
			return err
		}
	}
	fmt.Println()
	return measureNewest(ctx, folder)
}

// writeRows lets plumb, as a whole process, and the bare program take turns: the store empty, and, for plumb, with the
// rows there already.
func writeRows(ctx context.Context, server *redis.Server, plumb, folder, view string, expiry time.Duration) error {
	var first, again, raw []process.Taken
	for range rounds {
		if err := server.Client.FlushAll(ctx).Err(); err != nil {
			return fmt.Errorf("empty Redis: %w", err)
		}
		for _, taken := range []*[]process.Taken{&first, &again} {
			took, err := process.Run(ctx, projectOf(folder), plumb, "materialize", "--to", "now", "--full", "--view", view,
				"--online-store", server.URL())
			if err == nil {
				err = server.Holds(ctx, entities)
			}
			if err != nil {
				return err
			}
			*taken = append(*taken, took)
		}
		key, value, err := server.BytesOfARow(ctx)
		if err == nil {
			err = server.Client.FlushAll(ctx).Err()
		}
		if err != nil {
			return fmt.Errorf("between two runs: %w", err)
		}
		elapsed, err := rawSets(ctx, server.Client, entities, key, value, expiry)
		if err != nil {
			return err
		}
		raw = append(raw, process.Taken{Elapsed: elapsed})
	}
	name := fmt.Sprintf("%s entities x %d features, %s", humanize.Comma(entities), rows.Features, view)
	printRate(name, process.Median(first), process.Median(raw))
	printRate(name+", there already", process.Median(again), process.Median(raw))
	return nil
}

func printRate(name string, ours, raw process.Taken) {
	fmt.Printf("| %s | %s/s | %s/s | %.2f | %s |\n", name, rate(ours), rate(raw),
		raw.Elapsed.Seconds()/ours.Elapsed.Seconds(), humanize.Bytes(uint64(ours.Peak)))
}

func rate(t process.Taken) string { return humanize.Comma(int64(entities / t.Elapsed.Seconds())) }
