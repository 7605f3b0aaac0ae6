package flight

import (
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/encoding/protojson"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// messageBytes is what a message of the result should not exceed, so that clients with gRPC's usual bound of 4 MiB can
// read it. A single row may.
const messageBytes = 2 << 20

// answer sends what a call gets back. Until the first rows progress goes out as messages of its own, from then on with
// the rows, and the report with an empty batch: readers that take all rows at once end at a message that has no Arrow
// data, as if there were no more, or fail.
type answer struct {
	stream   flight.DataStreamWriter
	ticks    <-chan time.Time
	most     int
	progress bool

	// mu makes one message follow the other.
	mu     sync.Mutex
	writer *flight.Writer
	schema *arrow.Schema
	sent   int64
	// failed is set once a message of progress did not go out; the stream is over then.
	failed bool

	// latestMu is apart, so that the engine never waits for the client to tell its progress.
	latestMu sync.Mutex
	latest   offline.Progress
	// told is the progress that was sent last.
	told offline.Progress
}

func (s *Service) answer(stream flight.DataStreamWriter, request *plumbv1.HistoricalRequest) *answer {
	return &answer{stream: stream, ticks: s.config.Ticks, most: s.config.MaxMessage, progress: request.GetProgress()}
}

// reached takes the progress up. It is what offline.JoinRequest.Progress calls, and returns at once.
func (a *answer) reached(progress offline.Progress) {
	a.latestMu.Lock()
	defer a.latestMu.Unlock()
	a.latest = progress
}

// tell sends the progress at each tick, if it is asked for, until the function that it returns is called.
func (a *answer) tell() (stop func()) {
	if !a.progress {
		return func() {}
	}
	ticks, stopTicks := a.ticks, func() {}
	if ticks == nil {
		ticker := time.NewTicker(tickInterval)
		ticks, stopTicks = ticker.C, ticker.Stop
	}
	done := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			a.sendProgress()
			select {
			case <-done:
				return
			case <-ticks:
			}
		}
	})
	return func() { close(done); wait.Wait(); stopTicks() }
}

// sendProgress sends a message without rows, while none with rows has gone out.
func (a *answer) sendProgress() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.writer != nil || a.failed {
		return
	}
	if metadata := a.metadata(true); metadata != nil {
		a.failed = a.stream.Send(&flight.FlightData{AppMetadata: metadata}) != nil
	}
}

// metadata is the latest progress; nil if it is not asked for, if nothing has happened yet, or if all of it was sent
// and need not be sent again.
func (a *answer) metadata(again bool) []byte {
	a.latestMu.Lock()
	defer a.latestMu.Unlock()
	if !a.progress || a.latest.Step == "" || a.latest == a.told && !again {
		return nil
	}
	a.told = a.latest
	return marshal(&plumbv1.HistoricalUpdate{Update: &plumbv1.HistoricalUpdate_Progress{
		Progress: &plumbv1.HistoricalProgress{Step: a.latest.Step, Rows: a.latest.Rows, Total: a.latest.Total},
	}})
}

// rows sends a batch, in messages of a size that clients take.
func (a *answer) rows(batch arrow.RecordBatch) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.writer == nil {
		a.schema = batch.Schema()
		a.writer = flight.NewRecordWriter(a.stream, ipc.WithSchema(a.schema))
	}
	return a.split(batch)
}

// split sends a batch, or else its halves. How much a row takes is not known before it is encoded, and a half is a
// slice that copies nothing.
func (a *answer) split(batch arrow.RecordBatch) error {
	rows := batch.NumRows()
	size, err := encodedSize(batch)
	if err != nil {
		return fmt.Errorf("encode a batch: %w", err)
	}
	if size <= messageBytes || rows <= 1 {
		return a.send(batch, size)
	}
	for _, half := range [][2]int64{{0, rows / 2}, {rows / 2, rows}} {
		part := batch.NewSlice(half[0], half[1])
		err := a.split(part)
		part.Release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (a *answer) send(batch arrow.RecordBatch, size int) error {
	if size > a.most {
		return &LimitError{fmt.Sprintf("row %d of the result takes %d MiB, more than the %d MiB that a message may have; "+
			"ask for fewer features, or write the result to a file with plumb historical", a.sent+1, size>>20, a.most>>20)}
	}
	if err := a.writer.WriteWithAppMetadata(batch, a.metadata(false)); err != nil {
		return err
	}
	a.sent += batch.NumRows()
	return nil
}

// encodedSize is the length of a batch's body in a message. Nothing is copied for it.
func encodedSize(batch arrow.RecordBatch) (int, error) {
	payload, err := ipc.GetRecordBatchPayload(batch)
	if err != nil {
		return 0, err
	}
	defer payload.Release()
	var size counter
	err = payload.SerializeBody(&size)
	return int(size), err
}

// counter counts what is written to it.
type counter int

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// report sends the last message. A result without rows has had its schema, too, so there is one.
func (a *answer) report(report offline.JoinReport, took time.Duration, manifest string) error {
	if len(manifest) > a.most {
		return &LimitError{fmt.Sprintf("the manifest of the result takes %d MiB, more than the %d MiB that a message may "+
			"have; ask for fewer features, or write the result to a file with plumb historical", len(manifest)>>20, a.most>>20)}
	}
	last := &plumbv1.HistoricalReport{Rows: report.Rows, Seconds: took.Seconds(), Manifest: manifest}
	for _, view := range report.Views {
		last.Views = append(last.Views, &plumbv1.HistoricalView{
			Alias: view.Alias, Matched: view.Matched, NullKeys: view.NullKeys, NullTimes: view.NullTimes,
		})
	}
	for _, view := range report.Computed {
		for _, invalid := range view.Invalid {
			last.Invalid = append(last.Invalid, &plumbv1.InvalidValues{Alias: view.Alias, Feature: invalid.Feature,
				Rows: invalid.Rows})
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	empty := array.NewRecordBuilder(memory.DefaultAllocator, a.schema)
	defer empty.Release()
	return a.writer.WriteWithAppMetadata(empty.NewRecordBatch(), marshal(&plumbv1.HistoricalUpdate{
		Update: &plumbv1.HistoricalUpdate_Report{Report: last},
	}))
}

// marshal is the JSON of an update. It fails on text that is no UTF-8 alone, which names are.
func marshal(update *plumbv1.HistoricalUpdate) []byte {
	text, err := protojson.Marshal(update)
	if err != nil {
		return nil
	}
	return text
}
