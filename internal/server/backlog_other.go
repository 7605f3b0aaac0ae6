//go:build !linux

package server

import "net"

// Other systems do not tell what waits to be accepted: closing the listener resets it.

func ignoreNew(net.Listener) {}

func hasBacklog(net.Listener) bool { return false }
