// Package operations runs long work for callers that do not wait for it. A caller starts an operation and gets its id.
// With the id it can read the operation's state, wait for its end, or cancel it, over any connection.
//
// A bounded number of operations run at a time, in the order in which they were started. A bounded number wait; beyond
// that, Start fails. An operation ends in one of three states: SUCCEEDED if its work returned no error, CANCELLED if
// the work failed after it was cancelled, and FAILED otherwise, also after a panic.
//
//	all := operations.New(operations.Config{Now: time.Now, Explain: explain, Logger: logger})
//	defer all.Close()
//	begun, err := all.Start(plumbv1.Operation_AUDIT, "ann", func(ctx context.Context, progress func(offline.Progress)) (
//		operations.Result, error) { … })
//	begun, err = all.Cancel(begun.GetId())
//
// Operations are kept in memory only. A bounded number of ended ones are kept; the ones that ended first are dropped
// first.
package operations

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// Result is what an operation found.
type Result struct {
	// Document is JSON; it may be empty.
	Document string
	Verdict  plumbv1.Operation_Verdict
}

// Work is what an operation does. It returns soon after its context is done, and leaves nothing behind then. progress
// returns at once, and may be called by any goroutine. If a result is returned with an error, it is incomplete.
type Work func(ctx context.Context, progress func(offline.Progress)) (Result, error)

// Limits bound the operations of a server. Each has a default that applies if it is zero.
type Limits struct {
	// Running is how many run at a time: 1.
	Running int
	// Queue is how many may wait for those: 16. Negative: none.
	Queue int
	// Kept is how many are kept that have ended: 100. KeptBytes bounds their documents together: 64 MiB. The one that
	// ended last is kept whatever its size.
	Kept, KeptBytes int
}

func (l Limits) withDefaults() Limits {
	return Limits{
		Running: cmp.Or(l.Running, 1), Queue: max(cmp.Or(l.Queue, 16), 0), Kept: cmp.Or(l.Kept, 100),
		KeptBytes: cmp.Or(l.KeptBytes, 64<<20),
	}
}

// Config is all that operations need. Everything but Limits is required.
type Config struct {
	Limits
	Now func() time.Time
	// Explain turns the failure of an operation into what its callers may know of it.
	Explain func(kind plumbv1.Operation_Kind, err error) *plumbv1.Operation_Error
	Logger  *slog.Logger
}

// LimitError says that as many operations wait as may. The same Start may succeed later.
type LimitError struct{ Running, Waiting int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("the server takes no more operations: %d run and %d wait; try again later, or raise "+
		"serving.operation_queue there", e.Running, e.Waiting)
}

// ErrClosed says that no more operations are started.
var ErrClosed = errors.New("the server is draining and starts no operations")

// Operations are those of one server. They are safe for concurrent use. The owner closes them.
type Operations struct {
	config  Config
	working sync.WaitGroup

	// mu guards what follows, and all of each operation but what its documentation excepts.
	mu      sync.Mutex
	closed  bool
	running int
	byID    map[string]*operation
	// all are in the order in which they were started, waiting those of them that are to run, and ended those that have
	// ended, in the order in which they did.
	all, waiting, ended []*operation
}

// New returns operations of which none has begun.
func New(config Config) *Operations {
	config.Limits = config.withDefaults()
	return &Operations{config: config, byID: map[string]*operation{}}
}

// Start runs work, now or in its turn, and returns the operation. It fails with a *LimitError or ErrClosed; the work is
// never run then. by is who asks for it; it may be empty.
func (o *Operations) Start(kind plumbv1.Operation_Kind, by string, work Work) (*plumbv1.Operation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil, ErrClosed
	}
	if o.running >= o.config.Running && len(o.waiting) >= o.config.Queue {
		return nil, &LimitError{o.running, len(o.waiting)}
	}
	begun := &operation{
		id: rand.Text(), kind: kind, by: by, work: work, state: plumbv1.Operation_QUEUED, created: o.config.Now(),
		moved: make(chan struct{}),
	}
	begun.ctx, begun.cancel = context.WithCancel(context.Background())
	o.byID[begun.id], o.all, o.waiting = begun, append(o.all, begun), append(o.waiting, begun)
	o.runNext()
	return begun.message(), nil
}

