package server_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/storetest"
)

// openProject opens a project that nothing is applied to.
func openProject(t testing.TB) *project.Project {
	t.Helper()
	folder := t.TempDir()
	opened := project.Open(&config.Config{
		Project: "shops", ProjectDir: folder,
		Registry:    config.NewConnectionString("sqlite:" + filepath.Join(folder, "registry.db")),
		OnlineStore: config.NewConnectionString("sqlite:" + filepath.Join(folder, "online.db")),
	}, project.Options{Now: func() time.Time { return noon }, Version: "test"})
	t.Cleanup(func() {
		if err := opened.Close(); err != nil {
			t.Error(err)
		}
	})
	return opened
}

// startProject serves a project that nothing is applied to, and returns its registry.
func startProject(t *testing.T) (*running, project.Registry) {
	t.Helper()
	opened := openProject(t)
	r := start(t, overHTTP, func(c *server.Config) { c.UseCases = opened })
	return r, must(opened.Registry(t.Context()))(t)
}

// A run of view price that is done, and one of view world that failed.
func record(t *testing.T, ledger project.Registry) {
	t.Helper()
	must(ledger.Apply(t.Context(), registry.Commit{Project: "shops", State: storetest.StateOf(shops()), By: "test",
		At: noon}))(t)
	price := must(must(ledger.Current(t.Context(), "shops"))(t).View("price"))(t)
	begun := noon.Add(-2 * time.Second)
	done := registry.Run{Project: "shops", View: "price", Generation: price.Generation,
		Start: new(int64(ago(3 * time.Hour))), End: int64(ago(time.Hour)), StartedAt: begun}
	done.ID = must(ledger.Begin(t.Context(), done))(t)
	done.Outcome, done.FinishedAt, done.Read, done.Written, done.Older = registry.Succeeded, noon, 7, 5, 1
	if err := ledger.Finish(t.Context(), done, &registry.Progress{View: "price", Generation: price.Generation,
		Rebuild: price.Rebuild, Intervals: []registry.Interval{{Start: done.Start, End: done.End}}}); err != nil {
		t.Fatal(err)
	}
	failed := registry.Run{Project: "shops", View: "world", Generation: price.Generation, End: int64(ago(0)),
		StartedAt: begun}
	failed.ID = must(ledger.Begin(t.Context(), failed))(t)
	failed.Outcome, failed.FinishedAt, failed.Error = registry.Failed, noon, "the source is gone"
	if err := ledger.Finish(t.Context(), failed, nil); err != nil {
		t.Fatal(err)
	}
}

func TestStatusAndRunsAreToldOverGRPC(t *testing.T) {
	r, ledger := startProject(t)
	client := plumbv1.NewProjectServiceClient(r.conn)
	if _, err := client.Status(t.Context(), &plumbv1.StatusRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("before anything is applied: %v", err)
	}
	record(t, ledger)
	told := must(client.Status(t.Context(), &plumbv1.StatusRequest{}))(t)
	run := &plumbv1.Run{
		Id: 1, View: "price", Outcome: "succeeded", StartedMicros: noon.Add(-2 * time.Second).UnixMicro(),
		Window:         &plumbv1.Interval{StartMicros: new(int64(ago(3 * time.Hour))), EndMicros: int64(ago(time.Hour))},
		FinishedMicros: noon.UnixMicro(), Read: 7, Written: 5, Older: 1,
	}
	views := map[string]*plumbv1.ViewStatus{}
	for _, view := range told.GetViews() {
		views[view.GetView()] = view
	}
	want := &plumbv1.ViewStatus{
		View: "price", Online: true, State: "not_from_beginning", Done: []*plumbv1.Interval{run.GetWindow()},
		FreshnessMicros: new(time.Hour.Microseconds()), LastRun: run, Generation: views["price"].GetGeneration(),
		Rebuild: views["price"].GetRebuild(),
	}
	if diff := cmp.Diff(want, views["price"], protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for view, state := range map[string]string{"archive": "not_online", "road": "never_materialized",
		"world": "not_materialized"} {
		if got := views[view].GetState(); got != state {
			t.Errorf("view %s is %s, want %s", view, got, state)
		}
	}
	runs := must(client.ListRuns(t.Context(), &plumbv1.ListRunsRequest{View: "price"}))(t)
	if diff := cmp.Diff([]*plumbv1.Run{run}, runs.GetRuns(), protocmp.Transform()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := client.ListRuns(t.Context(), &plumbv1.ListRunsRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("the runs of no view: %v", err)
	}
}

func TestStatusAndRunsAreToldOverHTTP(t *testing.T) {
	r, ledger := startProject(t)
	if got := r.ask("GET", "/v1/status", ""); got.status != 400 || !strings.Contains(got.body, "nothing is applied yet") {
		t.Errorf("before anything is applied: %d %s", got.status, got.body)
	}
	record(t, ledger)
	told := r.ask("GET", "/v1/status", "")
	for _, words := range []string{`"state":"not_from_beginning"`, `"freshness_seconds":3600`} {
		if told.status != 200 || !strings.Contains(told.body, words) {
			t.Errorf("the status is %d %s, want %s in it", told.status, told.body, words)
		}
	}
	const failed = `{"view":"world","outcome":"failed","start":null,"end":"2026-03-01T12:00:00Z","read":0,"written":0,` +
		`"older":0,"null_keys":0,"null_times":0,"skipped":0,"bytes":0,"seconds":2,"run":2,"error":"the source is gone"}`
	r.expect("GET", "/v1/runs/world?limit=1", "", 200, `{"runs":[`+failed+`]}`)
	r.expect("GET", "/v1/runs/nobody", "", 200, `{"runs":[]}`)
	if got := r.ask("GET", "/v1/runs/world?limit=0", ""); got.status != 400 {
		t.Errorf("a limit that is none: %d %s", got.status, got.body)
	}
}

func TestRunsAreNewestFirstAndLimited(t *testing.T) {
	r, ledger := startProject(t)
	record(t, ledger)
	for range 3 {
		must(ledger.Begin(t.Context(), registry.Run{Project: "shops", View: "price", StartedAt: noon}))(t)
	}
	client := plumbv1.NewProjectServiceClient(r.conn)
	runs := must(client.ListRuns(t.Context(), &plumbv1.ListRunsRequest{View: "price", Limit: 2}))(t).GetRuns()
	if len(runs) != 2 || runs[0].GetId() != 5 || runs[1].GetId() != 4 || runs[0].GetOutcome() != "running" {
		t.Errorf("got %v", runs)
	}
}

func TestAServerWithoutAProjectSaysSo(t *testing.T) {
	r := start(t)
	client := plumbv1.NewProjectServiceClient(r.conn)
	if _, err := client.Status(t.Context(), &plumbv1.StatusRequest{}); status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
	health := must(r.health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "plumb.v1.ProjectService"}))(t)
	if health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("the service is %s", health.GetStatus())
	}
}
