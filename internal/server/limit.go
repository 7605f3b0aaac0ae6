package server

import (
	"sync/atomic"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// limiter counts the calls that are being answered, and refuses those beyond the most. A server that takes ever more
// answers none of them in time.
type limiter struct {
	most     int64
	inFlight atomic.Int64
}

// enter returns an error if there is no room. A call that entered has to leave. It counts first and looks then, so that
// two calls cannot both get the last place.
func (l *limiter) enter() error {
	if l.inFlight.Add(1) > l.most {
		l.inFlight.Add(-1)
		return errBusy
	}
	return nil
}

func (l *limiter) leave() { l.inFlight.Add(-1) }

var errBusy = status.Error(codes.ResourceExhausted, "the server is answering as many calls as it may, which "+
	"serving.max_concurrent says; try again in a moment")
