package server_test

import (
	"slices"
	"strings"
	"testing"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/server"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/registry/sqldb"
	"github.com/plumbstore/plumb/store/online"
)

// startMarked is startShops with a server that looks for losses.
func startMarked(t *testing.T, changes ...func(*server.Config)) *running {
	return startShops(t, append([]func(*server.Config){
		func(c *server.Config) { c.Ledger = c.Registry.(*sqldb.DB) },
	}, changes...)...)
}

// born begins a view's table, as the beginning of a first run does.
func (r *running) born(view string, birth int64) {
	r.t.Helper()
	if err := online.WriteBirth(r.t.Context(), r.online, online.NewTable(r.view(view), 0), birth, 0); err != nil {
		r.t.Fatal(err)
	}
}

// materialized marks the store as having the rows of a run, and records the run.
func (r *running) materialized(view string, birth, mark int64) {
	r.t.Helper()
	registered := r.view(view)
	if err := online.WriteProgress(r.t.Context(), r.online, online.NewTable(registered, 0), mark, 0); err != nil {
		r.t.Fatal(err)
	}
	r.recorded(registered, birth, mark)
}

func (r *running) recorded(view *feature.View, birth, mark int64) {
	r.t.Helper()
	run := registry.Run{Project: view.Project, View: view.Name, Generation: view.Generation, End: mark, StartedAt: noon}
	run.ID = must(r.registry.Begin(r.t.Context(), run))(r.t)
	run.Outcome, run.FinishedAt = registry.Succeeded, noon
	if err := r.registry.Finish(r.t.Context(), run, &registry.Progress{View: view.Name, Generation: view.Generation,
		Rebuild: view.Rebuild, Intervals: []registry.Interval{{End: mark}}, Birth: birth, Mark: mark}); err != nil {
		r.t.Fatal(err)
	}
}

// expectLost has the server look once, and checks what it says.
func (r *running) expectLost(when string, ready bool, rows, runs []string) {
	r.t.Helper()
	r.tick()
	now := r.server.Condition()
	if now.Ready != ready || !slices.Equal(now.LostRows, rows) || !slices.Equal(now.LostRuns, runs) {
		r.t.Errorf("%s the condition is %+v, want ready %t, the rows of %q lost, and the last runs of %q", when, now, ready,
			rows, runs)
	}
	health := healthpb.HealthCheckResponse_NOT_SERVING
	if ready {
		health = healthpb.HealthCheckResponse_SERVING
	}
	r.expectHealth(health)
}

func TestAServerWhoseStoreHasLostItsRowsIsNotReadyUntilTheyAreBack(t *testing.T) {
	r := startMarked(t)
	for i, view := range []string{"price", "road"} {
		r.born(view, int64(10*i+1))
		r.materialized(view, int64(10*i+1), int64(10*i+2))
	}
	r.expectLost("with all rows", true, nil, nil)
	for _, view := range []string{"price", "road"} {
		must(r.online.(online.Remover).Remove(t.Context(), "shops", view))(t)
	}
	r.expectLost("without rows", false, []string{"price", "road"}, nil)
	reasons := strings.Join(r.server.Condition().Reasons, "; ")
	if reasons != "the online store has lost the rows of views price, road: run plumb materialize" {
		t.Errorf("the reasons are %q", reasons)
	}
	r.born("price", 3)
	r.expectLost("while a run brings them back", false, []string{"price", "road"}, nil)
	r.materialized("price", 3, 4)
	r.expectLost("once those of one view are back", false, []string{"road"}, nil)
	r.born("road", 13)
	r.materialized("road", 13, 14)
	r.expectLost("once they are back", true, nil, nil)
	if got := strings.Count(r.log.String(), "the online store has lost the rows of views price, road"); got != 1 {
		t.Errorf("the loss was logged %d times, want once:\n%s", got, r.log)
	}
	if got := strings.Count(r.log.String(), "the online store has the lost rows again"); got != 1 {
		t.Errorf("its end was logged %d times, want once:\n%s", got, r.log)
	}
}

// What an older snapshot answers was right once, as it is if a run is late.
func TestAServerWhoseStoreHasLostTheLastRunsIsReadyAndSaysSo(t *testing.T) {
	r := startMarked(t)
	r.born("price", 1)
	r.materialized("price", 1, 2)
	r.recorded(r.view("price"), 1, 3)
	r.expectLost("without the last run", true, nil, []string{"price"})
	if log := r.log.String(); !strings.Contains(log, "rows of view price as they were before the last run") {
		t.Errorf("the log does not say so:\n%s", log)
	}
	r.materialized("price", 1, 4)
	r.expectLost("after another run", true, nil, nil)
}

func TestWhatWasNeverMarkedIsNotLost(t *testing.T) {
	r := startMarked(t)
	r.recorded(r.view("price"), 0, 0)
	r.born("road", 1)
	r.recorded(r.view("archive"), 5, 6) // It was online once.
	r.expectLost("without marks", true, nil, nil)
	r.born("price", 5)
	r.materialized("price", 5, 6)
	must(r.online.(online.Remover).Remove(t.Context(), "shops", "price"))(t)
	if err := r.registry.Forget(t.Context(), "shops", "price"); err != nil {
		t.Fatal(err)
	}
	r.expectLost("after a teardown", true, nil, nil)
}

// What is lost stays said while the registry cannot tell.
func TestALossIsRememberedWhileTheRegistryIsGone(t *testing.T) {
	away := &flaky{}
	r := startMarked(t, func(c *server.Config) { away.Registry = c.Registry; c.Registry = away })
	r.born("price", 1)
	r.materialized("price", 1, 2)
	must(r.online.(online.Remover).Remove(t.Context(), "shops", "price"))(t)
	r.expectLost("without rows", false, []string{"price"}, nil)
	away.gone.Store(true)
	r.expectLost("without a registry", false, []string{"price"}, nil)
	away.gone.Store(false)
	r.born("price", 3)
	r.materialized("price", 3, 4)
	r.expectLost("with the registry back", true, nil, nil)
}
