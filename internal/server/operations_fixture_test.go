package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// evening is what the clock of the flights says: all their data is of the past.
var evening = time.Date(2013, time.July, 5, 18, 0, 0, 0, time.UTC)

// airport is a server of the project that plumb init makes, applied, with all its use cases and real engines.
type airport struct {
	*running
	project *project.Project
	client  plumbv1.ProjectServiceClient
	// folder is the project's, temporary the one for temporary files.
	folder, temporary string
}

// startAirport starts it, with the given changes to the server's configuration.
func startAirport(t *testing.T, changes ...func(*server.Config)) *airport {
	t.Helper()
	folder := t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(filepath.Join("..", "cli", "template"))); err != nil {
		t.Fatal(err)
	}
	return startFolder(t, folder, evening, changes...)
}

// startFolder starts a server of the project in a folder, applied, for which it is a certain instant.
func startFolder(t *testing.T, folder string, now time.Time, changes ...func(*server.Config)) *airport {
	t.Helper()
	f := &airport{folder: folder, temporary: t.TempDir()}
	t.Setenv("TMPDIR", f.temporary)
	var none config.Overrides
	configured := must(config.Load(f.folder, &none, func(string) string { return "" }))(t)
	f.project = project.Open(configured, project.Options{
		Now: func() time.Time { return now }, Version: "test", Listen: sandboxServer,
		Warn: func(err error) { t.Errorf("warned of: %v", err) },
	})
	t.Cleanup(func() {
		if err := f.project.Close(); err != nil {
			t.Error(err)
		}
	})
	definitions := must(f.project.ReadDefinitions(t.Context()))(t)
	must(f.project.Apply(t.Context(), must(f.project.Plan(t.Context(), definitions))(t), "test"))(t)
	serving := func(c *server.Config) {
		c.Project, c.Now = configured.Project, f.project.Now
		c.Registry, c.Online = must(f.project.Registry(t.Context()))(t), must(f.project.Online(t.Context()))(t)
		c.UseCases, c.LongUseCases, c.Inspector = f.project, f.project, must(f.project.Serving(t.Context()))(t)
	}
	f.running = start(t, append([]func(*server.Config){overHTTP, serving}, changes...)...)
	f.client = plumbv1.NewProjectServiceClient(f.conn)
	return f
}

// sandboxServer is the server that a verification asks.
func sandboxServer(ctx context.Context, served project.Served) (project.Server, error) {
	return server.Listen(ctx, server.Config{
		Project: served.Project, Registry: served.Registry, Online: served.Online, Address: "127.0.0.1:0", ReadOnly: true,
		Now: served.Now, Logger: slog.New(slog.DiscardHandler), Timeout: served.Timeout,
	})
}

// ended waits for the end of an operation, given the reply of the call that started it.
func (f *airport) ended(response interface{ GetOperation() *plumbv1.Operation }, err error) *plumbv1.Operation {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	request := &plumbv1.GetOperationRequest{Id: response.GetOperation().GetId(), WaitSeconds: 60}
	now := must(f.client.GetOperation(f.t.Context(), request))(f.t).GetOperation()
	if !operations.HasEnded(now) {
		f.t.Fatalf("after a minute the operation is %v", now)
	}
	return now
}

// succeeded is ended for an operation that passes. It returns the document.
func (f *airport) succeeded(response interface{ GetOperation() *plumbv1.Operation }, err error) string {
	f.t.Helper()
	now := f.ended(response, err)
	if now.GetState() != plumbv1.Operation_SUCCEEDED || now.GetVerdict() != plumbv1.Operation_PASSED {
		f.t.Fatalf("the operation is %v", now)
	}
	return now.GetResult()
}

// asDocument is what the command line prints of a value with --output json.
func asDocument(t testing.TB, value any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := document.Write(&text, value); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text.String())
}

// startedOverHTTP starts an operation over HTTP, waits for its end, and returns its document.
func (f *airport) startedOverHTTP(kind, body string) document.Operation {
	f.t.Helper()
	var one document.Operation
	started := f.ask("POST", "/v1/operations/"+kind, body)
	if err := json.Unmarshal([]byte(started.body), &one); err != nil || started.status != 200 {
		f.t.Fatalf("%s answers %d %s", kind, started.status, started.body)
	}
	now := f.ask("GET", "/v1/operations/"+one.ID+"?wait=60", "")
	if err := json.Unmarshal([]byte(now.body), &one); err != nil || now.status != 200 {
		f.t.Fatalf("%s is %d %s", one.ID, now.status, now.body)
	}
	return one
}

// long starts a verification that takes a while, and returns its id once it reports progress.
func (f *airport) long() string {
	f.t.Helper()
	started := must(f.client.StartVerification(f.t.Context(), &plumbv1.StartVerificationRequest{Rows: 1_000_000}))(f.t)
	id := started.GetOperation().GetId()
	stream := must(f.client.WatchOperation(f.t.Context(), &plumbv1.WatchOperationRequest{Id: id}))(f.t)
	for {
		now := must(stream.Recv())(f.t).GetOperation()
		if now.GetProgress() != nil && len(f.leftOver()) > 0 {
			return id
		}
		if operations.HasEnded(now) {
			f.t.Fatalf("it ended before anything could be done: %v", now)
		}
	}
}

// leftOver are the names of the temporary files and folders that are there.
func (f *airport) leftOver() []string {
	f.t.Helper()
	var names []string
	for _, entry := range must(os.ReadDir(f.temporary))(f.t) {
		if !strings.HasSuffix(entry.Name(), ".lock") { // That of the engine, which is kept for the next one.
			names = append(names, entry.Name())
		}
	}
	return names
}

// makeSet makes a training set below the roots, and returns its path in the project.
func (f *airport) makeSet(name string, references ...string) string {
	f.t.Helper()
	must(f.project.MakeTrainingSet(f.t.Context(), project.TrainingSetRequest{
		Selection: dataset.Selection{Features: references},
		Options:   dataset.Options{TimestampColumn: "event_timestamp"},
		Labels:    filepath.Join(f.folder, "data", "labels.parquet"), Out: filepath.Join(f.folder, "data", name),
	}))(f.t)
	return "data/" + name
}

// refusedFor expects a call to be refused for a field of its request.
func (f *airport) refusedFor(field string, err error) {
	f.t.Helper()
	if status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), field+":") {
		f.t.Errorf("want InvalidArgument for %s, got %v", field, err)
	}
}
