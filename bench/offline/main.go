// Command offline measures plumb historical as whole processes, Parquet to Parquet.
//
//	offline PLUMB FOLDER          against a hand-written ASOF LEFT JOIN in the same DuckDB
//	offline PLUMB FOLDER memory   within a memory limit that the labels alone exceed
//
// PLUMB is the binary. Data and results stay in FOLDER: twice 20 million rows of 10 features over a million keys and
// 90 days, label files of 20,000, 200,000 and 2 million rows, for memory of 20 million, and ten views of 2 million rows
// for the wide case.
//
// Against the hand-written join both sides take turns, and the table has medians of several runs, in Markdown. It is
// checked that both give the same values.
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

// What this program does for itself, in processes of their own.
const (
	generating  = "generate"
	handwritten = "by-hand"
	comparing   = "compare"
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
		return generate(ctx, args[1], args[2] == memory)
	case len(args) == 4 && args[0] == handwritten:
		return joinByHand(ctx, args[1], args[2], args[3])
	case len(args) == 4 && args[0] == comparing:
		return compare(ctx, args[1], args[2], args[3])
	case len(args) == 2:
		return run(ctx, args[0], args[1], "speed", measureSpeed)
	case len(args) == 3 && args[2] == memory:
		return run(ctx, args[0], args[1], memory, measureMemory)
	}
	return errors.New("usage: offline PLUMB FOLDER [memory]")
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
	if _, err := process.Run(ctx, folder, plumb, "apply", "--yes"); err != nil {
		return err
	}
	return job(ctx, plumb, folder)
}
