// Package httpjson answers over HTTP what the gRPC services answer: it reads JSON, calls the same services, and writes
// what they return as JSON. openapi.yaml describes it.
//
// Every call goes through Backend.Call, which does for it what the server's interceptors do for gRPC, and whose errors
// are gRPC statuses. So deadlines, permissions, limits and the kinds of errors are the same on both sides.
//
// The JSON is not that of protobuf, in which every column is an object with a type. A look-up is asked for as people
// would write it, and the types of its keys come from the definitions (R9):
//
//	POST /v1/online-features
//	{"feature_service": "pricing", "keys": {"ticker": ["ACME", "INIT"]}}
//
// So a request is read in two steps (lookup.go): the selection first, which says what keys there are and of which
// types, and then the keys.
package httpjson

import (
	"context"
	_ "embed" // The OpenAPI document.
	"net/http"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
)

// Backend is what answers.
type Backend interface {
	// Call runs handle as a call of the gRPC method. The context carries the request's metadata and peer.
	Call(ctx context.Context, method string, handle func(context.Context) (any, error)) (any, error)
	// Columns are the label columns that a request's selection reads its keys from, and those of its request inputs.
	Columns(request *plumbv1.GetOnlineFeaturesRequest) (keys, inputs []feature.Field, err error)
	// LookUp answers a look-up. The caller releases the reply.
	LookUp(ctx context.Context, request *plumbv1.GetOnlineFeaturesRequest) (*lookup.Reply, error)
	// PushRows is Push of rows that are JSON objects.
	PushRows(ctx context.Context, view string, rows push.JSON, atomic bool) (
		*plumbv1.PushResponse, error)
	// Check refuses a message that breaks the rules of its fields.
	Check(request proto.Message) error
	// Condition is the document of /readyz, and whether the server is ready.
	Condition() (document any, ready bool)
}

// Config says what is answered, and within which bounds.
type Config struct {
	Backend  Backend
	Registry plumbv1.RegistryServiceServer
	Project  plumbv1.ProjectServiceServer
	// Handlers answer more paths, such as /metrics.
	Handlers map[string]http.Handler
	// MaxBody bounds the body of a request, MaxReply that of a look-up's reply, in bytes.
	MaxBody, MaxReply int
}

//go:embed openapi.yaml
var openAPI []byte

// New returns the handler of all paths.
func New(config Config) http.Handler {
	a := &api{config}
	mux := http.NewServeMux()
	for path, handler := range config.Handlers {
		mux.Handle(path, handler)
	}
	mux.Handle("/healthz", only(http.MethodGet, a.health))
	mux.Handle("/readyz", only(http.MethodGet, a.readiness))
	mux.Handle("/v1/openapi.yaml", only(http.MethodGet, a.openAPI))
	mux.Handle("/v1/online-features", only(http.MethodPost,
		a.called(plumbv1.ServingService_GetOnlineFeatures_FullMethodName, a.onlineFeatures)))
	mux.Handle("/v1/push", only(http.MethodPost, a.called(plumbv1.ServingService_Push_FullMethodName, a.push)))
	a.addRegistry(mux)
	a.addProject(mux)
	a.addTrainingSets(mux)
	a.addOperations(mux)
	mux.HandleFunc("/", a.unknown)
	return mux
}

type api struct{ Config }

func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (a *api) readiness(w http.ResponseWriter, _ *http.Request) {
	condition, ready := a.Backend.Condition()
	code := http.StatusOK
	if !ready {
		code = http.StatusServiceUnavailable
	}
	writeJSON(w, code, condition)
}

func (a *api) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml")
	_, _ = w.Write(openAPI) // A client that is gone gets nothing.
}

func (a *api) unknown(w http.ResponseWriter, r *http.Request) {
	writeError(w, notFound(r.URL.Path))
}

// answer answers one call with a value that is written as JSON.
type answer func(ctx context.Context, r *http.Request) (any, error)

// called makes a handler of an answer: a call of the gRPC method. The body is read within the call, so nothing of it is
// read for a caller that is not let in.
func (a *api) called(method string, answer answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, int64(a.MaxBody))
		reply, err := a.Backend.Call(Incoming(r), method, func(ctx context.Context) (any, error) { return answer(ctx, r) })
		if err != nil {
			writeError(w, err)
			return
		}
		writeJSON(w, http.StatusOK, reply)
	}
}

// only refuses other methods.
func only(method string, handle http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method || r.Method == http.MethodHead && method == http.MethodGet {
			handle(w, r)
			return
		}
		w.Header().Set("Allow", method)
		writeError(w, wrongMethod(r, method))
	})
}
