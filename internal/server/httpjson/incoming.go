package httpjson

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"unicode/utf8"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/plumbstore/plumb/registry"
)

// incoming is the request's context with what gRPC would say of its caller: the authorization, the address, and what
// TLS knows.
func incoming(r *http.Request) context.Context {
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

// body reads the JSON text of a request.
func body(r *http.Request) ([]byte, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, wrongType(r.Header.Get("Content-Type"))
	}
	text, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, bodyTooLarge(tooLarge.Limit)
	}
	switch {
	case err != nil:
		return nil, unreadable(err)
	case !utf8.Valid(text):
		return nil, registry.Inputf("", "the body is not UTF-8, which JSON is")
	}
	return text, nil
}
