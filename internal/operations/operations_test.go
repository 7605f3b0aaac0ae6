package operations_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/operations"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is where operations are tried: its clock goes on by a second whenever it is read.
type bench struct {
	*operations.Operations
	t   *testing.T
	log bytes.Buffer

	mu    sync.Mutex
	clock time.Time
}

func newBench(t *testing.T, limits operations.Limits) *bench {
	b := &bench{t: t, clock: time.Unix(1000, 0)}
	b.Operations = operations.New(operations.Config{
		Limits: limits, Now: b.now, Logger: slog.New(slog.NewTextHandler(&b.log, nil)),
		Explain: func(kind plumbv1.Operation_Kind, err error) *plumbv1.Operation_Error {
			first, _, _ := strings.Cut(err.Error(), "\n")
			return &plumbv1.Operation_Error{Code: "INTERNAL", Message: kind.String() + ": " + first}
		},
	})
	t.Cleanup(b.Close)
	return b
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(time.Second)
	return b.clock
}

// start starts work, and returns its id.
func (b *bench) start(work operations.Work) string {
	b.t.Helper()
	begun, err := b.Start(plumbv1.Operation_AUDIT, "ann", work)
	if err != nil {
		b.t.Fatal(err)
	}
	return begun.GetId()
}

// await returns an operation once it is in a state.
func (b *bench) await(id string, state plumbv1.Operation_State) *plumbv1.Operation {
	b.t.Helper()
	patience, cancel := context.WithTimeout(b.t.Context(), 20*time.Second)
	defer cancel()
	for {
		now, moved, err := b.Get(id)
		if err != nil {
			b.t.Fatal(err)
		}
		if now.GetState() == state {
			return now
		}
		select {
		case <-moved:
		case <-patience.Done():
			b.t.Fatalf("%s is %s, and not %s", id, now.GetState(), state)
		}
	}
}

// held is work that goes on until it is released or cancelled.
type held struct{ begun, release chan struct{} }

func newHeld() held { return held{make(chan struct{}), make(chan struct{})} }

func (h held) work(ctx context.Context, progress func(offline.Progress)) (operations.Result, error) {
	progress(offline.Progress{Step: "holding", Rows: 3, Total: 7})
	close(h.begun)
	select {
	case <-h.release:
		return operations.Result{Document: `{"held":true}`, Verdict: plumbv1.Operation_NOT_PASSED}, nil
	case <-ctx.Done():
		return operations.Result{}, fmt.Errorf("interrupted: %w", ctx.Err())
	}
}

func found(document string) operations.Work {
	return func(context.Context, func(offline.Progress)) (operations.Result, error) {
		return operations.Result{Document: document, Verdict: plumbv1.Operation_PASSED}, nil
	}
}

func TestAnOperationHasItsProgressAndThenItsResult(t *testing.T) {
	b, one := newBench(t, operations.Limits{}), newHeld()
	id := b.start(one.work)
	<-one.begun
	running := b.await(id, plumbv1.Operation_RUNNING)
	if running.GetKind() != plumbv1.Operation_AUDIT || running.GetStartedBy() != "ann" || running.GetResult() != "" ||
		running.GetProgress().GetStep() != "holding" || running.GetProgress().GetRows() != 3 ||
		running.GetProgress().GetTotal() != 7 || running.GetVerdict() != 0 || running.GetEndedMicros() != 0 {
		t.Errorf("while it runs it is %v", running)
	}
	close(one.release)
	ended := b.await(id, plumbv1.Operation_SUCCEEDED)
	if ended.GetResult() != `{"held":true}` || ended.GetVerdict() != plumbv1.Operation_NOT_PASSED ||
		ended.GetCreatedMicros() == 0 || ended.GetStartedMicros() <= ended.GetCreatedMicros() ||
		ended.GetEndedMicros() <= ended.GetStartedMicros() {
		t.Errorf("at its end it is %v", ended)
	}
	if listed := b.List(); len(listed) != 1 || listed[0].GetId() != id || listed[0].GetResult() != "" {
		t.Errorf("listed are %v", listed)
	}
}

func TestOperationsRunInTheOrderInWhichTheyWereStarted(t *testing.T) {
	b, first := newBench(t, operations.Limits{Queue: 3}), newHeld()
	b.start(first.work)
	<-first.begun
	var ran []int
	var ids []string
	for i := range 3 {
		ids = append(ids, b.start(func(context.Context, func(offline.Progress)) (operations.Result, error) {
			ran = append(ran, i) // One runs at a time.
			return operations.Result{}, nil
		}))
	}
	if waiting, _, _ := b.Get(ids[0]); waiting.GetState() != plumbv1.Operation_QUEUED || waiting.GetStartedMicros() != 0 {
		t.Errorf("the second is %v", waiting)
	}
	full, ok := errors.AsType[*operations.LimitError](b.refused())
	if !ok || full.Running != 1 || full.Waiting != 3 || !strings.Contains(full.Error(), "serving.operation_queue") {
		t.Errorf("one more than may wait is %v", full)
	}
	close(first.release)
	b.await(ids[2], plumbv1.Operation_SUCCEEDED)
	if !slices.Equal(ran, []int{0, 1, 2}) {
		t.Errorf("they ran in the order %v", ran)
	}
}

