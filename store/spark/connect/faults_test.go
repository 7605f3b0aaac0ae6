package connect_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/store/spark/connect"
	"github.com/plumbstore/plumb/store/spark/sparktest"
)

// many is a query of several batches.
const many = "SELECT id, id * 2D x FROM range(0, 1000000, 1, 5)"

func TestRowsComeOnceEachThoughTheConnectionIsCut(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	s := dial(t, connect.Config{Remote: proxy.Remote})
	proxy.CutAfter(2_000) // Before the first batch is whole.
	rows, err := s.Query(t.Context(), many)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	got, batches := count(t, rows, func() {
		if read++; read%20 == 0 {
			proxy.CutAfter(500_000)
		}
	})
	if got != 1_000_000 || proxy.Cuts() < 3 {
		t.Errorf("%d rows in %d batches, %d cuts", got, batches, proxy.Cuts())
	}
}

func TestAStatementGoesOnWhileItsServerIsOutOfReach(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	s := dial(t, connect.Config{Remote: proxy.Remote})
	progress, running := watch()
	go func() {
		<-running
		proxy.Refuse(true)
		proxy.Cut()
		time.AfterFunc(300*time.Millisecond, func() { proxy.Refuse(false) })
	}()
	rows, err := s.Watched(progress).Query(t.Context(), "SELECT id, id * 2D x FROM range(0, 3000000, 1, 50)")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := count(t, rows, nil); got != 3_000_000 || proxy.Cuts() == 0 {
		t.Errorf("%d rows, %d cuts", got, proxy.Cuts())
	}
}

func TestAServerThatGoesAwayOrIsSilentInMidQueryIsUnavailable(t *testing.T) {
	for name, disturb := range map[string]func(*sparktest.Proxy){
		"it goes away": func(p *sparktest.Proxy) { p.Refuse(true); p.Cut() },
		"it is silent": func(p *sparktest.Proxy) { p.Hold(true) },
	} {
		t.Run(name, func(t *testing.T) {
			proxy := sparktest.Before(t, sparktest.Shared(t))
			s := dial(t, connect.Config{Remote: proxy.Remote, Patience: 2 * time.Second})
			s.SetSilence(300 * time.Millisecond)
			progress, running := watch()
			go func() {
				<-running
				disturb(proxy)
			}()
			isUnavailable(t, s.Watched(progress).Run(t.Context(), endless))
			// What it goes on with ends with the session.
			if err := connect.Release(t.Context(), shared(t), s.ID()); err != nil {
				t.Error(err)
			}
			isFree(t)
			proxy.Hold(false)
		})
	}
}

func TestAStatementMayBeSilentForLong(t *testing.T) {
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	gateway.Do(withoutProgress)
	s := dial(t, connect.Config{Remote: gateway.Remote})
	s.SetSilence(20 * time.Millisecond)
	before := len(gateway.Calls())
	if got := one(t, s, "SELECT sum(id % 7) >= 0 FROM range(0, 400000000, 1, 1)"); got != "true" {
		t.Error(got)
	}
	asked := gateway.Calls()[before:]
	if n := len(slices.DeleteFunc(asked, func(call string) bool { return call != "AnalyzePlan" })); n < 3 {
		t.Errorf("the server was asked %d times whether it is there", n)
	}
}

// withoutProgress makes a server silent while it works.
func withoutProgress(method string, message []byte) ([]byte, error) {
	if method != "ExecutePlan" && method != "ReattachExecute" {
		return message, nil
	}
	isProgress := false
	edited, err := connect.Edit(message, func(r *connect.ExecuteResponse) { isProgress = r.ExecutionProgress != nil })
	if isProgress {
		return nil, err
	}
	return edited, err
}

func TestTheEndOfAStreamIsNoSuccess(t *testing.T) {
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	s := dial(t, connect.Config{Remote: gateway.Remote})
	for name, end := range map[string]error{
		"without an error": io.EOF, "by a proxy": status.Error(codes.Unavailable, "the upstream is gone"),
		"by a reset": status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"),
	} {
		t.Run(name, func(t *testing.T) {
			passed := 0
			gateway.Do(func(method string, message []byte) ([]byte, error) {
				if method == "ExecutePlan" || method == "ReattachExecute" {
					if passed++; passed%20 == 0 {
						return nil, end
					}
				}
				return message, nil
			})
			rows, err := s.Query(t.Context(), many)
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := count(t, rows, nil); got != 1_000_000 {
				t.Errorf("%d rows", got)
			}
			if !slices.Contains(gateway.Calls(), "ReattachExecute") {
				t.Error("no stream was continued")
			}
		})
	}
}

func TestAStatementThatNeverCameToTheServerIsSentAgain(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	s := dial(t, connect.Config{Remote: proxy.Remote})
	proxy.Cut()
	if got := one(t, s, "SELECT 1"); got != "1" {
		t.Error(got)
	}
}

func TestAnAnalysisThatAProxyBreaksOffIsAskedForAgain(t *testing.T) {
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	s := dial(t, connect.Config{Remote: gateway.Remote})
	broken := 0
	gateway.Do(func(_ string, message []byte) ([]byte, error) {
		if broken++; broken < 4 {
			return nil, status.Error(codes.Unavailable, "the upstream is gone")
		}
		return message, nil
	})
	if columns, err := s.Schema(t.Context(), "SELECT 1 x"); err != nil || len(columns) != 1 {
		t.Errorf("%v, %v", columns, err)
	}
}

