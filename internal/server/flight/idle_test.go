package flight_test

import (
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/internal/server"
)

// shortIdle is what a client may idle for in a test of one that does. A busy machine that works with the race detector
// takes less for what does not idle.
const shortIdle = 2 * time.Second

const (
	sentNothing = "the client sent nothing for 2s, so the call was ended; go on sooner, or raise serving.flight_idle " +
		"on the server"
	tookNothing = "the client took nothing of the answer for 2s, so the call was ended; go on sooner, or raise " +
		"serving.flight_idle on the server"
)

func TestAClientThatStallsWhileItSendsLosesItsCall(t *testing.T) {
	for name, begin := range map[string]func(*testing.T, *running) receiver{
		"nothing at all": func(t *testing.T, r *running) receiver {
			return must(r.client.DoExchange(t.Context()))(t)
		},
		"the command alone": func(_ *testing.T, r *running) receiver {
			return r.exchange(r.request).stream
		},
		"some label rows": func(t *testing.T, r *running) receiver {
			c := r.exchange(r.request)
			ok(t, flight.NewRecordWriter(c.stream, ipc.WithSchema(labelSchema)).Write(labels(0, 100)))
			return c.stream
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue, c.Joins.Idle = 1, -1, shortIdle })
			_, err := begin(t, r).Recv()
			expect(t, err, "DeadlineExceeded", sentNothing)
			r.write("data/labels.arrow", labels(0, 100))
			_, _, err = r.get(r.with("labelsFile", "data/labels.arrow"))
			ok(t, err) // Its place is free, though there is but one.
		})
	}
}

func TestAClientThatStopsReadingLosesItsCall(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue, c.Joins.Idle = 1, -1, shortIdle })
	removed := make(chan struct{}, 1)
	ended := make(chan error, 1)
	r.engine.onRemoved = func() { removed <- struct{}{} }
	r.engine.onEnd = func(err error) { ended <- err }
	c := r.exchange(r.request)
	c.send(labels(0, 300_000))
	if err := <-ended; err == nil || err.Error() != tookNothing {
		t.Errorf("the join ended with %v", err)
	}
	<-removed
	r.engine.onEnd, r.engine.onRemoved = nil, nil
	_, _, err := read(c.stream) // What was on the way arrives, and then the reason.
	expect(t, err, "DeadlineExceeded", tookNothing)
	r.write("data/labels.arrow", labels(0, 100))
	_, _, err = r.get(r.with("labelsFile", "data/labels.arrow"))
	ok(t, err)
}

func TestAClientThatWaitsForTheServerDoesNotIdle(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Idle = 1, shortIdle })
	entered, release := r.engine.hold()
	holder := r.exchange(r.request)
	holder.send(labels(0, 100))
	<-entered
	stalled := r.exchange(r.request) // It stalls for as long as the others wait: longer than one may idle.
	_, err := stalled.stream.Recv()
	expect(t, err, "DeadlineExceeded", sentNothing)
	release()
	_, _, err = read(holder.stream)
	ok(t, err)
}

func TestAClientThatSendsHoldsNoSlot(t *testing.T) {
	r := start(t, func(c *server.Config) { c.Joins.Jobs, c.Joins.Queue = 1, 1 })
	scratch := make(chan string, 2)
	r.engine.onScratch = func(folder string) { scratch <- folder }
	slow := r.exchange(r.request)
	writer := flight.NewRecordWriter(slow.stream, ipc.WithSchema(labelSchema))
	ok(t, writer.Write(labels(0, 100)))
	<-scratch
	_, _, err := r.join(r.request, labels(0, 100))
	ok(t, err)
	ok(t, writer.Write(labels(100, 200)))
	ok(t, slow.stream.CloseSend())
	_, report, err := read(slow.stream)
	ok(t, err)
	if report.GetRows() != 200 {
		t.Errorf("the one that sent slowly has %v", report)
	}
}
