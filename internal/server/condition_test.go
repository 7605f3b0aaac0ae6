package server_test

import (
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/storetest"
)

func (r *running) expectHealth(want healthpb.HealthCheckResponse_ServingStatus) {
	r.t.Helper()
	for _, service := range []string{"", plumbv1.ServingService_ServiceDesc.ServiceName} {
		answer := must(r.health.Check(r.t.Context(), &healthpb.HealthCheckRequest{Service: service}))(r.t)
		if answer.GetStatus() != want {
			r.t.Errorf("the health of %q is %s, want %s", service, answer.GetStatus(), want)
		}
	}
}

func TestReadinessGoesWithTheStoreAndComesBackByItself(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	r := startShops(t, func(c *server.Config) { c.Online = online })
	r.expectHealth(healthpb.HealthCheckResponse_SERVING)
	cache.Kill()
	r.tick()
	r.expectHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	condition := r.server.Condition()
	if reasons := strings.Join(condition.Reasons, "; "); condition.Ready || reasons != "the online store does not answer" {
		t.Errorf("without a store the condition is %+v", condition)
	}
	r.tick()
	cache.Restart()
	for !r.server.Condition().Ready {
		r.tick()
	}
	r.expectHealth(healthpb.HealthCheckResponse_SERVING)
	if got := strings.Count(r.log.String(), "the online store does not answer"); got != 1 {
		t.Errorf("the outage was logged %d times, want once:\n%s", got, r.log)
	}
	if got := strings.Count(r.log.String(), "the online store answers again"); got != 1 {
		t.Errorf("its end was logged %d times, want once:\n%s", got, r.log)
	}
}

func TestAServerSaysThatWhatItServesIsStale(t *testing.T) {
	away := &flaky{}
	var clock clock
	clock.set(noon)
	r := startShops(t, func(c *server.Config) { away.Registry = c.Registry; c.Registry, c.Now = away, clock.now })
	if stale := r.server.Condition().StaleSince; stale != nil {
		t.Fatalf("a server that has just read the registry says that it is stale since %s", stale)
	}
	away.gone.Store(true)
	r.tick()
	for _, minutes := range []time.Duration{1, 2} {
		clock.set(noon.Add(minutes * time.Minute))
		r.tick()
		condition := r.server.Condition()
		if !condition.Ready || condition.Revision != 1 || condition.StaleSince == nil || !condition.StaleSince.Equal(noon) {
			t.Errorf("after %d minutes without a registry the condition is %+v, want ready and stale since %s", minutes,
				condition, noon)
		}
	}
	r.expectHealth(healthpb.HealthCheckResponse_SERVING)
	away.gone.Store(false)
	r.tick()
	if stale := r.server.Condition().StaleSince; stale != nil {
		t.Errorf("with the registry back it says that it is stale since %s", stale)
	}
}

func TestAServerWithoutARegistryFromTheStartIsNotReadyAndSaysWhy(t *testing.T) {
	away := &flaky{}
	away.gone.Store(true)
	r := start(t, func(c *server.Config) { away.Registry = c.Registry; c.Registry = away })
	r.tick()
	condition := r.server.Condition()
	if condition.Ready || len(condition.Reasons) != 1 || condition.Reasons[0] != "the registry has not been read yet" {
		t.Errorf("the condition is %+v", condition)
	}
	r.expectHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	away.gone.Store(false)
	r.tick()
	if reasons := r.server.Condition().Reasons; len(reasons) != 1 || !strings.Contains(reasons[0], "plumb apply") {
		t.Errorf("before the first apply the reasons are %q", reasons)
	}
	r.apply(storetest.StateOf(shops()))
	r.expectHealth(healthpb.HealthCheckResponse_SERVING)
}

// A clock that was set back is believed: what happened after it is not visible yet (R2), and nothing else changes.
func TestR2_AClockThatIsSetBackHidesWhatIsInItsFuture(t *testing.T) {
	var clock clock
	clock.set(noon)
	r := startShops(t, func(c *server.Config) { c.Now = clock.now })
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"), row(ago(2*time.Hour), []any{"b"}, 2.0, "y"))
	lookup := prices(texts("shop", "a", "b"))
	statuses := func() [2]plumbv1.Status {
		euros := r.get(lookup)["euros"]
		return [2]plumbv1.Status{euros[0].Status, euros[1].Status}
	}
	before := [2]plumbv1.Status{plumbv1.Status_PRESENT, plumbv1.Status_EXPIRED}
	if got := statuses(); got != before {
		t.Fatalf("at noon: %v", got)
	}
	clock.set(noon.Add(-90 * time.Minute))
	r.tick()
	if got, want := statuses(), [2]plumbv1.Status{plumbv1.Status_NOT_FOUND, plumbv1.Status_PRESENT}; got != want {
		t.Errorf("an hour and a half before: %v, want %v", got, want)
	}
	r.expectHealth(healthpb.HealthCheckResponse_SERVING)
	clock.set(noon)
	r.tick()
	if got := statuses(); got != before {
		t.Errorf("with the clock right again: %v, want %v", got, before)
	}
}
