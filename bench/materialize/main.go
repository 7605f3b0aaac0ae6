// Command materialize measures plumb materialize with a real redis-server, which it starts.
//
//	materialize PLUMB FOLDER          against raw pipelined SETs, and the newest-row query against DuckDB's arg_max
//	materialize PLUMB FOLDER memory   50 million entities within a memory limit
//	materialize PLUMB FOLDER shards   a run in shards by one worker and by two against a run without shards
//
// PLUMB is the binary. Data stay in FOLDER: a row for each of a million entities, the 20 million rows of a million keys
// that the benchmark of joins reads too, and for memory a row for each of 50 million entities.
//
// What is compared takes turns, and the tables, in Markdown, have medians of several runs. It is checked that every row
// has arrived, and that both queries give the same rows.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/plumbstore/plumb/bench/process"
)

// memory is the argument that asks for the measurement of memory.
const memory = "memory"

// shards is the argument that asks for the measurement of shards.
const shards = "shards"

// What this program does for itself, in processes of their own.
const (
	generating  = "generate"
	ourNewest   = "newest"
	byHand      = "by-hand"
	comparing   = "compare"
	writeNewest = "write-newest"
)

func main() {
	if err := start(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func start(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch {
	case len(args) == 3 && args[0] == generating:
		return generate(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == ourNewest:
		return readNewest(ctx, args[1])
	case len(args) == 3 && args[0] == byHand:
		return newestByHand(ctx, args[1], args[2])
	case len(args) == 2 && args[0] == comparing:
		return compareNewest(ctx, args[1])
	case len(args) == 2 && args[0] == writeNewest:
		return writeNewestFile(ctx, args[1])
	case len(args) == 2:
		return run(ctx, args[0], args[1], "speed", measureSpeed)
	case len(args) == 3 && args[2] == memory:
		return run(ctx, args[0], args[1], memory, measureMemory)
	case len(args) == 3 && args[2] == shards:
		return run(ctx, args[0], args[1], shards, measureShards)
	}
	return errors.New("usage: materialize PLUMB FOLDER [memory|shards]")
}

// run makes the project and measures.
func run(ctx context.Context, plumb, folder, what string,
	job func(ctx context.Context, plumb, folder string) error,
) error {
	plumb, err := filepath.Abs(plumb)
	if err != nil {
		return fmt.Errorf("find %s: %w", plumb, err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return fmt.Errorf("find %s: %w", folder, err)
	}
	if _, err := process.Self(ctx, ".", generating, folder, what); err != nil {
		return err
	}
	if _, err := process.Run(ctx, projectOf(folder), plumb, "apply", "--yes"); err != nil {
		return err
	}
	return job(ctx, plumb, folder)
}
