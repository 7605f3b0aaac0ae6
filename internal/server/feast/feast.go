// Package feast answers clients of Feast that were not changed for Plumb. It speaks the HTTP API of Feast's feature
// server and feast.serving.ServingService of gRPC, and answers from the same look-ups as the other protocols.
//
// Every call over HTTP goes through Backend.Call under the name of a method of gRPC. So deadlines, permissions and
// limits are those of the other protocols. What differs is the form of requests, answers and errors:
//
//	POST /get-online-features
//	{"features": ["price:euros"], "entities": {"shop": ["a", "b"]}}
//
//	{"results": [{"values": ["a", "b"], "statuses": ["PRESENT", "PRESENT"], "event_timestamps": […]},
//		{"values": [2.5, null], "statuses": ["PRESENT", "NOT_FOUND"], "event_timestamps": […]}],
//		"metadata": {"feature_names": ["shop", "euros"]}}
//
// A client of Feast repeats a call that fails with 429 or a status of 500 and above, and then reports the number of its
// tries and not the text. So what is wrong with a request is always 404 or 422 (errors.go).
package feast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/server/httpjson"
	feastserving "github.com/plumbstore/plumb/proto/feast/serving"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
)

// The methods of gRPC under whose names calls over HTTP are let in and counted. Feast has no service for pushes.
const (
	methodGetOnlineFeatures = feastserving.ServingService_GetOnlineFeatures_FullMethodName
	methodPush              = plumbv1.ServingService_Push_FullMethodName
)

// Backend is what answers.
type Backend interface {
	// Call runs handle as a call of the gRPC method. The context carries the request's metadata and peer.
	Call(ctx context.Context, method string, handle func(context.Context) (any, error)) (any, error)
	// Columns are the label columns that a request's selection reads its keys from, and those of its request inputs.
	Columns(request *plumbv1.GetOnlineFeaturesRequest) (keys, inputs []feature.Field, err error)
	// LookUp answers a look-up. The caller releases the reply.
	LookUp(ctx context.Context, request *plumbv1.GetOnlineFeaturesRequest) (*lookup.Reply, error)
	// PushRows writes rows of a view that are JSON objects; all of them or none, if atomic.
	PushRows(ctx context.Context, view string, rows push.JSON, atomic bool) (*plumbv1.PushResponse, error)
	// Snapshot is the newest revision, or the reason that there is none.
	Snapshot() (*feature.Snapshot, error)
	// Serves says whether there is a revision to answer from.
	Serves() bool
}

// Config says what answers, and within which bounds.
type Config struct {
	Backend Backend
	// MaxBody bounds the body of a request, MaxReply that of a reply, in bytes.
	MaxBody, MaxReply int
}

type api struct{ Config }

// New returns the handler of all paths.
func New(config Config) http.Handler {
	a := &api{config}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", a.health)
	mux.HandleFunc("POST /get-online-features", a.called(methodGetOnlineFeatures, a.getOnlineFeatures))
	mux.HandleFunc("POST /push", onlyJSON(a.called(methodPush, a.push)))
	mux.HandleFunc("POST /write-to-online-store", onlyJSON(a.called(methodPush, a.writeToOnlineStore)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeError(w, &requestError{status: http.StatusNotFound, class: anyError,
			message: r.Method + " " + strconv.Quote(r.URL.Path) + " is not answered here; docs/feast.md lists what is"})
	})
	return mux
}

// health answers as Feast does: with a status alone, which says whether there are definitions.
func (a *api) health(w http.ResponseWriter, _ *http.Request) {
	if !a.Backend.Serves() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// called makes a handler of an answer: a call of the method. The body is read within the call, so nothing of it is read
// for a caller that is not let in. The answer is JSON.
func (a *api) called(method string, answer func(ctx context.Context, body []byte) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, int64(a.MaxBody))
		reply, err := a.Backend.Call(httpjson.Incoming(r), method, func(ctx context.Context) (any, error) {
			text, err := body(r)
			if err != nil {
				return nil, err
			}
			return answer(ctx, text)
		})
		if err != nil {
			writeError(w, err)
			return
		}
		writeText(w, http.StatusOK, reply.([]byte))
	}
}

// onlyJSON refuses a body that does not say that it is JSON, of requests that change something: a browser asks before
// it sends such a request for a page of another site.
func onlyJSON(handle http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Get("Content-Type")
		if kind, _, err := mime.ParseMediaType(given); err != nil || kind != "application/json" {
			writeError(w, &requestError{status: http.StatusUnsupportedMediaType, class: anyError,
				message: "Content-Type must be application/json, not " + strconv.Quote(given)})
			return
		}
		handle(w, r)
	}
}

// body reads the JSON text of a request.
func body(r *http.Request) ([]byte, error) {
	text, err := io.ReadAll(r.Body)
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &requestError{status: http.StatusRequestEntityTooLarge, class: anyError,
			message: fmt.Sprintf("the body has more than %d bytes, which is the most that is taken", tooLarge.Limit)}
	}
	if err == nil {
		err = document.CheckJSON(text)
	}
	if err != nil {
		return nil, fault.Inputf(inBody, "%v", err)
	}
	return text, nil
}

func writeText(w http.ResponseWriter, status int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // A client that is gone gets nothing.
}
