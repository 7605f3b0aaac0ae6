package auditlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// RecorderConfig says what is logged and how. Writer and Logger are required.
type RecorderConfig struct {
	Writer Config
	// Product is the version of Plumb.
	Product string
	// Rate is the share of entities that are logged, from 0 to 1.
	Rate float64
	// Hasher hashes sensitive values. It is nil if no key is configured.
	Hasher *Hasher
	// MaxQueued bounds the bytes of answers that wait to be written: 64 MB if 0. Those beyond it are dropped.
	MaxQueued int64
	Logger    *slog.Logger
}

// Recorder takes answers from look-ups without holding them up, and writes them in the background. Offer and Sample are
// safe for concurrent use; Run is called once.
type Recorder struct {
	config  RecorderConfig
	sampler Sampler
	writer  *Writer
	// turn counts look-ups without keys.
	turn atomic.Uint64

	mu sync.Mutex
	// queued wait to be written; they have queuedBytes.
	queued      []offer
	queuedBytes int64

	logged, dropped, failed, withheld, files, bytes atomic.Int64
	// failing says that writing failed, when filesBefore had been finished, and not succeeded since.
	failing     bool
	filesBefore int64
}

// offer is an entry whose answer has not been decoded. The bytes of the answer were made for the client anyway, so to
// offer it costs a look-up an append under a lock; decoding and encoding are left to Run.
type offer struct {
	entry *Entry
	reply []byte
}

// size is the memory that it takes, roughly.
func (o offer) size() int64 {
	const stored, row = 40, 4
	return int64(len(o.reply) + stored*len(o.entry.Stored) + row*len(o.entry.Rows))
}

// decode makes the columns of the reply.
func (o offer) decode() error {
	var reply plumbv1.GetOnlineFeaturesResponse
	if err := proto.Unmarshal(o.reply, &reply); err != nil {
		return fmt.Errorf("read an answer for the audit log: %w", err)
	}
	o.entry.Columns = reply.GetColumns()
	return nil
}

// Counts are what a recorder did so far.
type Counts struct {
	// Logged counts the rows in finished files, Dropped those that found the queue full, Failed those that could not be
	// written, Withheld those of selections with sensitive columns without a key to hash them with.
	Logged, Dropped, Failed, Withheld int64
	// Files and Bytes are those of finished files.
	Files, Bytes int64
	// Queued is how many look-ups wait, and QueuedBytes their size.
	Queued, QueuedBytes int64
}

// NewRecorder fails if the folder cannot be written to. The caller calls Run.
func NewRecorder(config RecorderConfig) (*Recorder, error) {
	const defaultQueue = 64 << 20
	if config.MaxQueued == 0 {
		config.MaxQueued = defaultQueue
	}
	r := &Recorder{config: config, sampler: NewSampler(config.Rate)}
	config.Writer.Finished = func(rows, bytes int64) {
		r.files.Add(1)
		r.logged.Add(rows)
		r.bytes.Add(bytes)
	}
	config.Writer.Lost = func(rows int64) { r.failed.Add(rows) }
	var err error
	r.writer, err = NewWriter(config.Writer)
	return r, err
}

// Layout returns the layout of a selection's log. If the selection has sensitive columns and no key is configured, it
// logs an error and returns nil. Withheld then counts the rows that are not logged.
func (r *Recorder) Layout(selected Selected, selection *feature.Selection) *Layout {
	layout, err := NewLayout(r.config.Product, selected, selection, r.config.Hasher)
	if err != nil {
		r.config.Logger.Error("look-ups are not written to the audit log", "revision", selected.Revision,
			"service", selected.Service, "features", selected.References, "error", err)
		return nil
	}
	return layout
}

// Sample returns the places of the rows of a look-up that are to be logged; see Sampler.
func (r *Recorder) Sample(layout *Layout, keys []*plumbv1.KeyColumn, rows int) []int32 {
	return r.sampler.Sample(layout, keys, rows, r.turn.Add(1))
}

// Withhold counts rows that are not logged since their selection has no Layout.
func (r *Recorder) Withhold(rows int) { r.withheld.Add(int64(rows)) }

// Offer takes an entry to be written later, with its Columns in the bytes of a plumb.v1.GetOnlineFeaturesResponse. It
// drops and counts the entry if too much waits.
func (r *Recorder) Offer(entry *Entry, reply []byte) {
	offered := offer{entry, reply}
	size := offered.size()
	r.mu.Lock()
	full := r.queuedBytes+size > r.config.MaxQueued
	if !full {
		r.queued = append(r.queued, offered)
		r.queuedBytes += size
	}
	r.mu.Unlock()
	if full {
		r.dropped.Add(int64(len(entry.Rows)))
	}
}

// Counts returns what was counted so far.
func (r *Recorder) Counts() Counts {
	r.mu.Lock()
	queued, bytes := int64(len(r.queued)), r.queuedBytes
	r.mu.Unlock()
	return Counts{
		Logged: r.logged.Load(), Dropped: r.dropped.Load(), Failed: r.failed.Load(), Withheld: r.withheld.Load(),
		Files: r.files.Load(), Bytes: r.bytes.Load(), Queued: queued, QueuedBytes: bytes,
	}
}

// Run writes what was offered, and finishes files as they become due, at each tick. Once ctx is done it writes the rest
// and finishes all files.
func (r *Recorder) Run(ctx context.Context, ticks <-chan time.Time) {
	for {
		select {
		case <-ctx.Done():
			r.report(errors.Join(r.write(), r.writer.Close()))
			return
		case <-ticks:
			r.report(errors.Join(r.write(), r.writer.FinishDue()))
		}
	}
}

// write writes what waits. Look-ups are answered first: after every few entries it lets others run. What is being
// written counts as waiting still, so that the bound holds for both.
func (r *Recorder) write() error {
	const few = 8
	r.mu.Lock()
	offers := r.queued
	r.queued = nil
	r.mu.Unlock()
	var failure error
	for i, offered := range offers {
		size := offered.size()
		if err := offered.decode(); err != nil {
			failure = err
			r.failed.Add(int64(len(offered.entry.Rows)))
		} else if err := r.writer.Write(offered.entry); err != nil {
			failure = err
		}
		offers[i] = offer{}
		r.mu.Lock()
		r.queuedBytes -= size
		r.mu.Unlock()
		if i%few == few-1 {
			runtime.Gosched()
		}
	}
	return failure
}

// report logs that writing began to fail, and that a file was finished since.
func (r *Recorder) report(err error) {
	if err != nil && !r.failing {
		r.config.Logger.Error("the audit log cannot be written; rows are lost and counted, look-ups go on", "error", err)
	}
	if err == nil && r.failing && r.files.Load() > r.filesBefore {
		r.config.Logger.Info("the audit log is written again")
		r.failing = false
	}
	if err != nil {
		r.failing, r.filesBefore = true, r.files.Load()
	}
}
