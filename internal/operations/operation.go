package operations

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// operation is one piece of work, from its start to its end and as long as it is kept.
type operation struct {
	id   string
	kind plumbv1.Operation_Kind
	by   string
	// work is nil once the operation has ended, so that what it holds is not kept.
	work   Work
	ctx    context.Context
	cancel context.CancelFunc
	// progress is written by the work; no lock guards it.
	progress atomic.Pointer[offline.Progress]

	state                   plumbv1.Operation_State
	created, started, ended time.Time
	result                  Result
	failed                  *plumbv1.Operation_Error
	// moved is closed at the next change of state.
	moved chan struct{}
}

// do does the work. A panic in it is an error, and ends no other operation and no server.
func (o *operation) do() (result Result, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %v\n%s", cause, debug.Stack())
		}
	}()
	return o.work(o.ctx, func(reached offline.Progress) { o.progress.Store(&reached) })
}

// outcome is the state that the work ends in, given its error or nil.
func (o *operation) outcome(err error) plumbv1.Operation_State {
	switch {
	case err == nil:
		return plumbv1.Operation_SUCCEEDED
	case o.ctx.Err() != nil:
		return plumbv1.Operation_CANCELLED
	}
	return plumbv1.Operation_FAILED
}

// move changes the state, and wakes up those that wait for a change.
func (o *operation) move(to plumbv1.Operation_State) {
	o.state = to
	close(o.moved)
	o.moved = make(chan struct{})
}

// message is the operation as it is now.
func (o *operation) message() *plumbv1.Operation {
	message := &plumbv1.Operation{
		Id: o.id, Kind: o.kind, State: o.state, StartedBy: o.by, CreatedMicros: micros(o.created),
		StartedMicros: micros(o.started), EndedMicros: micros(o.ended), Result: o.result.Document, Error: o.failed,
	}
	if reached := o.progress.Load(); reached != nil {
		message.Progress = &plumbv1.Operation_Progress{Step: reached.Step, Rows: reached.Rows, Total: reached.Total}
	}
	if o.state == plumbv1.Operation_SUCCEEDED {
		message.Verdict = o.result.Verdict
	}
	return message
}

// micros is 0 for a time that has not come.
func micros(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMicro()
}

// HasEnded reports whether an operation is in a final state.
func HasEnded(one *plumbv1.Operation) bool {
	return one.GetState() != plumbv1.Operation_QUEUED && one.GetState() != plumbv1.Operation_RUNNING
}
