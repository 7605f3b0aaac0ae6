package auditlog_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/audit/auditlog"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// recording is a recorder that runs.
type recording struct {
	*auditlog.Recorder

	t     *testing.T
	ticks chan time.Time
	log   bytes.Buffer
	stop  context.CancelFunc
	ended chan struct{}
}

// record runs a recorder of all entities until the test ends, or end is called.
func record(t *testing.T, folder string, edit func(*auditlog.RecorderConfig)) *recording {
	t.Helper()
	r := &recording{t: t, ticks: make(chan time.Time), ended: make(chan struct{})}
	config := auditlog.RecorderConfig{
		Writer:  auditlog.Config{Folder: folder, Project: "test", Now: at.Time},
		Product: "v1", Rate: 1, Logger: slog.New(slog.NewTextHandler(&r.log, nil)),
	}
	if edit != nil {
		edit(&config)
	}
	var err error
	if r.Recorder, err = auditlog.NewRecorder(config); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	go func() { defer close(r.ended); r.Run(ctx, r.ticks) }()
	t.Cleanup(r.end)
	return r
}

func (r *recording) end() {
	r.stop()
	<-r.ended
}

// tick has what was offered written.
func (r *recording) tick() {
	r.ticks <- at.Time()
	r.ticks <- at.Time() // It takes the second once it is done with the first.
}

// offer offers an entry as a server does: its answer in bytes.
func (r *recording) offer(entry *auditlog.Entry) {
	r.t.Helper()
	reply, err := proto.Marshal(&plumbv1.GetOnlineFeaturesResponse{Columns: entry.Columns})
	if err != nil {
		r.t.Fatal(err)
	}
	entry.Columns = nil
	r.Offer(entry, reply)
}

func (r *recording) expect(want auditlog.Counts) {
	r.t.Helper()
	got := r.Counts()
	got.Bytes, got.QueuedBytes = 0, 0
	if diff := cmp.Diff(want, got); diff != "" {
		r.t.Error(diff)
	}
}

func TestWhatIsOfferedIsWrittenInTheBackgroundAndAtTheEnd(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, r := newWorld(t, view), record(t, folder, nil)
	layout := r.Layout(selected, selectAll(view))
	r.offer(w.look(t, layout, []any{"a", int64(1)}, []any{"a", int64(2)}))
	r.expect(auditlog.Counts{Queued: 1})
	r.tick()
	r.expect(auditlog.Counts{Logged: 2, Files: 1})
	r.offer(w.look(t, layout, []any{"a", int64(3)}))
	r.end()
	r.expect(auditlog.Counts{Logged: 3, Files: 2})
	if read := readAll(t, folder); read.count != 3 {
		t.Errorf("%d rows are there", read.count)
	}
}

func TestWhatFindsTheQueueFullIsDroppedAndCounted(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w := newWorld(t, view)
	r := record(t, folder, func(c *auditlog.RecorderConfig) { c.MaxQueued = 3000 })
	layout := r.Layout(selected, selectAll(view))
	for range 20 {
		r.offer(w.look(t, layout, []any{"a", int64(1)}))
	}
	full := r.Counts()
	if full.Queued == 0 || full.Dropped == 0 || full.Queued+full.Dropped != 20 || full.QueuedBytes > 3000 {
		t.Fatalf("got %+v", full)
	}
	r.tick()
	r.offer(w.look(t, layout, []any{"a", int64(1)}))
	r.end()
	r.expect(auditlog.Counts{Logged: full.Queued + 1, Dropped: full.Dropped, Files: 2})
}

func TestLookUpsGoOnWhileTheLogCannotBeWritten(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w, r := newWorld(t, view), record(t, folder, nil)
	layout := r.Layout(selected, selectAll(view))
	obstacle := filepath.Join(folder, "test", "2026-03-01")
	if err := os.WriteFile(obstacle, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		r.offer(w.look(t, layout, []any{"a", int64(1)}))
		r.tick()
	}
	r.tick()
	r.expect(auditlog.Counts{Failed: 3})
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	r.offer(w.look(t, layout, []any{"a", int64(1)}))
	r.tick()
	r.Offer(w.look(t, layout, []any{"a", int64(1)}), []byte{0xff})
	r.end()
	r.expect(auditlog.Counts{Failed: 4, Logged: 1, Files: 1})
	for message, want := range map[string]int{"cannot be written": 2, "is written again": 1} {
		if got := strings.Count(r.log.String(), message); got != want {
			t.Errorf("%q is logged %d times, want %d: %s", message, got, want, r.log.String())
		}
	}
}

func TestWithoutAKeyWhatIsSensitiveIsWithheld(t *testing.T) {
	view, folder := newView(), t.TempDir()
	view.Features[3].Sensitive = true
	r := record(t, folder, nil)
	if layout := r.Layout(selected, selectAll(view)); layout != nil {
		t.Fatal("it is laid out")
	}
	r.Withhold(2)
	r.end()
	r.expect(auditlog.Counts{Withheld: 2})
	if !strings.Contains(r.log.String(), `feature \"everything:float32\"; set serving.audit.hash_key`) {
		t.Errorf("the log is %s", r.log.String())
	}
}

// Every row is logged, dropped or still there, however many offer at a time.
func TestNoRowIsLostUncounted(t *testing.T) {
	view, folder := newView(), t.TempDir()
	w := newWorld(t, view)
	r := record(t, folder, func(c *auditlog.RecorderConfig) { c.MaxQueued = 50_000; c.Writer.MaxBytes = 20_000 })
	layout := r.Layout(selected, selectAll(view))
	whole := w.look(t, layout, []any{"a", int64(1)})
	reply, err := proto.Marshal(&plumbv1.GetOnlineFeaturesResponse{Columns: whole.Columns})
	if err != nil {
		t.Fatal(err)
	}
	var offering sync.WaitGroup
	for range 4 {
		offering.Go(func() {
			for range 500 {
				entry := *whole
				r.Offer(&entry, reply)
			}
		})
	}
	for range 20 {
		r.tick()
	}
	offering.Wait()
	r.end()
	got := r.Counts()
	if got.Logged+got.Dropped != 2000 || got.Failed != 0 || got.Queued != 0 || got.QueuedBytes != 0 {
		t.Errorf("got %+v", got)
	}
	if read := readAll(t, folder); read.count != got.Logged {
		t.Errorf("%d rows are there, %d were counted", read.count, got.Logged)
	}
}

// BenchmarkOffer is what a look-up pays.
func BenchmarkOffer(b *testing.B) {
	for _, rate := range []float64{0.01, 1} {
		b.Run(fmt.Sprint("rate ", rate), func(b *testing.B) {
			entry := fifty(b, 1)
			reply, err := proto.Marshal(&plumbv1.GetOnlineFeaturesResponse{Columns: entry.Columns})
			if err != nil {
				b.Fatal(err)
			}
			r, err := auditlog.NewRecorder(auditlog.RecorderConfig{
				Writer: auditlog.Config{Folder: b.TempDir(), Project: "test", Now: at.Time}, Rate: rate, Logger: slog.Default(),
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if rows := r.Sample(entry.Layout, entry.Keys, 1); rows != nil {
					r.Offer(&auditlog.Entry{Layout: entry.Layout, Keys: entry.Keys, Rows: rows, Count: 1}, bytes.Clone(reply))
				}
			}
		})
	}
}
