package sparktest

import (
	"net"
	"sync"
	"testing"
)

// Proxy stands before a server. It counts the bytes of answers, and disturbs connections as it is told.
type Proxy struct {
	// Address is host:port, Remote is sc://host:port.
	Address, Remote string

	server   string
	listener net.Listener
	running  sync.WaitGroup

	mu          sync.Mutex
	changed     *sync.Cond
	connections map[net.Conn]bool
	// refusing closes connections that are new, holding keeps back what the server answers.
	refusing, holding, closed bool
	// left is how many bytes of answers pass before all connections are cut; it counts if cutting is set.
	left    int64
	cutting bool
	cuts    int
}

// Before starts a proxy before a server, which stops at the end of the test.
func Before(t testing.TB, s *Server) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	p := &Proxy{Address: address, Remote: "sc://" + address, server: s.Address, listener: listener,
		connections: map[net.Conn]bool{}}
	p.changed = sync.NewCond(&p.mu)
	p.running.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed, p.holding = true, false
		p.mu.Unlock()
		p.changed.Broadcast()
		_ = listener.Close() // Nothing was written.
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Cut closes all connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut()
}

func (p *Proxy) cut() {
	p.cuts++
	for connection := range p.connections {
		_ = connection.Close() // It is meant to break.
	}
	clear(p.connections)
}

// CutAfter closes all connections after so many more bytes of answers, once.
func (p *Proxy) CutAfter(bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.cutting = bytes, true
}

// Cuts is how often connections were closed by this proxy.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Refuse closes new connections from now on, or takes them again.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = refuse
}

// Hold keeps back all that the server answers from now on, or lets it pass again.
func (p *Proxy) Hold(hold bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holding = hold
	p.changed.Broadcast()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // It was closed.
		}
		p.mu.Lock()
		refused := p.refusing || p.closed
		p.mu.Unlock()
		server, err := net.Dial("tcp", p.server)
		if err != nil || refused {
			_ = client.Close() // As a server that is gone does.
			if err == nil {
				_ = server.Close()
			}
			continue
		}
		p.mu.Lock()
		p.connections[client], p.connections[server] = true, true
		p.mu.Unlock()
		p.running.Go(func() { p.pass(server, client, nil) })
		p.running.Go(func() { p.pass(client, server, p.answered) })
	}
}

// pass copies until either side ends, and then ends both.
func (p *Proxy) pass(to, from net.Conn, before func(count int) (pass int)) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		count, err := from.Read(buffer)
		if before != nil {
			count = before(count)
		}
		if _, writeErr := to.Write(buffer[:count]); writeErr != nil || err != nil {
			return
		}
	}
}

// answered waits while answers are held back, and returns how many of the bytes may pass.
func (p *Proxy) answered(count int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.holding {
		p.changed.Wait()
	}
	if !p.cutting {
		return count
	}
	if p.left -= int64(count); p.left < 0 {
		p.cutting = false
		p.cut()
		return 0
	}
	return count
}
