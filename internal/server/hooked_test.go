package server_test

import (
	"context"
	"sync/atomic"

	"github.com/plumbstore/plumb/store/online"
)

// hooked is a real store that a test can stop in the middle of a read.
type hooked struct {
	online.Store
	hook atomic.Pointer[func(context.Context)]
}

func (h *hooked) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	if hook := h.hook.Load(); hook != nil {
		(*hook)(ctx)
	}
	return h.Store.Read(ctx, gets)
}

// onRead has every later read call the function first; nil ends that.
func (h *hooked) onRead(do func(context.Context)) {
	if do == nil {
		h.hook.Store(nil)
		return
	}
	h.hook.Store(&do)
}

// holdReads makes reads wait, until release is called or their context is done. Each sends on entered first.
func (h *hooked) holdReads() (entered <-chan struct{}, release func()) {
	in, out := make(chan struct{}, 100), make(chan struct{})
	h.onRead(func(ctx context.Context) {
		in <- struct{}{}
		select {
		case <-out:
		case <-ctx.Done():
		}
	})
	return in, func() { h.onRead(nil); close(out) }
}
