package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/plumbstore/plumb/internal/fault"
)

// The settings that addresses come from.
const (
	addressField       = "serving.grpc"
	httpAddressField   = "serving.http"
	flightAddressField = "serving.flight"
	feastAddressField  = "serving.feast"
)

// listenAll binds the addresses of a configuration, all or none.
func listenAll(ctx context.Context, config Config) ([]net.Listener, error) {
	first, err := listen(ctx, addressField, config.Address, config.exposed())
	if err != nil || config.Offline == nil || config.FlightAddress == "" {
		return []net.Listener{first}, err
	}
	second, err := listen(ctx, flightAddressField, config.FlightAddress, config.exposed())
	if err != nil {
		return nil, errors.Join(err, first.Close())
	}
	return []net.Listener{first, second}, nil
}

func closeAll(listeners []net.Listener) error {
	var failures []error
	for _, listener := range listeners {
		failures = append(failures, listener.Close())
	}
	return errors.Join(failures...)
}

// listen binds a TCP address, which comes from a setting. exposed is why others must not reach it, or empty.
//
// A name is resolved once. The address that was found to be loopback is the one that is bound, and not what the name
// may lead to a moment later.
func listen(ctx context.Context, addressField, address, exposed string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fault.Inputf(addressField, "%q is no address of the form host:port", address)
	}
	resolved, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, fault.Inputf(addressField, "%q cannot be resolved: %v", address, err)
	}
	if exposed != "" && !resolved.IP.IsLoopback() {
		return nil, fault.Inputf(addressField, "%q can be reached from other machines, and %s, listen on 127.0.0.1, or "+
			"allow it with --insecure", address, exposed)
	}
	if host != "" {
		address = resolved.String()
	}
	var config net.ListenConfig
	config.SetMultipathTCP(false) // ignoreNew filters the packets of a TCP socket.
	listener, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is in use by another program: end that one, or %s: %w", address,
			otherAddress(addressField), err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return listener, nil
}

// otherAddress says what to do if the address of a setting is taken.
func otherAddress(field string) string {
	if field == addressField {
		return "choose another address with " + field
	}
	return "choose another address with " + field + ", or turn it off with " + field + ": \"\""
}
