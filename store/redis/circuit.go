package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/internal/fault"
)

const (
	// tripAfter is how many calls in a row have to fail before a server counts as gone.
	tripAfter = 5
	// probeEvery is how often a call is let through to a server that is gone.
	probeEvery = time.Second
	// patience is the longest that a call has to have waited for its time-out to say something about the server. Callers
	// with less time to spare learn nothing about it.
	patience = time.Second
)

// circuit answers at once for a server that is gone, instead of letting each call find out for itself. It sees every
// command on its way to the server, below the store, so that it hides nothing that the store can do.
//
// A server is gone when tripAfter calls in a row ended without a word from it. From then on one call in probeEvery
// goes through; the first that is answered heals the circuit. What the server says, an error too, is an answer: a
// server that is out of memory is there. Calls that their callers gave up, and those that found no free connection in
// the pool, say nothing.
//
// It is no library's: sony/gobreaker reads the clock itself, and lets nobody else through while its trial call hangs.
type circuit struct {
	now      func() time.Time
	patience time.Duration
	// onGone, if set, is called for every call that counted. It must not wait.
	onGone func(context.Context)

	mutex    sync.Mutex
	failures int
	cause    error // of the last failure
	// probeAt is when the next call goes through, once failures has reached tripAfter.
	probeAt time.Time
}

var _ goredis.Hook = (*circuit)(nil)

// newCircuit makes the circuit for the one server of a target.
func newCircuit(t *target, now func() time.Time) *circuit {
	return &circuit{now: now, patience: patienceOf(t.options.DialTimeout, t.options.ReadTimeout)}
}

// patienceOf returns patience, or the shortest of the time-outs if that is shorter: a user that sets a time-out
// considers it sensible.
func patienceOf(timeouts ...time.Duration) time.Duration {
	shortest := patience
	for _, timeout := range timeouts {
		if timeout > 0 {
			shortest = min(shortest, timeout)
		}
	}
	return shortest
}

// goneError is the answer for a server that is gone. It wraps fault.ErrUnavailable.
type goneError struct {
	// cause is how the last call ended that went to the server.
	cause error
}

func (e *goneError) Error() string {
	return fmt.Sprintf("it did not answer the last %d calls, and is tried again once in %s: %v", tripAfter, probeEvery,
		e.cause)
}

func (e *goneError) Unwrap() []error { return []error{fault.ErrUnavailable, e.cause} }

// probe marks the context of a call that goes through to a server that is gone: a connection that is made for it sends
// commands of its own.
type probe struct{}

// allow says whether a call may go to the server, and with which context.
func (c *circuit) allow(ctx context.Context, now time.Time) (context.Context, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	switch {
	case c.failures < tripAfter || ctx.Value(probe{}) != nil:
		return ctx, nil
	case now.Before(c.probeAt):
		return ctx, &goneError{c.cause}
	}
	c.probeAt = now.Add(probeEvery)
	return context.WithValue(ctx, probe{}, true), nil
}

// report takes note of how a call ended that began at an instant.
func (c *circuit) report(ctx context.Context, began time.Time, err error) {
	now := c.now()
	switch verdict := c.judge(err, now.Sub(began)); verdict {
	case answered:
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.failures, c.cause = 0, nil
	case unanswered:
		if c.onGone != nil {
			c.onGone(context.WithoutCancel(ctx))
		}
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.failures, c.cause = min(c.failures+1, tripAfter), err
		c.probeAt = now.Add(probeEvery)
	case unknown:
	}
}

// verdict is what the end of a call says about the server.
type verdict int

const (
	answered verdict = iota
	unanswered
	unknown
)

func (c *circuit) judge(err error, waited time.Duration) verdict {
	if err == nil {
		return answered
	}
	if _, ok := errors.AsType[goredis.Error](err); ok {
		return answered
	}
	_, ours := errors.AsType[*goneError](err)
	switch {
	case ours, errors.Is(err, context.Canceled), errors.Is(err, goredis.ErrPoolTimeout),
		errors.Is(err, goredis.ErrPoolExhausted), errors.Is(err, goredis.ErrClosed):
		return unknown
	case isTimeout(err) && waited < c.patience:
		return unknown
	}
	return unanswered
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// DialHook implements goredis.Hook. A dial that fails is the end of the command that it was for.
func (c *circuit) DialHook(next goredis.DialHook) goredis.DialHook { return next }

// ProcessHook implements goredis.Hook.
func (c *circuit) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		began := c.now()
		ctx, err := c.allow(ctx, began)
		if err != nil {
			cmd.SetErr(err)
			return err
		}
		err = next(ctx, cmd)
		c.report(ctx, began, err)
		return err
	}
}

// ProcessPipelineHook implements goredis.Hook.
func (c *circuit) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		began := c.now()
		ctx, err := c.allow(ctx, began)
		if err != nil {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		err = next(ctx, cmds)
		c.report(ctx, began, err)
		return err
	}
}
