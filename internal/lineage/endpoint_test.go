package lineage_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/plumbstore/plumb/internal/lineage"
)

// receiver is an HTTP endpoint that keeps what it is sent, unless answer does otherwise.
type receiver struct {
	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests, r.bodies = append(r.requests, request), append(r.bodies, string(body))
	w.WriteHeader(http.StatusCreated)
}

func endpoint(t *testing.T, address, key string) *lineage.Endpoint {
	t.Helper()
	made, err := lineage.NewEndpoint(address, key)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestAnEndpointIsPostedEachEventInOrder(t *testing.T) {
	received := &receiver{}
	server := httptest.NewServer(received)
	defer server.Close()
	recorder := lineage.New(config(endpoint(t, server.URL, "secret")))
	recorder.StartJoin(joinOf()).End(t.Context(), joined(), "", nil)
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	if len(received.bodies) != 2 || !strings.Contains(received.bodies[0], `"START"`) ||
		!strings.Contains(received.bodies[1], `"COMPLETE"`) {
		t.Fatalf("got %q", received.bodies)
	}
	for _, request := range received.requests {
		if request.URL.Path != "/api/v1/lineage" || request.Method != http.MethodPost ||
			request.Header.Get("Authorization") != "Bearer secret" || request.Header.Get("Content-Type") != "application/json" {
			t.Errorf("got %s %s with %v", request.Method, request.URL, request.Header)
		}
	}
	recorder = lineage.New(config(endpoint(t, server.URL+"/other/path?a=b", "")))
	recorder.StartJoin(joinOf())
	if err := recorder.Close(); err != nil {
		t.Fatal(err)
	}
	last := received.requests[2]
	if last.URL.String() != "/other/path?a=b" || last.Header.Get("Authorization") != "" {
		t.Errorf("got %s with %v", last.URL, last.Header)
	}
}

func TestEventsThatAreLostAreCountedInOneLine(t *testing.T) {
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no room\nfor this", http.StatusInsufficientStorage)
	}))
	defer refusing.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	hanging := make(chan struct{})
	stuck := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hanging }))
	defer stuck.Close()
	defer close(hanging)
	nowhere := lineage.File{Path: filepath.Join(t.TempDir(), "nowhere", "lineage.jsonl")}
	secret := strings.Replace(gone.URL, "http://", "http://user:hunter2@", 1) + "/x?token=hunter2"
	for want, sink := range map[string]lineage.Sink{
		"lineage: 2 of 2 events did not reach " + refusing.URL + "/api/v1/lineage: 507 Insufficient Storage " +
			"no room for this": endpoint(t, refusing.URL, ""),
		"lineage: 2 of 2 events did not reach " + gone.URL + "/x: dial tcp " + gone.Listener.Addr().String() +
			": connect: connection refused": endpoint(t, secret, ""),
		"lineage: 2 of 2 events did not reach " + stuck.URL + "/api/v1/lineage: " +
			"no answer in time": endpoint(t, stuck.URL, ""),
		"lineage: 2 of 2 events did not reach " + nowhere.Path + ": no such file or directory": nowhere,
	} {
		c := config(sink)
		c.Patience = 100 * time.Millisecond
		recorder := lineage.New(c)
		recorder.StartJoin(joinOf()).End(t.Context(), joined(), "", nil)
		if err := recorder.Close(); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
