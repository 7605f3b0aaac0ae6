package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server/feast"
	"github.com/plumbstore/plumb/internal/server/httpjson"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
)

// Bounds of a connection. A call has its own deadline; these end clients that stall, and connections that rest for
// longer than load balancers keep theirs. lastWord is how long a connection may rest while the server drains.
const (
	bodyTime       = 30 * time.Second
	replyTime      = 2 * time.Minute
	restTime       = 2 * time.Minute
	lastWord       = 2 * time.Second
	maxHeaderBytes = 64 << 10
)

// web is an HTTP side of a server.
type web struct {
	// name is of the protocol, for the log.
	name     string
	listener net.Listener
	server   *http.Server
	// draining says that each connection ends with the next reply.
	draining atomic.Bool
	open     *connections
	// running is read-locked by every call, and locked for good once no more may run.
	running sync.RWMutex
}

// listenHTTP binds HTTPAddress. Without one, HTTP is not served.
func (s *Server) listenHTTP(ctx context.Context, service *serving, definitions *definitions, cases *useCases,
) (err error) {
	s.web, err = s.newWeb(ctx, "HTTP", httpAddressField, s.config.HTTPAddress, func(web *web) http.Handler {
		return httpjson.NewHosts(s.config.HTTPAddress, s.config.Hosts).Guard(httpjson.New(httpjson.Config{
			Backend:  &backend{s, service, web},
			Registry: definitions,
			Project:  cases,
			Handlers: s.handlers(),
			MaxBody:  s.config.MaxRequestBytes,
			MaxReply: s.config.MaxResponseBytes,
		}), "/healthz", "/readyz")
	})
	return err
}

// listenFeast binds FeastAddress. Without one, clients of Feast are not answered.
func (s *Server) listenFeast(ctx context.Context, service *serving) (err error) {
	s.feast, err = s.newWeb(ctx, "Feast", feastAddressField, s.config.FeastAddress, func(web *web) http.Handler {
		return httpjson.NewHosts(s.config.FeastAddress, s.config.Hosts).Guard(feast.New(feast.Config{
			Backend:  &backend{s, service, web},
			MaxBody:  s.config.MaxRequestBytes,
			MaxReply: s.config.MaxResponseBytes,
		}), "/health")
	})
	return err
}

// newWeb binds an address that comes from a setting; it returns nil if that is empty.
func (s *Server) newWeb(ctx context.Context, name, field, address string, handler func(*web) http.Handler) (
	*web, error,
) {
	if address == "" {
		return nil, nil
	}
	listener, err := listen(ctx, field, address, s.config.exposed())
	if err != nil {
		return nil, err
	}
	w := &web{name: name, listener: listener, open: newConnections()}
	w.server = &http.Server{
		Handler:           w.closing(handler(w)),
		ConnState:         w.open.note,
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		WriteTimeout:      replyTime,
		IdleTimeout:       restTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelWarn),
	}
	if s.config.Certificates != nil {
		w.server.TLSConfig = s.config.Certificates.Config("h2", "http/1.1")
	}
	return w, nil
}

// webs are those that are served.
func (s *Server) webs() []*web {
	return slices.DeleteFunc([]*web{s.web, s.feast}, func(w *web) bool { return w == nil })
}

// handlers answer what is not part of the API. Prometheus has no token, so if callers need one, it is answered only at
// AdminAddress.
func (s *Server) handlers() map[string]http.Handler {
	if s.config.Guard != nil {
		return nil
	}
	return map[string]http.Handler{"GET /metrics": s.config.Metrics.Handler()}
}

// HTTPAddress is where the server listens for HTTP, with the actual port; empty if it does not.
func (s *Server) HTTPAddress() string { return s.web.address() }

// FeastAddress is where the server listens for clients of Feast, with the actual port; empty if it does not.
func (s *Server) FeastAddress() string { return s.feast.address() }

func (w *web) address() string {
	if w == nil {
		return ""
	}
	return w.listener.Addr().String()
}

