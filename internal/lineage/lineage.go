// Package lineage reports to other systems which data was made of which, in the events of OpenLineage
// (https://openlineage.io): for each join and each materialization of a view a START, and a COMPLETE, FAIL or ABORT.
//
// Events must not interfere with the work that they describe. They are delivered in the background. Closing the
// recorder waits for a bounded time, and reports the number of events that could not be delivered. Nothing fails
// because of them.
//
// A recorder of nil is valid and records nothing.
//
// A receiver joins the events of many tools by the names of datasets, so these are what other tools would call the same
// data: a file is its absolute path in the namespace "file", an online table is PROJECT.VIEW at the address of the
// store. What exists in Plumb alone, a SQL source or label rows that a caller sent, is named in the namespace
// plumb://PROJECT.
//
// The START has what is known before the work: the sources and their columns. The last event has all of that again,
// with the versions of what was read and the number of rows that were written.
package lineage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Config configures what is recorded, and its destination. All fields but Instance are required.
type Config struct {
	Sink Sink
	// Project is the namespace of all jobs, Folder the absolute folder that paths are relative to.
	Project, Folder string
	// Store is the address of the online store, as a URL without secrets.
	Store string
	// Version is that of the product.
	Version string
	Now     func() time.Time
	// Instance distinguishes runs that different processes begin in the same microsecond, such as a host and a process id.
	Instance string
	// Patience is how long Close waits for what has not been delivered.
	Patience time.Duration
}

// Sink takes events. Deliver is called by one goroutine.
type Sink interface {
	// Deliver hands one event over, as a line of JSON without its end.
	Deliver(ctx context.Context, event []byte) error
	// String names the sink, without secrets.
	String() string
}

// Recorder records runs. Its owner closes it. It is safe for concurrent use until then.
type Recorder struct {
	config Config
	queue  chan []byte
	cancel context.CancelFunc
	done   chan struct{}

	// total and lost count events. They, and why the first was lost, belong to the goroutine that delivers until done.
	total, lost int64
	failure     error
	// dropped counts the events that found the queue full.
	dropped atomic.Int64
}

var errNoAnswer = errors.New("no answer in time")

// queued is how many events may wait. A run has few events, so the limit is reached only if a sink hangs.
const queued = 10_000

// New returns a recorder that delivers in the background until it is closed.
func New(config Config) *Recorder {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{config: config, queue: make(chan []byte, queued), cancel: cancel, done: make(chan struct{})}
	go r.deliver(ctx)
	return r
}

// deliver continues after a failure: the next event may be the one that says how the run ended.
func (r *Recorder) deliver(ctx context.Context) {
	defer close(r.done)
	for event := range r.queue {
		r.total++
		err := r.config.Sink.Deliver(ctx, event)
		if err == nil {
			continue
		}
		if ctx.Err() != nil { // Close has waited long enough.
			err = errNoAnswer
		}
		if r.lost++; r.failure == nil {
			r.failure = err
		}
	}
}

// Close waits for what has not been delivered, within the configured time. Its error says how many events were lost,
// and why the first was.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	close(r.queue)
	timer := time.NewTimer(r.config.Patience)
	defer timer.Stop()
	defer r.cancel()
	select {
	case <-r.done:
	case <-timer.C:
		r.cancel()
		<-r.done
	}
	dropped := r.dropped.Load()
	if r.lost+dropped == 0 {
		return nil
	}
	return fmt.Errorf("lineage: %d of %d events did not reach %s: %w", r.lost+dropped, r.total+dropped, r.config.Sink,
		r.failure)
}

// run is one run of a job, from its START on.
type run struct {
	recorder *Recorder
	id       string
	job      job
}

func (r *Recorder) start(name, description string, inputs, outputs []dataset) run {
	started := r.config.Now()
	begun := run{recorder: r, id: r.runID(name, started), job: r.job(name, description)}
	begun.emit("START", started, nil, inputs, outputs)
	return begun
}

// end records how the run ended: ABORT if it was interrupted, FAIL with the error. A run whose context is done was
// interrupted, whatever error came of that.
func (b *run) end(ctx context.Context, failure error, inputs, outputs []dataset) {
	now := b.recorder.config.Now()
	switch {
	case failure == nil:
		b.emit("COMPLETE", now, nil, inputs, outputs)
	case ctx.Err() != nil:
		b.emit("ABORT", now, failure, inputs, outputs)
	default:
		b.emit("FAIL", now, failure, inputs, outputs)
	}
}

// emit queues one event. If the queue is full the event is dropped and counted: the work does not wait.
func (b *run) emit(kind string, at time.Time, failure error, inputs, outputs []dataset) {
	r := b.recorder
	line, err := json.Marshal(event{
		Type: kind, Time: at.UTC().Format("2006-01-02T15:04:05.000000Z"), Run: r.runOf(b.id, failure), Job: b.job,
		Inputs: list(inputs), Outputs: list(outputs), Producer: producer, SchemaURL: eventSchema,
	})
	if err != nil { // Events are made of texts and numbers alone.
		line = []byte("{}")
	}
	select {
	case r.queue <- line:
	default:
		r.dropped.Add(1)
	}
}
