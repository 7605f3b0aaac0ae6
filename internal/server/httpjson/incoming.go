package httpjson

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
)

// Incoming is the request's context with what gRPC would say of its caller: the authorization, the address, and what
// TLS knows.
func Incoming(r *http.Request) context.Context {
	told := metadata.MD{}
	if given := r.Header.Values("Authorization"); len(given) > 0 {
		told.Set("authorization", given...)
	}
	caller := &peer.Peer{Addr: address(r.RemoteAddr)}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		caller.LocalAddr = local
	}
	if r.TLS != nil {
		caller.AuthInfo = credentials.TLSInfo{
			State:          *r.TLS,
			CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		}
	}
	return peer.NewContext(metadata.NewIncomingContext(r.Context(), told), caller)
}

// address is the host:port of a caller.
type address string

func (a address) Network() string { return "tcp" }
func (a address) String() string  { return string(a) }

// jsonBody reads the body of a request that has to say that it is JSON: a browser asks before it sends such a request
// for a page of another site.
func jsonBody(r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, wrongType(r.Header.Get("Content-Type"))
	}
	return body(r)
}

// body reads the JSON text of a request. Requests that only read need no Content-Type: a page of another site cannot
// read the reply.
func body(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, bodyTooLarge(tooLarge.Limit)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	if err := document.CheckJSON(text); err != nil {
		return nil, fault.Inputf("", "the body %v", err)
	}
	return text, nil
}
