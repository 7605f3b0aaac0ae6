package connect

import (
	"context"
	"errors"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
)

// execution is a statement at work. Its stream may break or end early: the server goes on, and another stream continues
// after the last response that came. So the stream does not end with the caller's context. The end of the context has
// the server interrupt the statement, which ends the stream.
type execution struct {
	*Session
	// ctx is the caller's.
	ctx     context.Context
	request *executePlanRequest
	// streaming is what the streams live for.
	streaming context.Context
	cancel    context.CancelCauseFunc
	stream    grpc.ClientStream
	// last is the id of the last response, which is empty before the first one.
	last string
	// started is set with the first response: the server knows the statement.
	started atomic.Bool
	// broken says that the last stream failed, and no response came since.
	broken atomic.Bool
	// resend says that the server does not know the statement, though it would if it had ever come to it.
	resend bool
	pause  time.Duration
	silent *time.Timer
	// over says that the server has nothing to stop.
	over bool
	// unwatch ends that stop is called once the context ends.
	unwatch func() bool
	// ended is closed once nobody reads on, and stopped when stop has returned.
	ended, stopped chan struct{}
	releases       sync.WaitGroup
	releasing      atomic.Bool
}

const (
	shortestPause = 50 * time.Millisecond
	longestPause  = 5 * time.Second
)

func (s *Session) execute(ctx context.Context, sql string) (*execution, error) {
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	e := &execution{Session: s, ctx: ctx, ended: make(chan struct{}), stopped: make(chan struct{}),
		request: &executePlanRequest{SessionID: s.id, UserContext: s.caller(), Plan: planOf(sql), ClientType: s.agent,
			RequestOptions: []requestOption{{ReattachOptions: &reattachOptions{Reattachable: true}}},
			OperationID:    uuid.NewString(), ClientObservedServerSideSessionID: s.observed}}
	e.streaming, e.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	e.resend, e.pause = true, shortestPause
	e.silent = time.AfterFunc(math.MaxInt64, e.probe) // It resets itself, so it has to be there first.
	e.silent.Reset(s.silence)
	e.unwatch = context.AfterFunc(ctx, e.stop)
	return e, nil
}

// next returns the next response of the statement. The last one has ResultComplete.
func (e *execution) next() (*executePlanResponse, error) {
	for {
		response, err := e.receive()
		if err == nil {
			err = e.check(response)
			e.over = err == nil && response.ResultComplete != nil
			return response, err
		}
		e.stream = nil
		if !e.continues(err) {
			e.over = e.streaming.Err() == nil
			return nil, e.explain(e.ctx, e.causeOf(err))
		}
		if err := e.wait(); err != nil {
			return nil, e.explain(e.ctx, e.causeOf(err))
		}
	}
}

// causeOf is why the streams were ended here, if they were.
func (e *execution) causeOf(err error) error {
	if cause := context.Cause(e.streaming); cause != nil {
		return cause
	}
	return err
}

func (e *execution) receive() (*executePlanResponse, error) {
	if e.stream == nil {
		if err := e.open(); err != nil {
			return nil, err
		}
	}
	response := &executePlanResponse{}
	if err := e.stream.RecvMsg(response); err != nil {
		return nil, err
	}
	return response, nil
}

func (e *execution) open() error {
	var request any = e.request
	method := "ExecutePlan"
	if !e.resend {
		method = "ReattachExecute"
		request = &reattachExecuteRequest{SessionID: e.id, UserContext: e.caller(), OperationID: e.request.OperationID,
			ClientType: e.agent, LastResponseID: e.last, ClientObservedServerSideSessionID: e.observed}
	}
	e.resend = false
	stream, err := e.connection.NewStream(e.outgoing(e.streaming), &grpc.StreamDesc{ServerStreams: true}, service+method)
	if err != nil {
		return err
	}
	e.stream = stream
	if err := stream.SendMsg(request); err != nil && !errors.Is(err, io.EOF) {
		return err // After io.EOF, receiving says why.
	}
	return stream.CloseSend()
}

// check takes a response for the next one if it can be that.
func (e *execution) check(response *executePlanResponse) error {
	switch {
	case response.SessionID != e.id || response.ServerSideSessionID != e.observed:
		return e.damaged("it is of another session")
	case response.OperationID != e.request.OperationID:
		return e.damaged("it is of another statement")
	case response.ResponseID == "" || response.ResponseID == e.last:
		return e.damaged("it has no id of its own")
	}
	e.last, e.pause = response.ResponseID, shortestPause
	e.started.Store(true)
	e.broken.Store(false)
	e.silent.Reset(e.silence)
	if response.ExecutionProgress != nil && e.progress != nil {
		e.progress(response.ExecutionProgress.sum())
	}
	return nil
}

