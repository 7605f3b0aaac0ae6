package process

import (
	"context"
	"fmt"
	"net"
)

// FreeAddress returns a host:port on which nothing listens, for a program that is about to.
func FreeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}
