package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/dustin/go-humanize"
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
	var ours, theirs []taken
	for range rounds {
		took, err := command(ctx, folder, plumb, "historical", "--labels", c.labels, "--service", c.service,
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
		if _, err := self(ctx, folder, comparing, plumbResult, handResult(i), prefix); err != nil {
			return err
		}
	}
	a, b := median(ours), median(theirs)
	fmt.Printf("| %s | %.2f s | %.2f s | %.2f | %s | %s |\n", c.name, a.elapsed.Seconds(), b.elapsed.Seconds(),
		a.elapsed.Seconds()/b.elapsed.Seconds(), humanize.Bytes(uint64(a.peak)), humanize.Bytes(uint64(b.peak)))
	return nil
}

// byHand joins the sources in a process each.
func (c contest) byHand(ctx context.Context, folder string) (total taken, err error) {
	for i, source := range c.sources {
		took, err := self(ctx, folder, handwritten, c.labels, source, handResult(i))
		if err != nil {
			return total, err
		}
		total = total.then(took)
	}
	return total, nil
}

func commas(n int) string { return humanize.Comma(int64(n)) }

func handResult(i int) string { return fmt.Sprintf("hand%d.parquet", i) }

// median is the median time and, of its own, the median peak.
func median(all []taken) taken {
	middle := len(all) / 2
	slices.SortFunc(all, func(a, b taken) int { return cmp.Compare(a.peak, b.peak) })
	peak := all[middle].peak
	slices.SortFunc(all, func(a, b taken) int { return cmp.Compare(a.elapsed, b.elapsed) })
	return taken{all[middle].elapsed, peak}
}
