package server_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/storetest"
)

// lists asks for each list of definitions, and puts them together. They have to be of one revision.
func (r *running) lists() (*plumbv1.Definitions, int64) {
	r.t.Helper()
	ctx, client := r.t.Context(), r.definitions()
	entities := must(client.ListEntities(ctx, &plumbv1.ListEntitiesRequest{}))(r.t)
	sources := must(client.ListSources(ctx, &plumbv1.ListSourcesRequest{}))(r.t)
	views := must(client.ListFeatureViews(ctx, &plumbv1.ListFeatureViewsRequest{}))(r.t)
	services := must(client.ListFeatureServices(ctx, &plumbv1.ListFeatureServicesRequest{}))(r.t)
	for _, revision := range []int64{sources.GetRevision(), views.GetRevision(), services.GetRevision()} {
		if revision != entities.GetRevision() {
			r.t.Errorf("lists are of revisions %d and %d", entities.GetRevision(), revision)
		}
	}
	return &plumbv1.Definitions{
		Entities: entities.GetEntities(), Sources: sources.GetSources(),
		FeatureViews: views.GetFeatureViews(), FeatureServices: services.GetFeatureServices(),
	}, entities.GetRevision()
}

func TestTheRegistryReadsAsItWasApplied(t *testing.T) {
	r := startShops(t)
	all, revision := r.lists()
	if diff := cmp.Diff(shops(), all, protocmp.Transform()); diff != "" || revision != 1 {
		t.Errorf("revision %d, definitions (-want +got):\n%s", revision, diff)
	}
	ctx, client := t.Context(), r.definitions()
	for _, want := range shops().GetEntities() {
		got := must(client.GetEntity(ctx, &plumbv1.GetEntityRequest{Name: want.GetName()}))(t)
		same(t, want, got.GetEntity(), got.GetRevision())
	}
	for _, want := range shops().GetSources() {
		got := must(client.GetSource(ctx, &plumbv1.GetSourceRequest{Name: want.GetName()}))(t)
		same(t, want, got.GetSource(), got.GetRevision())
	}
	for _, want := range shops().GetFeatureViews() {
		got := must(client.GetFeatureView(ctx, &plumbv1.GetFeatureViewRequest{Name: want.GetName()}))(t)
		same(t, want, got.GetFeatureView(), got.GetRevision())
	}
	for _, want := range shops().GetFeatureServices() {
		got := must(client.GetFeatureService(ctx, &plumbv1.GetFeatureServiceRequest{Name: want.GetName()}))(t)
		same(t, want, got.GetFeatureService(), got.GetRevision())
	}
}

// same expects a definition of revision 1.
func same(t *testing.T, want, got proto.Message, revision int64) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || revision != 1 {
		t.Errorf("revision %d, definition (-want +got):\n%s", revision, diff)
	}
}

func TestDefinitionsThatAreNotThereAreNotFoundWithASuggestion(t *testing.T) {
	r := startShops(t)
	ctx, client := t.Context(), r.definitions()
	_, entity := client.GetEntity(ctx, &plumbv1.GetEntityRequest{Name: "shopp"})
	_, source := client.GetSource(ctx, &plumbv1.GetSourceRequest{Name: "row"})
	_, view := client.GetFeatureView(ctx, &plumbv1.GetFeatureViewRequest{Name: "prize"})
	_, service := client.GetFeatureService(ctx, &plumbv1.GetFeatureServiceRequest{Name: "baskets"})
	for _, c := range []struct {
		err               error
		kind, name, meant string
	}{
		{entity, "entity", "shopp", "shop"},
		{source, "source", "row", "rows"},
		{view, "feature view", "prize", "price"},
		{service, "feature service", "baskets", "basket"},
	} {
		text := "no " + c.kind + ` is named "` + c.name + `"; did you mean "` + c.meant + `"?`
		want := []any{&errdetails.ResourceInfo{ResourceType: c.kind, ResourceName: c.name, Description: text}}
		answer := status.Convert(c.err)
		if diff := cmp.Diff(want, answer.Details(), protocmp.Transform()); diff != "" || answer.Code() != codes.NotFound ||
			answer.Message() != text {
			t.Errorf("%s: want NotFound %q, got %v with details (-want +got):\n%s", c.kind, text, c.err, diff)
		}
	}
	_, err := client.GetEntity(ctx, &plumbv1.GetEntityRequest{})
	if status.Code(err) != codes.InvalidArgument || violations(err)["name"] == "" {
		t.Errorf("without a name: want InvalidArgument for name, got %v", err)
	}
}

