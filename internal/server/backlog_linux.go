package server

import (
	"net"

	"golang.org/x/sys/unix"
)

// ignoreNew drops the packets of clients that begin to connect, so that the backlog only shrinks. Connections that have
// begun are completed. The others try again in a second, and are refused once the listener is closed.
func ignoreNew(listener net.Listener) {
	const flags, syn, pass, drop = 13, 0x02, 0xffff, 0 // The filter sees packets from their TCP header on.
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: syn, Jt: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: pass},
		{Code: unix.BPF_RET | unix.BPF_K, K: drop},
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	control(listener, func(fd int) {
		// If it is not allowed, clients that connect in the moment before the listener is closed are reset.
		_ = unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &filter)
	})
}

// hasBacklog says whether a connection waits to be accepted.
func hasBacklog(listener net.Listener) bool {
	waiting := 0
	control(listener, func(fd int) {
		waiting, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	})
	return waiting > 0
}

// control does nothing if the listener has been closed.
func control(listener net.Listener, do func(fd int)) {
	if tcp, ok := listener.(*net.TCPListener); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			_ = raw.Control(func(fd uintptr) { do(int(fd)) })
		}
	}
}
