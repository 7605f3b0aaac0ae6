package objectstest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// Proxy stands before a server. It counts requests and the bytes of objects that pass, and does with requests what it
// is told.
type Proxy struct {
	// Endpoint is the proxy's URL.
	Endpoint string

	mu       sync.Mutex
	handler  Handler
	requests []string
	ranges   int
	bytes    int64
}

// Before starts a proxy before a server, which stops at the end of the test.
func Before(t testing.TB, s *Server) *Proxy {
	t.Helper()
	target, err := url.Parse(s.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{}
	next := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // It is signed.
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		handler := p.handler
		p.requests = append(p.requests, r.Method+" "+r.URL.RequestURI())
		p.mu.Unlock()
		counted := &counter{ResponseWriter: w, proxy: p, isRange: r.Header.Get("Range") != ""}
		if counted.isRange {
			p.mu.Lock()
			p.ranges++
			p.mu.Unlock()
		}
		if handler != nil {
			handler(counted, r, next)
			return
		}
		next.ServeHTTP(counted, r)
	}))
	t.Cleanup(server.Close)
	p.Endpoint = server.URL
	return p
}

// Do has requests handled so from now on; nil passes them on.
func (p *Proxy) Do(handler Handler) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

// Reset forgets what was counted.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.requests, p.ranges, p.bytes = nil, 0, 0
}

// Counted is how many requests there were, how many of them were for a range, and how many bytes of ranges passed.
func (p *Proxy) Counted() (requests, ranges int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.requests), p.ranges, p.bytes
}

// Requests are the methods and paths of what was asked.
func (p *Proxy) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

type counter struct {
	http.ResponseWriter
	proxy   *Proxy
	isRange bool
}

func (c *counter) Write(content []byte) (int, error) {
	if c.isRange {
		c.proxy.mu.Lock()
		c.proxy.bytes += int64(len(content))
		c.proxy.mu.Unlock()
	}
	return c.ResponseWriter.Write(content)
}

// Unwrap lets the proxy flush.
func (c *counter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
