package storetest

import (
	"context"
	"sync/atomic"
)

// countdown is a context that is cancelled after it has been looked at a given number of times, so that a test can
// cancel in the middle of a run, at the same place every time and without waiting.
type countdown struct {
	context.Context
	left   atomic.Int64
	cancel context.CancelFunc
}

func newCountdown(parent context.Context, looks int) *countdown {
	ctx, cancel := context.WithCancel(parent)
	c := &countdown{Context: ctx, cancel: cancel}
	c.left.Store(int64(looks))
	return c
}

func (c *countdown) look() {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
}

// Done implements context.Context.
func (c *countdown) Done() <-chan struct{} {
	c.look()
	return c.Context.Done()
}

// Err implements context.Context.
func (c *countdown) Err() error {
	c.look()
	return c.Context.Err()
}
