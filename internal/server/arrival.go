package server

import (
	"context"
	"sync/atomic"
	"time"
)

// arrival is a call from its first byte on. It counts among those whose message may be in memory. It ends if its
// message takes too long to come, since a caller that stalls would hold its place forever.
//
// A unary call counts until it ends, since its message is in memory for as long. A stream counts until its first
// message has come: it may last for hours, and has bounds of its own.
type arrival struct {
	counted *limiter
	left    atomic.Bool
	late    *time.Timer
}

// arrivalKey is the key of a call's arrival in its context.
type arrivalKey struct{}

// expect waits for the message of a call. The context that it returns is done once that has not come within the limit.
func (s *Server) expect(ctx context.Context) (context.Context, error) {
	if err := s.arriving.enter(); err != nil {
		return ctx, err
	}
	ctx, end := context.WithCancel(ctx)
	a := &arrival{counted: &s.arriving, late: time.AfterFunc(s.config.MessageTimeout, end)}
	context.AfterFunc(ctx, func() { a.arrived(); a.leave() })
	return context.WithValue(ctx, arrivalKey{}, a), nil
}

// arrivalOf is nil for a call over HTTP, for which net/http bounds how long a body may take.
func arrivalOf(ctx context.Context) *arrival {
	a, _ := ctx.Value(arrivalKey{}).(*arrival)
	return a
}

// arrived says that the message is there whole.
func (a *arrival) arrived() {
	if a != nil {
		a.late.Stop()
	}
}

// leave counts the call no longer.
func (a *arrival) leave() {
	if a != nil && a.left.CompareAndSwap(false, true) {
		a.counted.leave()
	}
}