// refused is the error of a start that has to fail.
func (b *bench) refused() error {
	b.t.Helper()
	_, err := b.Start(plumbv1.Operation_AUDIT, "",
		func(context.Context, func(offline.Progress)) (operations.Result, error) {
			b.t.Error("work was run that was refused")
			return operations.Result{}, nil
		})
	return err
}

func TestACancelledOperationEndsAndMakesRoom(t *testing.T) {
	b, first, second := newBench(t, operations.Limits{Queue: 1}), newHeld(), newHeld()
	running := b.start(first.work)
	<-first.begun
	waiting := b.start(second.work)
	now, err := b.Cancel(waiting)
	if err != nil || now.GetState() != plumbv1.Operation_CANCELLED {
		t.Errorf("one that waits is %v after it is cancelled, %v", now, err)
	}
	next := b.start(second.work) // The queue has room again.
	if _, err := b.Cancel(running); err != nil {
		t.Error(err)
	}
	ended := b.await(running, plumbv1.Operation_CANCELLED)
	if ended.GetError() != nil || ended.GetVerdict() != 0 {
		t.Errorf("the cancelled one is %v", ended)
	}
	<-second.begun
	close(second.release)
	b.await(next, plumbv1.Operation_SUCCEEDED)
	if again, err := b.Cancel(next); err != nil || again.GetState() != plumbv1.Operation_SUCCEEDED {
		t.Errorf("one that has ended is %v after it is cancelled, %v", again, err)
	}
}

func TestAFailureIsExplainedAndKeepsWhatThereIsOfTheResult(t *testing.T) {
	b := newBench(t, operations.Limits{})
	id := b.start(func(context.Context, func(offline.Progress)) (operations.Result, error) {
		return operations.Result{Document: `{"views":[]}`, Verdict: plumbv1.Operation_PASSED}, errors.New("no disk")
	})
	ended := b.await(id, plumbv1.Operation_FAILED)
	if ended.GetError().GetMessage() != "AUDIT: no disk" || ended.GetResult() != `{"views":[]}` ||
		ended.GetVerdict() != 0 {
		t.Errorf("the failed one is %v", ended)
	}
}

func TestAPanicFailsItsOperationAlone(t *testing.T) {
	b := newBench(t, operations.Limits{})
	id := b.start(func(context.Context, func(offline.Progress)) (operations.Result, error) {
		var none []int
		return operations.Result{}, fmt.Errorf("%d", none[len(b.List())])
	})
	ended := b.await(id, plumbv1.Operation_FAILED)
	if !strings.Contains(ended.GetError().GetMessage(), "index out of range") {
		t.Errorf("the one that panicked is %v", ended)
	}
	b.await(b.start(found(`{}`)), plumbv1.Operation_SUCCEEDED)
}

func TestOperationsThatEndedFirstAreForgottenFirst(t *testing.T) {
	b, slow := newBench(t, operations.Limits{Running: 2, Kept: 2}), newHeld()
	first := b.start(slow.work)
	<-slow.begun
	var ids []string
	for range 3 {
		ids = append(ids, b.start(found(`{}`)))
		b.await(ids[len(ids)-1], plumbv1.Operation_SUCCEEDED)
	}
	if _, _, err := b.Get(ids[0]); !errors.As(err, new(*fault.NotFoundError)) {
		t.Errorf("the first that ended is not forgotten: %v", err)
	}
	close(slow.release)
	b.await(first, plumbv1.Operation_SUCCEEDED)
	var left []string
	for _, each := range b.List() {
		left = append(left, each.GetId())
	}
	if !slices.Equal(left, []string{ids[2], first}) {
		t.Errorf("known are %v, want %v", left, []string{ids[2], first})
	}
}

func TestTheDocumentsThatAreKeptHaveABound(t *testing.T) {
	b := newBench(t, operations.Limits{KeptBytes: 10})
	small := b.start(found(`{"a":1}`))
	b.await(small, plumbv1.Operation_SUCCEEDED)
	large := b.start(found(`{"much":"more than ten bytes"}`))
	b.await(large, plumbv1.Operation_SUCCEEDED)
	if _, _, err := b.Get(small); !errors.As(err, new(*fault.NotFoundError)) {
		t.Errorf("the small one is kept beside the large one: %v", err)
	}
}

func TestClosingCancelsAndWaits(t *testing.T) {
	b, first := newBench(t, operations.Limits{}), newHeld()
	left := false
	running := b.start(func(ctx context.Context, progress func(offline.Progress)) (operations.Result, error) {
		result, err := first.work(ctx, progress)
		left = true
		return result, err
	})
	<-first.begun
	waiting := b.start(found(`{}`))
	b.Close()
	if !left {
		t.Error("Close returned while an operation ran")
	}
	for _, id := range []string{running, waiting} {
		if now, _, err := b.Get(id); err != nil || now.GetState() != plumbv1.Operation_CANCELLED {
			t.Errorf("after the end it is %v, %v", now, err)
		}
	}
	if err := b.refused(); !errors.Is(err, operations.ErrClosed) {
		t.Errorf("a start after the end gives %v", err)
	}
}

func TestAnUnknownIdIsNotFound(t *testing.T) {
	b := newBench(t, operations.Limits{})
	_, _, got := b.Get("nobody")
	_, cancelled := b.Cancel("nobody")
	for _, err := range []error{got, cancelled} {
		if missing, ok := errors.AsType[*fault.NotFoundError](err); !ok || missing.Name != "nobody" {
			t.Errorf("an unknown id gives %v", err)
		}
	}
}
