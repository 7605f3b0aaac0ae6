package httpjson

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"
)

// Hosts are the names that a server is addressed by over HTTP. A web page whose name has been pointed at this machine
// (DNS rebinding) sends that name as Host, and a page of another site sends its own address as Origin. Browsers cannot
// be made to send anything else, so both are refused, even if no token is needed.
//
// For example, a page of evil.example, whose name leads to 127.0.0.1 the second time it is asked for, can send a
// request to port 6571 of its visitor. The browser takes that for a request of the page to its own site, and would let
// it read the answer. Its Host is evil.example:6571, which is no name of this server.
type Hosts struct {
	bound      string
	configured []string
}

// AnyHost among the configured names allows every Host.
const AnyHost = "*"

// NewHosts returns the names of a server that listens on a host:port and has these names besides. Loopback, and the
// address at which a connection arrives, are always names of a server.
func NewHosts(address string, configured []string) Hosts {
	hosts := Hosts{bound: hostname(address)}
	for _, name := range configured {
		hosts.configured = append(hosts.configured, hostname(name))
	}
	return hosts
}

// Guard refuses requests to other hosts, and from pages of other sites. The paths in open may be asked under any Host:
// probes address a server in many ways.
func (h Hosts) Guard(next http.Handler, open ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch origin := foreign(r.Header.Values("Origin"), func(origin string) bool { return h.owns(r, origin) }); {
		case !slices.Contains(open, r.URL.Path) && !h.includes(r, hostname(r.Host)):
			writeError(w, wrongHost(r.Host))
		case origin != "":
			writeError(w, wrongOrigin(origin))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// foreign is the first of the origins that is not the server's own; empty if there is none.
func foreign(origins []string, own func(string) bool) string {
	for _, origin := range origins {
		if !own(origin) {
			return strconv.Quote(origin)
		}
	}
	return ""
}

// includes says whether a name is the server's.
func (h Hosts) includes(r *http.Request, name string) bool {
	if slices.Contains(h.configured, AnyHost) || slices.Contains(h.configured, name) {
		return true
	}
	if address, err := netip.ParseAddr(name); err == nil {
		return address.Unmap().IsLoopback() || address.Unmap() == arrivedAt(r)
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || name != "" && name == h.bound
}

// arrivedAt is the server's own address on the request's connection.
func arrivedAt(r *http.Request) netip.Addr {
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return local.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// owns says whether an origin is the server itself, or a site of a configured name, on any port. The scheme is left
// aside, since a proxy may speak TLS for the server. Under a name that is not configured the port has to be the
// server's, too: on another port of this machine another program may serve pages.
func (h Hosts) owns(r *http.Request, origin string) bool {
	page, err := url.Parse(origin)
	if err != nil || page.Host == "" || page.Scheme != "http" && page.Scheme != "https" {
		return false // Such as null, which a sandboxed page sends.
	}
	name := hostname(page.Host)
	if slices.Contains(h.configured, name) {
		return true
	}
	return h.includes(r, name) && withPort(page.Host, page.Scheme) == withPort(r.Host, page.Scheme)
}

// hostname is the name in a Host such as LOCALHOST.:6571 or [::1]:6571; empty if there is none.
func hostname(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); port != "" && err != nil {
			return ""
		}
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// withPort returns a host with its port, or with the port of the scheme if it has none.
func withPort(host, scheme string) string {
	port := map[string]string{"http": "80", "https": "443"}[scheme]
	if _, given, err := net.SplitHostPort(host); err == nil && given != "" {
		port = given
	}
	return net.JoinHostPort(hostname(host), port)
}

func wrongHost(host string) error {
	return &requestError{http.StatusForbidden, codes.PermissionDenied, "Host " + strconv.Quote(host) +
		" is not a name of this server; ask it by its address, or add the name to serving.hosts"}
}

func wrongOrigin(quoted string) error {
	return &requestError{http.StatusForbidden, codes.PermissionDenied, "pages of Origin " + quoted +
		" may not ask this server; add the name of their host to serving.hosts where they may"}
}
