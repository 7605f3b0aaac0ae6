package server

import (
	"context"
	"net"
	"testing"
	"time"
)

// The kernel completes connections on its own. If a listener took new ones until it is closed, some would be reset.
func TestAListenerThatEndsTakesNoNewConnectionAndKeepsThoseItHas(t *testing.T) {
	listener, err := listen(t.Context(), "serving.http", "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	dial := func() (net.Conn, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	waiting, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	ignoreNew(listener)
	if !hasBacklog(listener) {
		t.Error("the connection that waits is not seen")
	}
	if late, err := dial(); err == nil {
		_ = late.Close()
		t.Error("a client connected to a listener that takes no new connections")
	}
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	if hasBacklog(listener) {
		t.Error("a connection waits after the only one was accepted")
	}
}
