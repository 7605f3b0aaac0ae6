package server

import (
	"context"
	"net"
	"time"
)

// handshakeTime is how long connections that have begun get to be completed: some round trips in one network.
const handshakeTime = 50 * time.Millisecond

// emptyBacklog returns once no connection waits to be accepted, or ctx is done. Call it before closing a listener that
// is still being accepted from. A client is connected as soon as the kernel has queued it, and may have sent its
// request by then: closing the listener would reset those connections.
func emptyBacklog(ctx context.Context, listener net.Listener) {
	ignoreNew(listener)
	completed := time.NewTimer(handshakeTime)
	defer completed.Stop()
	select {
	case <-completed.C:
	case <-ctx.Done():
		return
	}
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for hasBacklog(listener) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}
