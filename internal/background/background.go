// Package background runs the services of a process side by side: a server, the upkeep of logs, a consumer of a stream.
// All of them start and stop in one way.
//
// Services are listed in the order of their dependencies: each may use those before it. Run starts them in that order
// and stops them in reverse, so that what a service depends on runs as long as the service does:
//
//	err := background.Run(ctx,
//		background.Service{Name: "the audit log", Run: recorder.Run},
//		background.Service{Name: "the server", Start: server.Listen, Run: server.Serve},
//	)
//
// Here the server drains first once ctx is done. The audit log still records the answers of the last calls, and is
// stopped after the server has returned.
package background

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"
)

// patience is how long a service may take to stop, unless it says so itself.
const patience = time.Minute

// Service is one of the services of a process. Its contract:
//
//   - Start returns once other services may use this one. If it fails, it leaves nothing behind. It returns early if
//     its context is done.
//   - Run is called once, in a goroutine of its own, if Start has succeeded or is nil. It is called even if everything
//     is about to stop, so that it can release what Start has acquired.
//   - Run returns soon after its context is done, and leaves nothing running. A cancellation is no failure then. If it
//     returns an error earlier, all services stop. If it returns nil earlier, the others go on.
type Service struct {
	// Name is what messages call it, as in "the push logs".
	Name string
	// Start, if not nil, prepares the service.
	Start func(ctx context.Context) error
	// Run is the service's work.
	Run func(ctx context.Context) error
	// Patience is how long Run may take to return once its context is done: a minute if zero.
	Patience time.Duration
}

// Run starts the services one after the other, and returns once all have ended. They are stopped, the last one first,
// when ctx is done or when one of them fails, also while others are still to be started. Each is waited for before the
// next is stopped. A service that takes longer than its patience is left behind and reported, so that one that hangs
// cannot keep the others from ending well.
//
// The result is nil if ctx was the reason and everything ended well. Otherwise it is the first failure, joined with
// those that came after it. A panic in a service is a failure (*PanicError), so that the others end well then, too.
func Run(ctx context.Context, services ...Service) error {
	g := &group{}
	var stop context.CancelFunc
	g.ctx, stop = context.WithCancel(ctx)
	defer stop()
	g.fail = stop
	for _, service := range services {
		if !g.start(service) {
			break
		}
	}
	g.wait()
	return g.stop()
}

// group is one call of Run.
type group struct {
	// ctx is done when everything is to stop, and fail makes it so.
	ctx     context.Context //nolint:containedctx // For one call.
	fail    context.CancelFunc
	running []*running

	mu sync.Mutex
	// failures are in the order in which they happened.
	failures []error
}

// running is a service that has been started.
type running struct {
	Service
	cancel context.CancelFunc
	// ended is closed when Run has returned.
	ended chan struct{}
}

// start starts a service and has it run. It returns false if that failed, or if nothing is to be started any more.
func (g *group) start(service Service) bool {
	if service.Start != nil {
		if g.ctx.Err() != nil {
			return false
		}
		if err := guarded(g.ctx, service.Name, service.Start); err != nil {
			g.report(err)
			return false
		}
	}
	r := &running{Service: service, ended: make(chan struct{})}
	var own context.Context
	own, r.cancel = context.WithCancel(context.WithoutCancel(g.ctx)) // It is stopped in its turn.
	g.running = append(g.running, r)
	go func() {
		err := error(&PanicError{Service: service.Name}) // Unless Run returns or panics.
		defer func() {
			if err != nil && (own.Err() == nil || !errors.Is(err, context.Canceled)) {
				g.report(err)
			}
			close(r.ended)
		}()
		err = guarded(own, service.Name, service.Run)
	}()
	return true
}

// report keeps a failure, and has everything stopped. A start that is cancelled by that is no failure of its own.
func (g *group) report(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.failures) == 0 || !errors.Is(err, context.Canceled) {
		g.failures = append(g.failures, err)
	}
	g.fail()
}

// wait returns when everything is to stop, or has ended by itself.
func (g *group) wait() {
	for _, r := range g.running {
		select {
		case <-r.ended:
		case <-g.ctx.Done():
			return
		}
	}
}

// stop stops what is running, the last one first, and returns what failed.
func (g *group) stop() error {
	for _, r := range slices.Backward(g.running) {
		if err := r.stop(); err != nil {
			g.report(err)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.failures) == 1 {
		return g.failures[0]
	}
	return errors.Join(g.failures...)
}

func (r *running) stop() error {
	r.cancel()
	most := cmp.Or(r.Patience, patience)
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-r.ended:
		return nil
	case <-timer.C:
		return fmt.Errorf("%s did not stop within %s and was left behind", r.Name, most)
	}
}

// PanicError is a panic in a service.
type PanicError struct {
	// Service is its name.
	Service string
	// Value is what it panicked with; nil if it ended its goroutine by runtime.Goexit.
	Value any
	// Stack is where that was.
	Stack []byte
}

// Error has the stack: nothing else says where the mistake is.
func (e *PanicError) Error() string {
	return fmt.Sprintf("%s panicked, which is a mistake in Plumb: %v\n%s", e.Service, e.Value, e.Stack)
}

// guarded calls a function of a service, and makes an error of a panic.
func guarded(ctx context.Context, name string, call func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &PanicError{Service: name, Value: value, Stack: debug.Stack()}
		}
	}()
	return call(ctx)
}
