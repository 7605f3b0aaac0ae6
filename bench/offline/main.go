// Command offline measures plumb historical against a hand-written ASOF LEFT JOIN in the same DuckDB: whole processes,
// Parquet to Parquet, taking turns, the median of several runs. It also checks that both give the same values.
//
// Usage: offline PLUMB FOLDER
//
// PLUMB is the binary. Data and results stay in FOLDER: 20 million feature rows of 10 features over a million keys and
// 90 days, label files of 20,000, 200,000 and 2 million rows, and ten views of 2 million rows for the wide case.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"time"
)

const rounds = 5

// contest is one line of the table: what plumb is asked for, and what the hand-written program does for it.
type contest struct {
	name, labels, service string
	// sources are the files that the hand-written program joins, one after the other.
	sources []string
}

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
	case len(args) > 0 && args[0] == handwritten:
		return joinByHand(ctx, args[1:])
	case len(args) == 2:
		return run(ctx, args[0], args[1])
	}
	return errors.New("usage: offline PLUMB FOLDER")
}

func run(ctx context.Context, plumb, folder string) error {
	plumb, err := filepath.Abs(plumb)
	if err != nil {
		return fmt.Errorf("find %s: %w", plumb, err)
	}
	if err := generate(ctx, folder); err != nil {
		return err
	}
	if err := command(ctx, folder, plumb, "apply", "--yes"); err != nil {
		return err
	}
	fmt.Printf("%-42s  %10s  %12s  %6s\n", "", "plumb", "hand-written", "ratio")
	for _, c := range contests() {
		if err := c.run(ctx, plumb, folder); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func contests() []contest {
	var list []contest
	for _, labels := range labelCounts {
		list = append(list, contest{name: fmt.Sprintf("20,000,000 x 10, %d labels", labels), labels: labelFile(labels),
			service: "narrow", sources: []string{"data/features.parquet"}})
	}
	wide := contest{name: "10 views of 2,000,000 x 10, 200000 labels", labels: labelFile(200_000), service: "wide"}
	for view := range wideViews {
		wide.sources = append(wide.sources, wideFile(view))
	}
	return append(list, wide)
}

// run lets both take turns and prints the medians.
func (c contest) run(ctx context.Context, plumb, folder string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	var ours, theirs []time.Duration
	for range rounds {
		begin := now()
		if err := command(ctx, folder, plumb, "historical", "--labels", c.labels, "--service", c.service,
			"--out", "plumb.parquet"); err != nil {
			return err
		}
		middle := now()
		for i, source := range c.sources {
			if err := command(ctx, folder, self, handwritten, c.labels, source, handResult(i)); err != nil {
				return err
			}
		}
		ours, theirs = append(ours, middle.Sub(begin)), append(theirs, now().Sub(middle))
	}
	for i := range c.sources {
		if err := compare(ctx, folder, "plumb.parquet", handResult(i), i, len(c.sources) > 1); err != nil {
			return err
		}
	}
	a, b := median(ours), median(theirs)
	fmt.Printf("%-42s  %8.2f s  %10.2f s  %6.2f\n", c.name, a.Seconds(), b.Seconds(), a.Seconds()/b.Seconds())
	return nil
}

func now() time.Time {
	return time.Now() //nolint:forbidigo // A benchmark measures how long things really take.
}

func handResult(i int) string { return fmt.Sprintf("hand%d.parquet", i) }

func median(durations []time.Duration) time.Duration {
	slices.SortFunc(durations, cmp.Compare[time.Duration])
	return durations[len(durations)/2]
}

func command(ctx context.Context, folder, name string, args ...string) error {
	process := exec.CommandContext(ctx, name, args...)
	process.Dir = folder
	if output, err := process.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, output)
	}
	return nil
}
