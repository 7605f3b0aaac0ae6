package main

import (
	"context"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/bench/process"
)

const rounds = 5

// plumbResult is the file that plumb's rows go to.
const plumbResult = "plumb.parquet"

// measureSpeed prints the table.
func measureSpeed(ctx context.Context, plumb, folder string, list []contest) error {
	fmt.Println("| | plumb | by hand | ratio | ratio of processor time | memory of plumb | by hand |\n" +
		"|---|---|---|---|---|---|---|")
	for _, c := range list {
		if err := c.run(ctx, plumb, folder); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// run lets both take turns and prints the medians. A first turn of plumb does not count: it leaves the digests of the
// sources and the files in the system's cache, so that neither side reads the disk.
func (c contest) run(ctx context.Context, plumb, folder string) error {
	var ours, theirs []process.Taken
	for round := range rounds + 1 {
		args := []string{"historical", "--labels", c.labels, "--service", c.service, "--out", plumbResult}
		took, err := process.Run(ctx, folder, plumb, append(args, c.options...)...)
		if err != nil {
			return err
		}
		if round == 0 {
			continue
		}
		ours = append(ours, took)
		if took, err = c.byHand(ctx, folder); err != nil {
			return err
		}
		theirs = append(theirs, took)
	}
	if err := c.check(ctx, folder); err != nil {
		return err
	}
	a, b := process.Median(ours), process.Median(theirs)
	fmt.Printf("| %s | %.2f s | %.2f s | %.2f | %.2f | %s | %s |\n", c.name, a.Elapsed.Seconds(), b.Elapsed.Seconds(),
		a.Elapsed.Seconds()/b.Elapsed.Seconds(), a.Processor.Seconds()/b.Processor.Seconds(),
		humanize.Bytes(uint64(a.Peak)), humanize.Bytes(uint64(b.Peak)))
	return nil
}

func commas(n int) string { return humanize.Comma(int64(n)) }
