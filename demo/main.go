// Demo runs Plumb's main job on a year of real flights, as a user would, with the built binary: apply the definitions,
// build a training set, materialize, serve, look up, and let plumb verify compare what is served with what training
// sees, bit for bit.
//
//	go run ./demo bin/plumb testdata/nycflights
//
// It works on a copy of the project in a temporary folder and leaves nothing behind. It exits with 1 if anything fails
// or differs.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: demo PLUMB_BINARY PROJECT_DIR")
		os.Exit(3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1], os.Args[2])
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, binary, project string) (err error) {
	dir, err := os.MkdirTemp("", "plumb-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, os.DirFS(project)); err != nil {
		return fmt.Errorf("copy the project %s: %w", project, err)
	}
	if binary, err = filepath.Abs(binary); err != nil {
		return err
	}
	flights, err := openFlights(ctx, dir)
	if err != nil {
		return err
	}
	defer flights.Close()
	d := &demo{out: out, plumb: newPlumb(binary, dir), flights: flights}
	return d.tell(ctx)
}

// demo is the story: each step prints what it does, what came of it, and how long that took.
type demo struct {
	out     io.Writer
	plumb   *plumb
	flights *flights
	steps   int
}

// The instants at which what is served is compared with what training sees: a busy noon in New York; the small hours,
// when the past hour's departures have expired; and an evening whose weather observations are missing.
var (
	noon     = time.Date(2013, 7, 4, 16, 0, 0, 0, time.UTC)
	night    = time.Date(2013, 7, 5, 7, 30, 0, 0, time.UTC)
	noReport = time.Date(2013, 10, 26, 2, 30, 0, 0, time.UTC)
)

func (d *demo) tell(ctx context.Context) error {
	started := clock()
	d.say("Will a flight from New York arrive more than 15 minutes late? Plumb on all 336,776 departures of 2013.")
	for _, act := range []func(context.Context) error{d.train, d.serve} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	d.say("\nWhat is served equals what training sees at the same instant. %.1f s in all.",
		clock().Sub(started).Seconds())
	return nil
}

// step prints a numbered title, does the work, and prints how long that took.
func (d *demo) step(title string, work func() error) error {
	d.steps++
	d.say("\n%d. %s", d.steps, title)
	started := clock()
	err := work()
	if err == nil {
		d.say("   %.2f s", clock().Sub(started).Seconds())
	}
	return err
}

func (d *demo) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

func clock() time.Time {
	return time.Now() //nolint:forbidigo // The demo shows how long things really take.
}