// continues says whether a stream that ended with an error may be followed by another.
func (e *execution) continues(err error) bool {
	if e.streaming.Err() != nil {
		return false
	}
	if errors.Is(err, io.EOF) {
		return true // A server ends each stream after some time.
	}
	e.broken.Store(true)
	switch classOf(err) {
	case "":
		return isBroken(err)
	case "INVALID_CURSOR.DISCONNECTED", "INVALID_HANDLE.OPERATION_ALREADY_EXISTS":
		return true
	case "INVALID_HANDLE.OPERATION_NOT_FOUND":
		e.resend = e.last == ""
		return e.resend
	}
	return false
}

// wait pauses before the next stream, for longer each time until a response comes.
func (e *execution) wait() error {
	timer := time.NewTimer(e.pause)
	defer timer.Stop()
	e.pause = min(2*e.pause, longestPause)
	select {
	case <-timer.C:
		return nil
	case <-e.streaming.Done():
		return e.streaming.Err()
	}
}

// probe asks a server that has been silent for long whether it is there. A statement may be silent, a server may not.
func (e *execution) probe() {
	err := e.call(e.streaming, e.patience, "AnalyzePlan", e.aboutServer(), &analyzePlanResponse{})
	if err == nil && e.broken.Load() {
		err = e.unreachable("the statement that runs cannot be taken up again")
	}
	if err != nil {
		e.cancel(err)
		return
	}
	e.silent.Reset(e.silence)
}

// stop has the server stop the statement, and then ends the stream. A statement that the server may not know yet is
// asked for until it does.
func (e *execution) stop() {
	defer close(e.stopped)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), e.ending())
	defer cancel()
	ticker := time.NewTicker(shortestPause)
	defer ticker.Stop()
	for interrupted := e.interrupt(ctx); !interrupted; interrupted = e.interrupt(ctx) {
		select {
		case <-ticker.C:
			continue
		case <-e.ended:
		case <-ctx.Done():
		}
		break
	}
	e.release(ctx, nil)
	e.cancel(context.Cause(e.ctx))
}

func (e *execution) interrupt(ctx context.Context) bool {
	request := &interruptRequest{SessionID: e.id, UserContext: e.caller(), ClientType: e.agent,
		InterruptType: interruptOperation, OperationID: e.request.OperationID,
		ClientObservedServerSideSessionID: e.observed}
	var reply interruptResponse
	err := e.connection.Invoke(e.outgoing(ctx), service+"Interrupt", request, &reply)
	return err == nil && (e.started.Load() || len(reply.InterruptedIDs) > 0) || err != nil && classOf(err) != ""
}

// release lets the server forget the statement or, if until is not nil, what it keeps of its responses for another
// stream. A failure costs the server memory until the session ends.
func (e *execution) release(ctx context.Context, until *releaseUntil) {
	request := &releaseExecuteRequest{SessionID: e.id, UserContext: e.caller(), OperationID: e.request.OperationID,
		ClientType: e.agent, ReleaseUntil: until, ClientObservedServerSideSessionID: e.observed}
	if until == nil {
		request.ReleaseAll = &struct{}{}
	}
	_ = e.connection.Invoke(e.outgoing(ctx), service+"ReleaseExecute", request, &releaseExecuteResponse{})
}

// received lets the server forget what has come. One call at a time is under way.
func (e *execution) received() {
	if until := e.last; e.releasing.CompareAndSwap(false, true) {
		e.releases.Go(func() {
			e.release(e.streaming, &releaseUntil{ResponseID: until})
			e.releasing.Store(false)
		})
	}
}

// close ends the statement, wherever it is.
func (e *execution) close() {
	close(e.ended)
	e.silent.Stop()
	if !e.unwatch() {
		<-e.stopped
	} else if e.over {
		ctx, cancel := context.WithTimeout(e.streaming, e.ending())
		e.release(ctx, nil)
		cancel()
	} else if e.streaming.Err() == nil {
		e.stop()
	}
	e.cancel(nil)
	e.releases.Wait()
}