func TestAServerThatLiesIsNotBelieved(t *testing.T) {
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	s := dial(t, connect.Config{Remote: gateway.Remote})
	another := "00112233-4455-6677-8899-aabbccddeeff"
	for name, c := range map[string]struct {
		change func(r *connect.ExecuteResponse)
		says   string
	}{
		"another session":    {func(r *connect.ExecuteResponse) { r.SessionID = another }, "of another session"},
		"a session anew":     {func(r *connect.ExecuteResponse) { r.ServerSideSessionID = another }, "of another session"},
		"another statement":  {func(r *connect.ExecuteResponse) { r.OperationID = another }, "of another statement"},
		"no id":              {func(r *connect.ExecuteResponse) { r.ResponseID = "" }, "no id of its own"},
		"one id for all":     {func(r *connect.ExecuteResponse) { r.ResponseID = another }, "no id of its own"},
		"a batch left out":   {func(r *connect.ExecuteResponse) { r.ArrowBatch = nil }, "no columns"},
		"fewer rows":         {ofBatch(func(r *connect.ExecuteResponse) { r.ArrowBatch.RowCount-- }), "rows"},
		"less than no rows":  {ofBatch(func(r *connect.ExecuteResponse) { r.ArrowBatch.RowCount = -1 }), "rows"},
		"rows without place": {ofBatch(func(r *connect.ExecuteResponse) { r.ArrowBatch.StartOffset = nil }), "rows"},
		"rows of elsewhere":  {ofBatch(func(r *connect.ExecuteResponse) { *r.ArrowBatch.StartOffset += 5 }), "rows"},
		"half a batch": {ofBatch(func(r *connect.ExecuteResponse) {
			r.ArrowBatch.Data = r.ArrowBatch.Data[:len(r.ArrowBatch.Data)/2]
		}), "ends within"},
		"no batch":       {ofBatch(func(r *connect.ExecuteResponse) { r.ArrowBatch.Data = nil }), "right"},
		"another schema": {ofSecond(otherColumns(t)), "different columns"},
	} {
		t.Run(name, func(t *testing.T) {
			gateway.Do(func(method string, message []byte) ([]byte, error) {
				if method != "ExecutePlan" {
					return message, nil
				}
				return connect.Edit(message, c.change)
			})
			rows, err := s.Query(t.Context(), "SELECT id FROM range(0, 20, 1, 2)")
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				rows.Close()
			}
			if err == nil || !strings.Contains(err.Error(), "cannot be right") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

func ofBatch(change func(*connect.ExecuteResponse)) func(*connect.ExecuteResponse) {
	return func(r *connect.ExecuteResponse) {
		if r.ArrowBatch != nil {
			change(r)
		}
	}
}

// ofSecond changes all batches but the first.
func ofSecond(change func(*connect.ExecuteResponse)) func(*connect.ExecuteResponse) {
	seen := 0
	return ofBatch(func(r *connect.ExecuteResponse) {
		if seen++; seen > 1 {
			change(r)
		}
	})
}

// otherColumns gives a batch the content of one of another query.
func otherColumns(t *testing.T) func(*connect.ExecuteResponse) {
	t.Helper()
	gateway := sparktest.Through(t, sparktest.Shared(t), nil)
	s := dial(t, connect.Config{Remote: gateway.Remote})
	var other []byte
	gateway.Do(func(method string, message []byte) ([]byte, error) {
		if method != "ExecutePlan" {
			return message, nil
		}
		return connect.Edit(message, ofBatch(func(r *connect.ExecuteResponse) { other = slices.Clone(r.ArrowBatch.Data) }))
	})
	one(t, s, "SELECT 'x' y")
	return func(r *connect.ExecuteResponse) { r.ArrowBatch.Data = other }
}

func TestTheEndOfTheContextStopsAStatement(t *testing.T) {
	s := dial(t, shared(t))
	progress, running := watch()
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		if p := <-running; p.Stages < 1 || p.Tasks < p.Running || p.Tasks < p.TasksDone || p.Stages < p.StagesDone {
			t.Errorf("the progress is %+v", p)
		}
		cancel(fs.ErrClosed)
	}()
	if err := s.Watched(progress).Run(ctx, endless); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("%v", err)
	}
	isFree(t)
	if got := one(t, s, "SELECT 1"); got != "1" {
		t.Error("the session has ended too")
	}
}

// The context may end before the server knows of the statement: it must not begin later.
func TestTheEndOfTheContextStopsAStatementThatHasNotBegun(t *testing.T) {
	s := dial(t, shared(t))
	for _, after := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if err := s.Run(ctx, endless); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", after, err)
		}
		cancel()
		isFree(t)
	}
}

func TestTheEndOfTheContextEndsAStatementWhoseServerIsGone(t *testing.T) {
	proxy := sparktest.Before(t, sparktest.Shared(t))
	s := dial(t, connect.Config{Remote: proxy.Remote, Patience: time.Second})
	progress, running := watch()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-running
		proxy.Refuse(true)
		proxy.Cut()
		cancel()
	}()
	if err := s.Watched(progress).Run(ctx, endless); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := connect.Release(t.Context(), shared(t), s.ID()); err != nil {
		t.Error(err)
	}
	isFree(t)
}
