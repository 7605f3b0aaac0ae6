package background_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/plumbstore/plumb/internal/background"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is what services did, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) expect(t *testing.T, want ...string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.lines, want) {
		t.Errorf("got %q, want %q", d.lines, want)
	}
}

// service takes a second to start and a second to stop.
func (d *diary) service(name string) background.Service {
	return background.Service{
		Name: name,
		Start: func(context.Context) error {
			<-time.After(time.Second)
			d.write(name + " is ready")
			return nil
		},
		Run: func(ctx context.Context) error {
			<-ctx.Done()
			d.write(name + " stops")
			<-time.After(time.Second)
			d.write(name + " has ended")
			return ctx.Err()
		},
	}
}

// stopAfter is a context that ends after a while.
func stopAfter(t *testing.T, after time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	timer := time.AfterFunc(after, cancel)
	t.Cleanup(func() { timer.Stop(); cancel() })
	return ctx
}

func TestServicesStartInOrderAndStopInTheReverseOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		err := background.Run(stopAfter(t, time.Hour), d.service("store"), d.service("log"), d.service("server"))
		if err != nil {
			t.Error(err)
		}
		d.expect(t, "store is ready", "log is ready", "server is ready", "server stops", "server has ended", "log stops",
			"log has ended", "store stops", "store has ended")
	})
}

func TestTheFirstFailureStopsEverythingAndIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		failing := background.Service{Name: "log", Run: func(context.Context) error {
			<-time.After(time.Hour)
			return io.ErrUnexpectedEOF
		}}
		err := background.Run(t.Context(), d.service("store"), failing, d.service("server"))
		if err != io.ErrUnexpectedEOF { //nolint:errorlint // It is returned as it is.
			t.Errorf("got %v", err)
		}
		d.expect(t, "store is ready", "server is ready", "server stops", "server has ended", "store stops",
			"store has ended")
	})
}

func TestAFailureWhileStoppingIsReturnedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := func(failure error) background.Service {
			return background.Service{Run: func(ctx context.Context) error { <-ctx.Done(); return failure }}
		}
		err := background.Run(stopAfter(t, time.Second), ends(io.ErrClosedPipe), ends(nil), ends(io.ErrShortWrite))
		if !errors.Is(err, io.ErrClosedPipe) || !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAServiceThatHasNothingMoreToDoStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		done := background.Service{Run: func(context.Context) error { return nil }}
		if err := background.Run(stopAfter(t, time.Hour), done, d.service("server")); err != nil {
			t.Error(err)
		}
		d.expect(t, "server is ready", "server stops", "server has ended")
		if err := background.Run(t.Context(), done, done); err != nil {
			t.Error(err)
		}
	})
}

func TestAStartThatFailsStopsWhatWasStarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		failing := d.service("log")
		failing.Start = func(context.Context) error { return io.ErrNoProgress }
		err := background.Run(t.Context(), d.service("store"), failing, d.service("server"))
		if !errors.Is(err, io.ErrNoProgress) {
			t.Errorf("got %v", err)
		}
		d.expect(t, "store is ready", "store stops", "store has ended")
	})
}

// Whatever ends everything while a service starts, the start is cancelled, and those after it are not begun.
func TestWhatIsStoppedWhileItStartsEndsWell(t *testing.T) {
	fails := func(context.Context) error { <-time.After(2 * time.Second); return io.ErrUnexpectedEOF }
	goesOn := func(ctx context.Context) error { <-ctx.Done(); return nil }
	for name, c := range map[string]struct {
		first func(context.Context) error
		after time.Duration
		want  error
	}{
		"by its caller":  {goesOn, 2 * time.Second, context.Canceled},
		"by a failure":   {fails, time.Hour, io.ErrUnexpectedEOF},
		"before a start": {goesOn, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				slow := d.service("log")
				slow.Start = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
				ctx := stopAfter(t, c.after)
				if c.after == 0 {
					<-ctx.Done()
				}
				err := background.Run(ctx, background.Service{Name: "first", Run: c.first}, slow, d.service("server"))
				if !errors.Is(err, c.want) || err != nil && strings.Count(err.Error(), "\n") > 0 {
					t.Errorf("got %v, want %v alone", err, c.want)
				}
				d.expect(t)
			})
		})
	}
}

// A service that was ready when everything was stopped still runs, so that it can give back what it took.
func TestWhatWasStartedIsAlwaysRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		if err := background.Run(stopAfter(t, time.Second/2), d.service("store"), d.service("server")); err != nil {
			t.Error(err)
		}
		d.expect(t, "store is ready", "store stops", "store has ended")
	})
}

func panics(context.Context) error { panic("oh") } //nolint:forbidigo // It is what is tested.

func TestAPanicIsAFailureAndTheOthersEndWell(t *testing.T) {
	for name, c := range map[string]struct {
		service background.Service
		value   any
	}{
		"while it runs":   {background.Service{Name: "the log", Run: panics}, "oh"},
		"while it starts": {background.Service{Name: "the log", Start: panics}, "oh"},
		"by the end of its goroutine": {background.Service{
			Name: "the log", Run: func(context.Context) error { runtime.Goexit(); return nil },
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var d diary
				err := background.Run(t.Context(), d.service("store"), c.service)
				panicked, ok := errors.AsType[*background.PanicError](err)
				if !ok || panicked.Service != "the log" || panicked.Value != c.value ||
					c.value != nil && !strings.Contains(err.Error(), "background_test.go") {
					t.Errorf("got %v", err)
				}
				d.expect(t, "store is ready", "store stops", "store has ended")
			})
		})
	}
}

func TestAServiceThatHangsIsLeftBehindAndTheOthersEndWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		release := make(chan struct{})
		hanging := background.Service{Name: "the log", Patience: 5 * time.Second,
			Run: func(context.Context) error { <-release; return nil }}
		begun := time.Now() //nolint:forbidigo // It is the time of the test's own bubble.
		err := background.Run(stopAfter(t, time.Second*3/2), d.service("store"), hanging)
		if err == nil || err.Error() != "the log did not stop within 5s and was left behind" {
			t.Errorf("got %v", err)
		}
		took := time.Since(begun)
		if want := 1500*time.Millisecond + 5*time.Second + time.Second; took != want {
			t.Errorf("it took %s, want %s", took, want)
		}
		d.expect(t, "store is ready", "store stops", "store has ended")
		close(release)
	})
}

// What was ready before Run was called is given back by the services' own Run, so each of them is run.
func TestServicesWithoutAStartAreRunEvenIfEverythingIsToStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var d diary
		ready := d.service("listener")
		ready.Start = nil
		failing := background.Service{Run: func(context.Context) error { return io.ErrUnexpectedEOF }}
		if err := background.Run(ctx, failing, ready); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %v", err)
		}
		d.expect(t, "listener stops", "listener has ended")
	})
}

// Values of the caller's context reach every service; that it is done does not, until it is a service's turn.
func TestAServiceKeepsTheValuesOfItsCaller(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "trace")
	service := background.Service{Run: func(ctx context.Context) error {
		if ctx.Value(key{}) != "trace" {
			return errors.New("the value is missing")
		}
		return nil
	}}
	if err := background.Run(ctx, service); err != nil {
		t.Error(err)
	}
}
