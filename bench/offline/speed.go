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

// contest is one line of the table: what plumb is asked for, and what the hand-written program does for it.
type contest struct {
	name, labels, service string
	// sources are the files that the hand-written program joins, one after the other.
	sources []string
}

func contests() []contest {
	var list []contest
	add := func(service, source, values string) {
		for _, labels := range labelCounts {
			name := fmt.Sprintf("%s rows x %d %s, %s labels", commas(featureRows), features, values, commas(labels))
			list = append(list, contest{name: name, labels: labelFile(labels), service: service, sources: []string{source}})
		}
	}
	add("uniform", uniformFile, "features")
	add("decimals", decimalsFile, "features of three decimals")
	const labels = 200_000
	wide := contest{name: fmt.Sprintf("%d views of %s rows x %d features, %s labels", wideViews, commas(wideRows),
		features, commas(labels)), labels: labelFile(labels), service: "wide"}
	for view := range wideViews {
		wide.sources = append(wide.sources, wideFile(view))
	}
	return append(list, wide)
}

// measureSpeed prints the table.
func measureSpeed(ctx context.Context, plumb, folder string) error {
	fmt.Println("| | plumb | by hand | ratio | memory of plumb | by hand |\n|---|---|---|---|---|---|")
	for _, c := range contests() {
		if err := c.run(ctx, plumb, folder); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// run lets both take turns and prints the medians.
func (c contest) run(ctx context.Context, plumb, folder string) error {
	var ours, theirs []process.Taken
	for range rounds {
		took, err := process.Run(ctx, folder, plumb, "historical", "--labels", c.labels, "--service", c.service,
			"--out", plumbResult)
		if err != nil {
			return err
		}
		ours = append(ours, took)
		if took, err = c.byHand(ctx, folder); err != nil {
			return err
		}
		theirs = append(theirs, took)
	}
	for i := range c.sources {
		prefix := ""
		if len(c.sources) > 1 {
			prefix = fmt.Sprintf("wide%d__", i)
		}
		if _, err := process.Self(ctx, folder, comparing, plumbResult, handResult(i), prefix); err != nil {
			return err
		}
	}
	a, b := process.Median(ours), process.Median(theirs)
	fmt.Printf("| %s | %.2f s | %.2f s | %.2f | %s | %s |\n", c.name, a.Elapsed.Seconds(), b.Elapsed.Seconds(),
		a.Elapsed.Seconds()/b.Elapsed.Seconds(), humanize.Bytes(uint64(a.Peak)), humanize.Bytes(uint64(b.Peak)))
	return nil
}

// byHand joins the sources in a process each.
func (c contest) byHand(ctx context.Context, folder string) (total process.Taken, err error) {
	for i, source := range c.sources {
		took, err := process.Self(ctx, folder, handwritten, c.labels, source, handResult(i))
		if err != nil {
			return total, err
		}
		total = total.Then(took)
	}
	return total, nil
}

func commas(n int) string { return humanize.Comma(int64(n)) }

func handResult(i int) string { return fmt.Sprintf("hand%d.parquet", i) }
