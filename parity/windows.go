package parity

import (
	"context"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// countWindows checks the number of rows that each window read against the number that the source has in there (R5). A
// row that two windows read is harmless as long as the newest wins, but not otherwise. A run that makes states reads
// some events again, and says from when on: its window begins there.
func (v *verification) countWindows(ctx context.Context) error {
	for _, view := range v.views {
		v.Progress(offline.Progress{Step: "counting the rows that windows of view " + view.Name + " should have read"})
		counted, err := countBetween(ctx, v.Witness, view)
		if err != nil {
			return err
		}
		report := ViewReport{View: view.Name, Windows: len(view.runs)}
		for _, run := range view.runs {
			report.Read += run.Read
			report.Written += run.Written
			if rows := counted.rows(run); rows != run.Read {
				report.Mismatches = append(report.Mismatches, WindowMismatch{
					After: startOf(run), Through: feature.Instant(run.End).String(), Read: run.Read, SourceRows: rows,
				})
			}
		}
		v.report.Views = append(v.report.Views, report)
	}
	return nil
}

func startOf(run registry.Run) *string {
	if run.Start == nil {
		return nil
	}
	return new(feature.Instant(*run.Start).String())
}

// counts has how many rows of a source lie at or before each of some instants. A window (start, end] has as many rows
// as lie at or before its end, less those at or before its start (R5).
type counts struct {
	bounds  []feature.Instant
	through []int64
}

func countBetween(ctx context.Context, witness offline.Witness, view *sandboxView) (*counts, error) {
	c := &counts{}
	for _, run := range view.runs {
		c.bounds = append(c.bounds, feature.Instant(run.End))
		if run.Start != nil {
			c.bounds = append(c.bounds, feature.Instant(*run.Start))
		}
	}
	slices.Sort(c.bounds)
	c.bounds = slices.Compact(c.bounds)
	c.through = make([]int64, len(c.bounds)+1) // The last has what comes after all bounds.
	if len(c.bounds) == 0 {
		return c, nil
	}
	err := history(ctx, witness, view.View, func(row sourceRow) error {
		at, _ := slices.BinarySearch(c.bounds, row.event)
		c.through[at]++
		return nil
	})
	for i := 1; i < len(c.through); i++ {
		c.through[i] += c.through[i-1]
	}
	return c, err
}

// rows is how many rows lie in a run's window (start, end].
func (c *counts) rows(run registry.Run) int64 {
	rows := c.upTo(run.End)
	if run.Start != nil {
		rows -= c.upTo(*run.Start)
	}
	return rows
}

func (c *counts) upTo(bound int64) int64 {
	at, _ := slices.BinarySearch(c.bounds, feature.Instant(bound))
	return c.through[at]
}
