package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// service is what is served, and services are those that are verified: also one with windows over events, and two whose
// features are computed when they are asked for.
const service = "delay_model"

var services = []string{service, "delay_model_windows", "departures", "flights"}

// serve is the second act: from the training set's definitions to the same values online, and the proof that they are.
func (d *demo) serve(ctx context.Context) (err error) {
	title := "Bring the features online: plumb materialize --to " + noon.Format(time.RFC3339)
	if err := d.step(title, func() error { return d.materialize(ctx, noon) }); err != nil {
		return err
	}
	var server *server
	err = d.step("Serve them over gRPC: plumb serve", func() error {
		if server, err = d.plumb.serve(ctx); err == nil {
			d.say("   ready on %s", server.address)
		}
		return err
	})
	if err != nil {
		return err
	}
	title = fmt.Sprintf("Look up the next departures at %s", noon.Format(time.RFC3339))
	if err := d.step(title, func() error { return d.show(ctx, server, noon) }); err != nil {
		return errors.Join(err, server.stop())
	}
	err = d.step("Stop the server: SIGTERM", func() error {
		err := server.stop()
		if err == nil {
			d.say("   drained, exit code 0")
		}
		return err
	})
	if err != nil {
		return err
	}
	title = "Compare what is served with what training sees: plumb verify --service delay_model --labels " + keyFile +
		", and for the services with windows and computed features"
	return d.step(title, func() error { return d.verify(ctx) })
}

func (d *demo) materialize(ctx context.Context, to time.Time) error {
	views, err := d.plumb.materialize(ctx, to)
	if err != nil {
		return err
	}
	for _, view := range views {
		from := "the beginning"
		if view.Start != nil {
			from = *view.Start
		}
		d.say("   %-15s %6d rows since %s, %5d entities written", view.View, view.Read, from, view.Written)
	}
	return nil
}

// show prints what is served for a few flights.
func (d *demo) show(ctx context.Context, server *server, at time.Time) error {
	keys, err := d.flights.departures(ctx, at, 5)
	if err != nil {
		return err
	}
	reply, err := server.online(ctx, keys, at)
	if err != nil {
		return err
	}
	heading := []string{"feature"}
	for _, k := range keys {
		heading = append(heading, fmt.Sprintf("%s>%s %s", *k.origin, *k.dest, orNone(k.tailnum)))
	}
	rows := [][]string{heading}
	for _, column := range reply.GetColumns() {
		row := []string{column.GetName()}
		for i := range keys {
			text, err := textAt(column, i)
			if err != nil {
				return err
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	d.table(rows)
	return nil
}

func orNone(word *string) string {
	if word == nil {
		return "-"
	}
	return *word
}

// table prints rows in aligned columns.
func (d *demo) table(rows [][]string) {
	writer := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(writer, "   %s\n", strings.Join(row, "\t"))
	}
	_ = writer.Flush() // The story goes to a terminal; a broken one ends it anyhow.
}
