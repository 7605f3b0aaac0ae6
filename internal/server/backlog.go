package server

import (
	"context"
	"net"
	"time"
)

// emptyBacklog returns once no connection waits to be accepted, or ctx is done. Call it before closing a listener that
// somebody accepts from. A client is connected as soon as the kernel has queued it, and may have sent its request by
// then: closing the listener would reset those connections.
func emptyBacklog(ctx context.Context, listener net.Listener) {
	ignoreNew(listener)
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
