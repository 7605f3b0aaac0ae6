package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/redis"
	"github.com/plumbstore/plumb/store/storetest"
)

var anyLookup = featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:euros")

func TestNothingIsServedUntilSomethingWasApplied(t *testing.T) {
	r := start(t)
	r.tick()
	r.waitFor(healthpb.HealthCheckResponse_NOT_SERVING)
	err := r.failure(anyLookup)
	if status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "plumb apply") {
		t.Errorf("want FailedPrecondition that says to apply, got %v", err)
	}
	r.apply(storetest.StateOf(shops()))
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
	r.get(anyLookup)
}

func TestTheLogTellsOfViewsThatAreNotMaterialized(t *testing.T) {
	r := startShops(t, func(c *server.Config) { c.Ledger = c.Registry.(registry.Ledger) })
	r.get(anyLookup)
	text := r.log.String()
	for _, view := range []string{"price", "world"} {
		if _, told, ok := strings.Cut(text, "views are not materialized: "); !ok || !strings.Contains(told, view) {
			t.Errorf("nothing is said of %s: %s", view, text)
		}
	}
}

// withTax is the shops' state with another feature of the view price, under a second layout.
func withTax() *plumbv1.State {
	definitions := shops()
	tax := &plumbv1.Feature{Name: "tax", Type: plumbv1.Type_FLOAT64}
	definitions.FeatureViews[0].Features = append(definitions.FeatureViews[0].Features, tax)
	first, second := storetest.StateOf(shops()), storetest.StateOf(definitions)
	layout := second.Views[0].Schemas[0]
	layout.Id = 2
	second.Views[0].Schemas = []*plumbv1.ViewSchema{first.Views[0].Schemas[0], layout}
	return second
}

func TestAnApplyIsServedWithoutARestart(t *testing.T) {
	r := startShops(t)
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"))
	tax := featuresRequest([]*plumbv1.KeyColumn{texts("shop", "a")}, "price:tax", "price:euros")
	if err := r.failure(tax); status.Code(err) != codes.NotFound {
		t.Fatalf("before the apply: want NotFound, got %v", err)
	}
	r.apply(withTax())
	got := r.get(tax)
	if got["euros"][0].Value != 1.0 || got["tax"][0].Status != plumbv1.Status_NOT_FOUND {
		t.Errorf("a row of the layout before reads as %v, want its price and no tax", got)
	}
	response := must(r.client.GetOnlineFeatures(t.Context(), tax))(t)
	if response.GetRevision() != 2 {
		t.Errorf("the answer follows revision %d, want 2", response.GetRevision())
	}
}

func TestARowOfANewerDefinitionMakesTheServerLookForIt(t *testing.T) {
	r := startShops(t)
	must(r.registry.Apply(t.Context(), registry.Commit{
		Project: "shops", Base: 1, State: withTax(), By: "test", At: noon,
	}))(t)
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x", 0.2))
	// The server has had no tick.
	if got := r.get(anyLookup)["euros"][0].Value; got != 1.0 {
		t.Errorf("the row that was written under revision 2 reads as %v, want 1", got)
	}
}

func TestLookUpsGoOnWhileRevisionsAreSwapped(t *testing.T) {
	r := startShops(t)
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"))
	var callers errgroup.Group
	for range 4 {
		callers.Go(func() error {
			for range 50 {
				response, err := r.client.GetOnlineFeatures(t.Context(), anyLookup)
				if err != nil {
					return err
				}
				if got := storetest.Cells(response.GetColumns()[0])[0].Value; got != 1.0 {
					return fmt.Errorf("revision %d answers %v, want 1", response.GetRevision(), got)
				}
			}
			return nil
		})
	}
	for range 3 {
		r.apply(withTax())
	}
	if err := callers.Wait(); err != nil {
		t.Error(err)
	}
}

// flaky is a registry that can be made to go away.
type flaky struct {
	registry.Registry
	gone atomic.Bool
}

