package main

import (
	"context"
	"fmt"
	"strings"
)

// train is the first act: from definitions to a training set.
func (d *demo) train(ctx context.Context) error {
	if err := d.step("Apply the definitions: plumb apply", func() error { return d.apply(ctx) }); err != nil {
		return err
	}
	if err := d.step("Label every flight (a query of the user's own)", func() error { return d.label(ctx) }); err != nil {
		return err
	}
	title := "Build the training set: plumb historical --service delay_model --statuses"
	if err := d.step(title, func() error { return d.historical(ctx) }); err != nil {
		return err
	}
	return d.step("Look at some of it", func() error { return d.sample(ctx) })
}

func (d *demo) apply(ctx context.Context) error {
	var applied struct {
		Revision int64    `json:"revision"`
		Changes  []change `json:"changes"`
	}
	if err := d.plumb.run(ctx, &applied, "apply"); err != nil {
		return err
	}
	for _, kind := range []string{"entity", "source", "view", "service"} {
		var names []string
		for _, change := range applied.Changes {
			if change.Kind == kind {
				names = append(names, change.Name)
			}
		}
		d.say("   %-8s %s", kind, strings.Join(names, ", "))
	}
	d.say("   revision %d", applied.Revision)
	return nil
}

func (d *demo) label(ctx context.Context) error {
	rows, late, err := d.flights.writeLabels(ctx)
	if err != nil {
		return err
	}
	d.say("   %s: %d flights, %d of them late; the label time is the scheduled departure", labelFile, rows, late)
	return nil
}

func (d *demo) historical(ctx context.Context) error {
	report, err := d.plumb.historical(ctx, labelFile, trainingFile)
	if err != nil {
		return err
	}
	for _, view := range report.Views {
		share := 100 * float64(view.Matched) / float64(report.Rows)
		d.say("   %-15s known for %6.2f%% of the flights", view.Alias, share)
	}
	if want := d.flights.count; report.Rows != want {
		return fmt.Errorf("the training set has %d rows for %d flights", report.Rows, want)
	}
	d.say("   %s: %d rows, one for each flight", trainingFile, report.Rows)
	return nil
}

func (d *demo) sample(ctx context.Context) error {
	rows, err := d.flights.sample(ctx)
	if err != nil {
		return err
	}
	d.table(rows)
	d.say("   Times are UTC. A dash is null: no arrival to judge by, no gust, no such plane, no weather observed.")
	return nil
}
