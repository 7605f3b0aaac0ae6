package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/bench/process"
)

// What the join of as many labels as rows is given, and what it may take at the most.
const (
	memoryLabels = 20_000_000
	memoryLimit  = "2GB"
	peakLimit    = 2_400_000_000
	memoryResult = "plumb-memory.parquet"
)

// measureMemory joins as many labels as there are rows within a memory limit. It fails if the join takes more than
// peakLimit, leaves anything in its temporary folder, or loses a row.
func measureMemory(ctx context.Context, plumb, folder string) (err error) {
	temporary, err := os.MkdirTemp(folder, "temporary-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	took, err := process.Run(ctx, folder, plumb, "historical", "--labels", labelFile(memoryLabels), "--service", "uniform",
		"--out", memoryResult, "--offline-memory-limit", memoryLimit, "--offline-temp-dir", temporary)
	if err != nil {
		return err
	}
	rows, err := count(ctx, filepath.Join(folder, memoryResult))
	if err != nil {
		return err
	}
	left, err := os.ReadDir(temporary)
	if err != nil {
		return fmt.Errorf("look into the temporary folder: %w", err)
	}
	fmt.Printf("%s labels, %s rows x %d features, offline.memory_limit %s: %s rows in %.1f s, at most %s bytes resident, "+
		"%d files left in the temporary folder\n", humanize.Comma(memoryLabels), humanize.Comma(featureRows), features,
		memoryLimit, humanize.Comma(rows), took.Elapsed.Seconds(), humanize.Comma(took.Peak), len(left))
	return judge(rows, took.Peak, len(left))
}

// judge returns everything that is wrong with the outcome of the join.
func judge(rows, peak int64, left int) error {
	var errs []error
	if rows != memoryLabels {
		errs = append(errs, fmt.Errorf("%d rows came out for %d labels", rows, memoryLabels))
	}
	if peak > peakLimit {
		errs = append(errs, fmt.Errorf("the join took %d bytes of memory, more than %d", peak, peakLimit))
	}
	if left > 0 {
		errs = append(errs, fmt.Errorf("the join left %d files in its temporary folder", left))
	}
	return errors.Join(errs...)
}
