// Command offline measures plumb historical as whole processes, Parquet to Parquet.
//
//	offline PLUMB FOLDER [CONTEST…]   against a hand-written ASOF LEFT JOIN in the same DuckDB
//	offline PLUMB FOLDER memory       within a memory limit that the labels alone exceed
//	offline PLUMB FOLDER shards       in two files, by one process and by two
//
// PLUMB is the binary. It runs with the settings that a new project has, so under the default memory limit, and writes
// a manifest. Data and results stay in FOLDER: twice 20 million rows of 10 features over a million keys and 90 days,
// label files of 20,000, 200,000 and 2 million rows, for memory of 20 million, ten views of 2 million rows for the wide
// case, up to 3,000 files of 1,000 rows, ten labels of up to 3,000 columns, and two million label rows with request
// inputs. Only what the chosen contests read is
// made. A contest is chosen by the beginning of its name, such as uniform, uniform-20000 or files.
//
// Both sides take turns, and the table has medians of several runs, in Markdown. It is checked that both give the same
// values. Where a source has many files, DuckDB is not measured joining them, but grouping them by key.
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

// The arguments that ask for other measurements than contests.
const (
	memory = "memory"
	shards = "shards"
)

// What this program does for itself, in processes of their own.
const (
	generating  = "generate"
	handwritten = "by-hand"
	grouping    = "group"
	comparing   = "compare"
	computing   = "compute"
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
	case len(args) >= 2 && args[0] == generating:
		return generate(ctx, args[1], args[2:])
	case len(args) == 4 && args[0] == handwritten:
		return joinByHand(ctx, args[1], args[2], args[3])
	case len(args) == 3 && args[0] == grouping:
		return groupByHand(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == computing:
		return computeByHand(ctx, args[1], args[2])
	case len(args) == 3 && args[0] == comparing:
		return compareComputed(ctx, args[1], args[2])
	case len(args) == 4 && args[0] == comparing:
		return compare(ctx, args[1], args[2], args[3])
	case len(args) == 3 && args[2] == memory:
		return run(ctx, args[0], args[1], []string{uniformFile, labelFile(memoryLabels)}, measureMemory)
	case len(args) == 3 && args[2] == shards:
		return run(ctx, args[0], args[1], []string{uniformFile, labelFile(shardLabels)}, measureShards)
	case len(args) >= 2:
		list, err := chosen(args[2:])
		if err != nil {
			return err
		}
		return run(ctx, args[0], args[1], files(list), func(ctx context.Context, plumb, folder string) error {
			return measureSpeed(ctx, plumb, folder, list)
		})
	}
	return errors.New("usage: offline PLUMB FOLDER [memory | shards | CONTEST…]")
}

// run makes the project with the files that are wanted, and measures.
func run(ctx context.Context, plumb, folder string, wanted []string,
	job func(ctx context.Context, plumb, folder string) error,
) error {
	plumb, err := filepath.Abs(plumb)
	if err != nil {
		return fmt.Errorf("find %s: %w", plumb, err)
	}
	if folder, err = filepath.Abs(folder); err != nil {
		return fmt.Errorf("find %s: %w", folder, err)
	}
	if _, err := process.Self(ctx, ".", append([]string{generating, folder}, wanted...)...); err != nil {
		return err
	}
	if _, err := process.Run(ctx, folder, plumb, "apply", "--yes"); err != nil {
		return err
	}
	return job(ctx, plumb, folder)
}
