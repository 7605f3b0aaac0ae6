package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/server"
)

// A web page can be given a name that points at this machine (DNS rebinding). Its requests have that name as Host.
func TestHTTPIsAnsweredUnderTheServersOwnNamesAlone(t *testing.T) {
	r := startShops(t, overHTTP, func(c *server.Config) {
		c.Hosts, c.AdminAddress = []string{"Features.Example.com", "10.1.2.3"}, "127.0.0.1:0"
	})
	_, port, _ := strings.Cut(r.server.HTTPAddress(), ":")
	const lookUp = `{"features":["world:rate"]}`
	for _, c := range []struct {
		host, origin string
		refused      bool
	}{
		{host: "127.0.0.1:" + port}, {host: "localhost:" + port}, {host: "LOCALHOST.:" + port}, {host: "localhost"},
		{host: "plumb.localhost:8080"}, {host: "[::1]:" + port}, {host: "[::1]"}, {host: "127.9.9.9"},
		{host: "[::ffff:127.0.0.1]:1"}, {host: "features.example.com"}, {host: "FEATURES.example.com.:443"},
		{host: "10.1.2.3"},
		{host: "evil.example", refused: true}, {host: "evil.example:" + port, refused: true},
		{host: "localhost.evil.example", refused: true}, {host: "evillocalhost", refused: true},
		{host: "127.0.0.1.evil.example", refused: true}, {host: "10.1.2.4", refused: true}, {host: "[::2]", refused: true},
		{host: "x.features.example.com", refused: true}, {host: "localhost:evil", refused: true},
		{host: "0.0.0.0", refused: true}, {host: "2130706433", refused: true},
		{host: "localhost:" + port, origin: "http://localhost:" + port},
		{host: "localhost:" + port, origin: "https://LOCALHOST:" + port},
		{host: "localhost", origin: "http://localhost"}, {host: "localhost", origin: "https://localhost:443"},
		{host: "localhost:" + port, origin: "https://features.example.com"},
		{host: "localhost:" + port, origin: "http://features.example.com:3000"},
		{host: "localhost:" + port, origin: "http://localhost:3000", refused: true},
		{host: "localhost:" + port, origin: "http://evil.example", refused: true},
		{host: "localhost:" + port, origin: "null", refused: true},
		{host: "localhost:" + port, origin: "file://", refused: true},
		{host: "localhost:" + port, origin: "http://localhost:" + port + ".evil.example", refused: true},
	} {
		for _, path := range []string{"/v1/online-features", "/v1/push", "/v1/registry/views", "/metrics", "/none"} {
			got := r.askAs(c.host, c.origin, "http://"+r.server.HTTPAddress()+path, lookUp)
			if refused := got.status == http.StatusForbidden; refused != c.refused {
				t.Errorf("%s under Host %q from Origin %q: status %d: %s", path, c.host, c.origin, got.status, got.body)
			}
		}
		if got := r.askAs(c.host, c.origin, "http://"+r.admin+"/debug/pprof/cmdline", ""); (got.status == 403) != c.refused {
			t.Errorf("profiles under Host %q from Origin %q: status %d", c.host, c.origin, got.status)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} { // Probes address a server in many ways.
		if got := r.askAs("pod-7.plumb.internal", "", "http://"+r.server.HTTPAddress()+path, ""); got.status != 200 {
			t.Errorf("%s under another Host: status %d", path, got.status)
		}
		got := r.askAs("evil.example", "http://evil.example", "http://"+r.server.HTTPAddress()+path, "")
		if got.status != 403 {
			t.Errorf("%s from a page of another site: status %d", path, got.status)
		}
	}
}

func TestEveryHostIsTakenWhereThatIsConfigured(t *testing.T) {
	r := startShops(t, overHTTP, func(c *server.Config) { c.Hosts = []string{"*"} })
	url := "http://" + r.server.HTTPAddress() + "/v1/registry/revision"
	if got := r.askAs("anything.example:80", "", url, ""); got.status != 200 {
		t.Errorf("status %d: %s", got.status, got.body)
	}
	if got := r.askAs("anything.example", "http://evil.example", url, ""); got.status != 403 {
		t.Errorf("from a page of another site: status %d", got.status)
	}
}

// askAs asks under a Host and from an Origin; with a body by POST.
func (r *running) askAs(host, origin, url, body string) reply {
	r.t.Helper()
	method := http.MethodPost
	if strings.Contains(url, "/registry/") || !strings.Contains(url, "/v1/") {
		method, body = http.MethodGet, ""
	}
	request := must(http.NewRequestWithContext(r.t.Context(), method, url, strings.NewReader(body)))(r.t)
	request.Host = host
	if origin != "" {
		request.Header.Set("Origin", origin)
	}
	return r.sendUnchecked(request)
}
