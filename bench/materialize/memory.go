package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/bench/process"
	"github.com/plumbstore/plumb/bench/redis"
)

// What the materialization of many entities is given, and what it may take at the most. Their rows are narrow, so that
// they fit into the Redis of a usual machine.
const (
	manyEntities = 50_000_000
	memoryLimit  = "2GB"
	peakLimit    = 3_000_000_000
	narrow       = "narrow"
)

// measureMemory materializes many entities within a memory limit. It fails if that takes more than peakLimit or loses a
// row.
func measureMemory(ctx context.Context, plumb, folder string) (err error) {
	server, err := redis.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	took, err := process.Run(ctx, projectOf(folder), plumb, "materialize", "--to", "now", "--full", "--view", narrow,
		"--online-store", server.URL(), "--offline-memory-limit", memoryLimit)
	if err == nil {
		err = server.Holds(ctx, manyEntities)
	}
	if err != nil {
		return err
	}
	used, err := server.UsedMemory(ctx)
	if err != nil {
		return err
	}
	key, value, err := server.BytesOfARow(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("%s entities, offline.memory_limit %s: %.0f s, %s entities/s, at most %s resident; Redis holds %d bytes "+
		"for each row, whose key has %d and value %d\n", humanize.Comma(manyEntities), memoryLimit, took.Elapsed.Seconds(),
		humanize.Comma(int64(manyEntities/took.Elapsed.Seconds())), humanize.Bytes(uint64(took.Peak)), used/manyEntities,
		key, value)
	if took.Peak > peakLimit {
		return fmt.Errorf("it took %d bytes of memory, more than %d", took.Peak, peakLimit)
	}
	return nil
}
