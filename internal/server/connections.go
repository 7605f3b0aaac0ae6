package server

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// connections knows those that are open at an HTTP server.
//
// Shutdown of net/http closes connections that rest at once, and with them requests that are on their way. A drain
// waits here until the clients have closed them.
type connections struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	// none, if a caller waits, is closed once none is open.
	none chan struct{}
}

func newConnections() *connections { return &connections{open: map[net.Conn]bool{}} }

// note is the server's ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew:
		c.open[conn] = true
	case http.StateClosed, http.StateHijacked:
		delete(c.open, conn)
		c.tell()
	}
}

// tell wakes the waiting caller if no connection is open.
func (c *connections) tell() {
	if len(c.open) == 0 && c.none != nil {
		close(c.none)
		c.none = nil
	}
}

// wait returns when no connection is open, or ctx is done. It is called once.
func (c *connections) wait(ctx context.Context) {
	none := make(chan struct{})
	c.mu.Lock()
	c.none = none
	c.tell()
	c.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}