// runNext runs those that wait, as far as there is room. The caller holds mu.
func (o *Operations) runNext() {
	for o.running < o.config.Running && len(o.waiting) > 0 {
		next := o.waiting[0]
		o.waiting = slices.Delete(o.waiting, 0, 1)
		o.running++
		next.started = o.config.Now()
		next.move(plumbv1.Operation_RUNNING)
		o.log("an operation runs", next)
		o.working.Go(func() { o.run(next) })
	}
}

// run does the work of an operation to its end.
func (o *Operations) run(one *operation) {
	result, err := one.do()
	var failed *plumbv1.Operation_Error
	state := one.outcome(err)
	if state == plumbv1.Operation_FAILED {
		failed = o.config.Explain(one.kind, err)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running--
	one.result, one.failed = result, failed
	o.end(one, state, err)
	if !o.closed {
		o.runNext()
	}
}

// end moves an operation to its last state, and forgets others beyond the limits. The caller holds mu.
func (o *Operations) end(one *operation, state plumbv1.Operation_State, err error) {
	one.cancel()
	one.work, one.ended = nil, o.config.Now()
	one.move(state)
	if err == nil {
		o.log("an operation ended", one)
	} else {
		o.log("an operation ended", one, "error", err)
	}
	o.ended = append(o.ended, one)
	bytes := 0
	for _, each := range o.ended {
		bytes += len(each.result.Document)
	}
	for len(o.ended) > o.config.Kept || bytes > o.config.KeptBytes && len(o.ended) > 1 {
		oldest := o.ended[0]
		bytes -= len(oldest.result.Document)
		delete(o.byID, oldest.id)
		o.ended = slices.Delete(o.ended, 0, 1)
		o.all = slices.DeleteFunc(o.all, func(each *operation) bool { return each == oldest })
	}
}

func (o *Operations) log(message string, one *operation, more ...any) {
	o.config.Logger.Info(message, append([]any{"operation", one.id, "kind", one.kind.String(), "state",
		one.state.String(), "by", one.by}, more...)...)
}

// Get returns an operation as it is now, and a channel that is closed when its state changes. It fails with a
// *fault.NotFoundError for an id that no operation has, or one that is forgotten.
func (o *Operations) Get(id string) (now *plumbv1.Operation, moved <-chan struct{}, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	one, err := o.find(id)
	if err != nil {
		return nil, nil, err
	}
	return one.message(), one.moved, nil
}

// find finds an operation. The caller holds mu.
func (o *Operations) find(id string) (*operation, error) {
	one, ok := o.byID[id]
	if !ok {
		return nil, &fault.NotFoundError{Kind: "operation", Name: id}
	}
	return one, nil
}

// List returns all operations that are known, the newest first, without their documents.
func (o *Operations) List() []*plumbv1.Operation {
	o.mu.Lock()
	defer o.mu.Unlock()
	var listed []*plumbv1.Operation
	for _, one := range slices.Backward(o.all) {
		message := one.message()
		message.Result = ""
		listed = append(listed, message)
	}
	return listed
}

// Cancel asks an operation to end, and returns it as it is then: one that waits has ended. It does nothing to one that
// has ended before.
func (o *Operations) Cancel(id string) (*plumbv1.Operation, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	one, err := o.find(id)
	if err != nil {
		return nil, err
	}
	o.cancel(one)
	return one.message(), nil
}

// cancel asks an operation to end. The caller holds mu.
func (o *Operations) cancel(one *operation) {
	one.cancel()
	if one.state == plumbv1.Operation_QUEUED {
		o.waiting = slices.DeleteFunc(o.waiting, func(each *operation) bool { return each == one })
		o.end(one, plumbv1.Operation_CANCELLED, nil)
	}
}

// Close cancels every operation, and returns once none runs. Those that ended can still be asked for.
func (o *Operations) Close() {
	o.mu.Lock()
	o.closed = true
	for _, one := range slices.Clone(o.all) {
		o.cancel(one)
	}
	o.mu.Unlock()
	o.working.Wait()
}