// accept answers until the server is drained or closed.
func (w *web) accept() error {
	serve := w.server.Serve
	if w.server.TLSConfig != nil {
		serve = func(l net.Listener) error { return w.server.ServeTLS(l, "", "") }
	}
	if err := serve(w.listener); !errors.Is(err, http.ErrServerClosed) && !w.draining.Load() {
		return err
	}
	return nil
}

// closing makes the replies of a draining server the last ones of their connections. A client that keeps its connection
// learns so that it has to make another one, before the server closes it.
func (w *web) closing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(reply http.ResponseWriter, r *http.Request) {
		if w.draining.Load() {
			reply.Header().Set("Connection", "close")
		}
		next.ServeHTTP(reply, r)
	})
}

// drain takes no more connections. Those that are there are answered once more, with the word that it is the last time:
// closing a connection that rests would lose a request that is on its way. One that goes on resting is closed after
// lastWord. drain waits for the calls in flight until ctx is done, and then cuts off what is left. It returns once none
// runs.
func (w *web) drain(ctx context.Context) error {
	w.draining.Store(true)
	patience, cancel := context.WithTimeout(ctx, lastWord)
	defer cancel()
	emptyBacklog(patience, w.listener)
	closed := w.listener.Close()
	w.open.wait(patience)
	err := w.server.Shutdown(ctx)
	if errors.Is(err, net.ErrClosed) {
		err = closed // Shutdown closes the listener again if accept has not returned yet.
	}
	if err != nil {
		_ = w.server.Close() // The connections are gone either way.
	}
	w.running.Lock()
	return err
}

// backend is what HTTP answers from.
//
// Its calls go through the interceptor of gRPC under the name of the gRPC method, so that deadlines, roles, metrics and
// statuses do not depend on the protocol. What gRPC does outside of the interceptor is done here: counting the calls
// whose message is in memory, and refusing calls that come after the drain.
type backend struct {
	*Server
	service *serving
	web     *web
}

// Call runs handle behind the interceptor of unary calls.
func (b *backend) Call(ctx context.Context, method string, handle func(context.Context) (any, error)) (any, error) {
	if !b.web.running.TryRLock() {
		return nil, status.Error(codes.Unavailable, "the server is draining")
	}
	defer b.web.running.RUnlock()
	if err := b.arriving.enter(); err != nil {
		return nil, err
	}
	defer b.arriving.leave()
	info := &grpc.UnaryServerInfo{Server: b.service, FullMethod: method}
	return b.interceptUnary(ctx, nil, info, func(ctx context.Context, _ any) (any, error) { return handle(ctx) })
}

// Columns are those of the plan that the newest revision has for the request.
func (b *backend) Columns(request *plumbv1.GetOnlineFeaturesRequest) (keys, inputs []feature.Field, err error) {
	current, err := b.following.served()
	if err != nil {
		return nil, nil, err
	}
	prepared, err := current.lookup(request)
	if err != nil {
		return nil, nil, err
	}
	return prepared.Keys(), prepared.Inputs(), nil
}

// LookUp answers a look-up. The caller releases the reply.
func (b *backend) LookUp(ctx context.Context, request *plumbv1.GetOnlineFeaturesRequest) (*lookup.Reply, error) {
	return b.service.lookUp(ctx, request)
}

// PushRows pushes as Push does.
func (b *backend) PushRows(ctx context.Context, view string, rows push.JSON, atomic bool) (
	*plumbv1.PushResponse, error,
) {
	return b.service.push(ctx, view, rows, len(rows), atomic)
}

// Check refuses a message that breaks the rules of its fields, as the interceptor does for gRPC.
func (b *backend) Check(request proto.Message) error { return b.validate(request) }

// Snapshot is the newest revision that the server has seen.
func (b *backend) Snapshot() (*feature.Snapshot, error) { return b.snapshot() }

// Serves says whether there is a revision to answer from.
func (b *backend) Serves() bool { return b.revision() > 0 && b.draining.Err() == nil }

// Condition is the document of /readyz.
func (b *backend) Condition() (document any, ready bool) {
	current := b.Server.Condition()
	return current, current.Ready
}