func TestAProjectThatNothingWasAppliedToReadsAsEmpty(t *testing.T) {
	r := start(t)
	all, revision := r.lists()
	if diff := cmp.Diff(&plumbv1.Definitions{}, all, protocmp.Transform()); diff != "" || revision != 0 {
		t.Errorf("revision %d, definitions (-want +got):\n%s", revision, diff)
	}
	history := must(r.definitions().History(t.Context(), &plumbv1.HistoryRequest{}))(t)
	if len(history.GetRevisions()) != 0 {
		t.Errorf("history is %v, want none", history)
	}
	_, err := r.definitions().GetFeatureView(t.Context(), &plumbv1.GetFeatureViewRequest{Name: "price"})
	if status.Code(err) != codes.NotFound {
		t.Errorf("want NotFound, got %v", err)
	}
	health := must(r.health.Check(t.Context(), &healthpb.HealthCheckRequest{Service: "plumb.v1.RegistryService"}))(t)
	if health.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Errorf("what the first apply goes through is %s", health.GetStatus())
	}
}

func TestHistoryTellsWhoAppliedWhatAndWhen(t *testing.T) {
	r := startFleet(t)
	r.applyFiles(fleet(planes))
	anonymous := &plumbv1.ApplyRequest{Files: fleet(shorterTTL), AllowHazards: true}
	must(r.definitions().Apply(t.Context(), anonymous))(t)
	at := timestamppb.New(noon)
	want := []*plumbv1.Revision{
		{Revision: 2, By: "unknown@127.0.0.1", At: at, Changes: []string{"alter view plane: ttl: 30d -> 7d"}},
		{Revision: 1, By: "ann@laptop", At: at, Changes: []string{
			"add entity plane", "add source planes", "add view plane", "add service fleet",
		}},
	}
	for limit, revisions := range map[int32][]*plumbv1.Revision{0: want, 1: want[:1], 2: want, 99: want} {
		history := must(r.definitions().History(t.Context(), &plumbv1.HistoryRequest{Limit: limit}))(t)
		if diff := cmp.Diff(revisions, history.GetRevisions(), protocmp.Transform()); diff != "" {
			t.Errorf("limit %d (-want +got):\n%s", limit, diff)
		}
	}
	_, err := r.definitions().History(t.Context(), &plumbv1.HistoryRequest{Limit: -1})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("a negative limit: want InvalidArgument, got %v", err)
	}
}

func TestReadsSeeWhatWasAppliedElsewhereAMomentAgo(t *testing.T) {
	r := startShops(t)
	must(r.registry.Apply(t.Context(), registry.Commit{
		Project: "shops", Base: 1, State: storetest.StateOf(&plumbv1.Definitions{}), By: "test", At: noon,
	}))(t)
	// The server has had no tick.
	if all, revision := r.lists(); revision != 2 || len(all.GetFeatureViews()) != 0 {
		t.Errorf("revision %d has %d views, want 2 without any", revision, len(all.GetFeatureViews()))
	}
}

func TestARegistryThatIsAwayMakesItsCallsUnavailable(t *testing.T) {
	away := &flaky{}
	r := startFleet(t, func(c *server.Config) { away.Registry = c.Registry; c.Registry = away })
	away.gone.Store(true)
	ctx, client := t.Context(), r.definitions()
	for name, call := range map[string]func(context.Context) error{
		"Plan": func(ctx context.Context) error {
			_, err := client.Plan(ctx, &plumbv1.PlanRequest{Files: fleet(planes)})
			return err
		},
		"Apply": func(ctx context.Context) error {
			_, err := client.Apply(ctx, &plumbv1.ApplyRequest{Files: fleet(planes)})
			return err
		},
		"ListEntities": func(ctx context.Context) error {
			_, err := client.ListEntities(ctx, &plumbv1.ListEntitiesRequest{})
			return err
		},
		"GetSource": func(ctx context.Context) error {
			_, err := client.GetSource(ctx, &plumbv1.GetSourceRequest{Name: "planes"})
			return err
		},
	} {
		if err := call(ctx); status.Code(err) != codes.Unavailable {
			t.Errorf("%s: want Unavailable, got %v", name, err)
		}
	}
}
