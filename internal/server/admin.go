package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/plumbstore/plumb/internal/server/httpjson"
)

// adminField is the setting that the address comes from.
const adminField = "serving.admin"

// headerTime bounds how long a client of HTTP may take to say what it wants.
const headerTime = 5 * time.Second

// admin answers operators. If it has no address it does nothing.
//
// It has an address of its own since nobody is authenticated there: Prometheus has no token, and a profile shows what
// is in the memory of the process. So the address has to be loopback unless Insecure is set.
type admin struct {
	listener net.Listener
	http     *http.Server
}

func listenAdmin(ctx context.Context, config Config) (*admin, error) {
	if config.AdminAddress == "" {
		return &admin{}, nil
	}
	exposed := "nobody is authenticated there"
	if config.Insecure {
		exposed = ""
	}
	listener, err := listen(ctx, adminField, config.AdminAddress, exposed)
	if err != nil {
		return nil, err
	}
	if config.Certificates != nil {
		listener = tls.NewListener(listener, config.Certificates.Config("http/1.1"))
	}
	handler := httpjson.NewHosts(config.AdminAddress, config.Hosts).Guard(config.Metrics.AdminHandler())
	return &admin{listener, &http.Server{Handler: handler, ReadHeaderTimeout: headerTime}}, nil
}

// serve answers until ctx is done. Calls in flight are cut off then: they only read.
func (a *admin) serve(ctx context.Context) error {
	if a.listener == nil {
		return nil
	}
	defer context.AfterFunc(ctx, func() { _ = a.http.Close() })()
	if err := a.http.Serve(a.listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (a *admin) close() error {
	if a.listener == nil {
		return nil
	}
	return a.listener.Close()
}

// AdminAddress is where operators are answered; empty if they are not.
func (s *Server) AdminAddress() string {
	if s.admin.listener == nil {
		return ""
	}
	return s.admin.listener.Addr().String()
}