func (f *flaky) Current(ctx context.Context, project string) (*feature.Snapshot, error) {
	if f.gone.Load() {
		return nil, fault.ErrUnavailable
	}
	return f.Registry.Current(ctx, project)
}

func (f *flaky) Revision(ctx context.Context, project string) (int64, error) {
	if f.gone.Load() {
		return 0, fault.ErrUnavailable
	}
	return f.Registry.Revision(ctx, project)
}

func TestARegistryThatGoesAwayIsLoggedOnceAndServingGoesOn(t *testing.T) {
	away := &flaky{}
	r := startShops(t, func(c *server.Config) { away.Registry = c.Registry; c.Registry = away })
	away.gone.Store(true)
	r.tick()
	r.tick()
	r.get(anyLookup)
	if got := strings.Count(r.log.String(), "read the registry"); got != 1 {
		t.Errorf("the failure was logged %d times, want once:\n%s", got, r.log)
	}
	away.gone.Store(false)
	r.tick()
	if !strings.Contains(r.log.String(), "up to date again") {
		t.Errorf("the end of the failure was not logged:\n%s", r.log)
	}
}

func TestAKilledRedisIsUnavailableAndHeals(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	r := startShops(t, func(c *server.Config) { c.Online = online })
	r.write(r.view("price"), row(ago(0), []any{"a"}, 1.0, "x"))
	r.get(anyLookup)
	cache.Kill()
	if err := r.failure(anyLookup); status.Code(err) != codes.Unavailable || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("want Unavailable without internals, got %v", err)
	}
	cache.Restart()
	r.write(r.view("price"), row(ago(0), []any{"a"}, 2.0, "x"))
	if got := r.get(anyLookup)["euros"][0].Value; got != 2.0 {
		t.Errorf("after the restart: got %v, want 2", got)
	}
}

func TestAServerIsNotReadyBeforeTheStoreAnswers(t *testing.T) {
	cache := redistest.Start(t)
	online := must(redis.Open(t.Context(), cache.URL))(t)
	t.Cleanup(func() { online.Close() })
	cache.Kill()
	r := start(t, func(c *server.Config) { c.Online = online })
	r.apply(storetest.StateOf(shops()))
	answer := must(r.health.Check(t.Context(), &healthpb.HealthCheckRequest{}))(t)
	if answer.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
		t.Errorf("without a store the health is %s", answer.GetStatus())
	}
	cache.Restart()
	r.tick()
	r.waitFor(healthpb.HealthCheckResponse_SERVING)
}

// Requests of ever new feature lists, also in other orders and spellings, are answered right with plans kept or not.
func TestManyDifferentSelectionsAreEachAnsweredAsAsked(t *testing.T) {
	r := startShops(t)
	key := []*plumbv1.KeyColumn{texts("shop", "a")}
	lists := [][]string{
		{"price:euros", "price:note"}, {"price:note", "price:euros"}, {"price:*"}, {"price:note"}, {"price:euros"},
	}
	for range 3 {
		for _, list := range lists {
			for _, full := range []bool{false, true} {
				request := featuresRequest(key, list...)
				request.FullNames = full
				response := must(r.client.GetOnlineFeatures(t.Context(), request))(t)
				var got []string
				for _, column := range response.GetColumns() {
					got = append(got, column.GetName())
				}
				if want := namesOf(list, full); !slices.Equal(got, want) {
					t.Fatalf("%q with full names %t: names are %q, want %q", list, full, got, want)
				}
			}
		}
	}
}

func namesOf(list []string, full bool) []string {
	if list[0] == "price:*" {
		list = []string{"price:euros", "price:note"}
	}
	names := make([]string, len(list))
	for i, reference := range list {
		names[i] = strings.TrimPrefix(reference, "price:")
		if full {
			names[i] = "price__" + names[i]
		}
	}
	return names
}
