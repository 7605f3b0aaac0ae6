package flight_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/grpc/codes"

	"github.com/plumbstore/plumb/internal/server"
)

func TestTheQueueTakesSoManyAndRefusesTheRest(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue = 2, 1 })
	want, _, err := r.join(r.request, labels(0, 100))
	ok(t, err)
	entered, release := r.engine.hold()
	var admitted []call
	for range 2 { // Both hold a slot at the same time.
		c := r.exchange(r.request)
		c.send(labels(0, 100))
		admitted = append(admitted, c)
		<-entered
	}
	scratch := make(chan string, 1)
	r.engine.onScratch = func(folder string) { scratch <- folder }
	third := r.exchange(r.request)
	third.send(labels(0, 100))
	admitted = append(admitted, third)
	<-scratch // It is in the queue.

	full := "the server takes no more joins: 2 run and 1 wait; try again later, or raise serving.flight_jobs or " +
		"serving.flight_queue there"
	_, _, err = r.join(r.request, labels(0, 100))
	expect(t, err, "ResourceExhausted", full)
	_, _, err = r.get(map[string]string{"featureService": "delay_model", "labelsFile": "data/labels.parquet"})
	expect(t, err, "ResourceExhausted", full)

	release()
	for _, c := range admitted {
		got, _, err := read(c.stream)
		ok(t, err)
		equal(t, want, got)
	}
	_, _, err = r.join(r.request, labels(0, 100))
	ok(t, err)
}

func TestWithoutAQueueACallBeyondTheJobsIsRefused(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue = 1, -1 })
	entered, release := r.engine.hold()
	c := r.exchange(r.request)
	c.send(labels(0, 100))
	<-entered
	_, _, err := r.join(r.request, labels(0, 100))
	expect(t, err, "ResourceExhausted", "the server takes no more joins: 1 run and 0 wait; try again later, or raise "+
		"serving.flight_jobs or serving.flight_queue there")
	release()
	_, _, err = read(c.stream)
	ok(t, err)
}

func TestAClientThatGoesAwayLeavesNothingBehind(t *testing.T) {
	for name, goAway := range map[string]func(t *testing.T, r *running) call{
		"while it sends": func(t *testing.T, r *running) call {
			scratch := make(chan string, 1)
			r.engine.onScratch = func(folder string) { scratch <- folder }
			c := r.exchange(r.request)
			ok(t, flight.NewRecordWriter(c.stream, ipc.WithSchema(labelSchema)).Write(labels(0, 100)))
			<-scratch
			return c
		},
		"while it waits": func(t *testing.T, r *running) call {
			entered, release := r.engine.hold()
			t.Cleanup(release)
			holder := r.exchange(r.with("progress", true))
			holder.send(labels(0, 100))
			<-entered
			c := r.exchange(r.with("progress", true))
			c.send(labels(0, 100))
			if step := progressOf(t, c.stream); step != "waiting for another join" {
				t.Errorf("it is %s", step)
			}
			return c
		},
		"while its result is on the way": func(t *testing.T, r *running) call {
			c := r.exchange(r.request)
			c.send(labels(0, 300_000))
			must(c.stream.Recv())(t)
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			ticks := make(chan time.Time)
			close(ticks)
			r := start(t, func(c *server.Config) { c.Joins.Jobs = 1; c.JoinTicks = ticks })
			removed := make(chan struct{}, 10)
			r.engine.onRemoved = func() { removed <- struct{}{} }
			c := goAway(t, r)
			c.cancel()
			<-removed
		})
	}
}

func TestAClientThatGoesAwayStopsItsQuery(t *testing.T) {
	r := start(t)
	planned, ended := make(chan context.Context, 1), make(chan error, 1)
	r.engine.onPlan = func(ctx context.Context) { planned <- ctx }
	r.engine.onEnd = func(err error) { ended <- err }
	removed := make(chan struct{}, 1)
	r.engine.onRemoved = func() { removed <- struct{}{} }
	c := r.exchange(r.request)
	c.send(labels(0, 300_000))
	ctx := <-planned
	c.cancel()
	<-ctx.Done()
	select {
	case err := <-ended: // It had not ended when its client went.
		if !errors.Is(err, context.Canceled) && statusOf(err).Code() != codes.Canceled {
			t.Errorf("the query ended with %v", err)
		}
	case <-removed: // It had not begun.
	}
}

func TestAClientThatDoesNotReadHoldsItsJoinBack(t *testing.T) {
	r := start(t)
	ended := make(chan error, 2)
	r.engine.onEnd = func(err error) { ended <- err }
	stalled := r.exchange(r.request)
	stalled.send(labels(0, 300_000))
	must(stalled.stream.Recv())(t) // Its rows have begun.

	other := r.dial(r.server.Address()) // A stalled call has a window of its own, and this one its own connection.
	mine := r.client
	r.client = other
	_, report, err := r.join(r.request, labels(0, 300_000))
	r.client = mine
	ok(t, err)
	if report.GetRows() != 300_000 {
		t.Errorf("the other join has %d rows", report.GetRows())
	}
	ok(t, <-ended)
	select {
	case err := <-ended:
		t.Fatalf("the join whose client does not read ended with %v", err)
	default: // A later one of the same size has ended, this one has not.
	}
	rows := int64(0)
	for {
		if _, err := stalled.stream.Recv(); err != nil {
			break
		}
		rows++
	}
	ok(t, <-ended)
	if rows < 2 {
		t.Errorf("%d more messages came", rows)
	}
}

func TestTheDrainLetsJoinsFinish(t *testing.T) {
	r := start(t)
	entered, release := r.engine.hold()
	c := r.exchange(r.request)
	c.send(labels(0, 100))
	<-entered
	r.stop()
	release()
	_, report, err := read(c.stream)
	ok(t, err)
	if report.GetRows() != 100 {
		t.Errorf("it reports %v", report)
	}
	<-r.ended
}

func TestTheDrainCutsJoinsOffThatDoNot(t *testing.T) {
	r := start(t, func(c *server.Config) { c.DrainTimeout = 10 * time.Millisecond })
	entered, release := r.engine.hold()
	defer release()
	c := r.exchange(r.request)
	c.send(labels(0, 100))
	<-entered
	r.stop()
	if _, _, err := read(c.stream); err == nil {
		t.Errorf("the join that was cut off succeeded")
	}
	<-r.ended
}
