package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// wanted is how many keys are verified at each instant.
const wanted = 4000

// proof is what plumb verify reports.
type proof struct {
	Outcome string `json:"outcome"`
	Totals  struct {
		LabelRows  int64 `json:"label_rows"`
		Values     int64 `json:"values"`
		Matches    int64 `json:"matches"`
		Mismatches int64 `json:"mismatches"`
		Windows    int64 `json:"windows"`
	} `json:"totals"`
	Causes []struct {
		Cause string `json:"cause"`
		Count int64  `json:"count"`
	} `json:"causes"`
	Targets []struct {
		Features []struct {
			Statuses map[string]int64 `json:"statuses"`
		} `json:"features"`
	} `json:"targets"`
}

// verify checks what is served for many keys against what training sees of them: value bit for bit, status, and event
// time (R17). Plumb verify has a store and a server of its own, since the server's clock must be at the time of a label
// row.
func (d *demo) verify(ctx context.Context) error {
	instants := []time.Time{noon, night, noReport}
	rows, err := d.flights.writeKeys(ctx, keyFile, wanted, instants)
	if err != nil {
		return err
	}
	for _, at := range instants {
		d.say("   %d keys at %s", rows/int64(len(instants)), at.Format(time.RFC3339))
	}
	for _, each := range services {
		if err := d.verifyService(ctx, each, rows); err != nil {
			return fmt.Errorf("%s: %w", each, err)
		}
	}
	return nil
}

func (d *demo) verifyService(ctx context.Context, service string, rows int64) error {
	found, err := d.plumb.verify(ctx, service, keyFile)
	if err != nil {
		return err
	}
	var byStatus, causes []string
	for _, status := range []string{"PRESENT", "NULL", "NOT_FOUND", "EXPIRED", "INVALID"} {
		var count int64
		for _, target := range found.Targets {
			for _, feature := range target.Features {
				count += feature.Statuses[status]
			}
		}
		byStatus = append(byStatus, fmt.Sprintf("%s %d", status, count))
	}
	for _, each := range found.Causes {
		causes = append(causes, fmt.Sprintf("%s %d", each.Cause, each.Count))
	}
	d.say("   %s: materialized in %d windows; of %d values %d equal (%s), %d different", service, found.Totals.Windows,
		found.Totals.Values, found.Totals.Matches, strings.Join(byStatus, ", "), found.Totals.Mismatches)
	switch {
	case found.Outcome != "passed":
		return fmt.Errorf("served values differ from the training set's: the verification %s, by cause: %s", found.Outcome,
			strings.Join(causes, ", "))
	case found.Totals.LabelRows != rows || found.Totals.Matches == 0 || found.Totals.Matches != found.Totals.Values:
		return fmt.Errorf("plumb verify compared %d of %d label rows, and found %d of %d values equal",
			found.Totals.LabelRows, rows, found.Totals.Matches, found.Totals.Values)
	}
	return nil
}
