package server

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// definitions implements plumb.v1.RegistryService. This file has what reads, apply.go what changes.
type definitions struct {
	plumbv1.UnimplementedRegistryServiceServer
	server *Server
	// checking has room for the one request whose sources are being looked into: each may take the whole memory that the
	// offline engine is allowed.
	checking chan struct{}
}

func newDefinitions(s *Server) *definitions {
	return &definitions{server: s, checking: make(chan struct{}, 1)}
}

// current asks the registry, not what is served from: a caller that reads here may have applied elsewhere a moment ago.
func (d *definitions) current(ctx context.Context) (*feature.Snapshot, error) {
	return d.server.config.Registry.Current(ctx, d.server.config.Project)
}

// definitionsOf returns one list of the current revision's definitions.
func definitionsOf[T named](ctx context.Context, d *definitions, list func(*plumbv1.Definitions) []T) (
	all []T, revision int64, err error,
) {
	snapshot, err := d.current(ctx)
	if err != nil {
		return nil, 0, err
	}
	return list(snapshot.State.GetDefinitions()), snapshot.Revision, nil
}

type named interface{ GetName() string }

// definitionOf returns the definition that a request names, or a NotFoundError of the given kind.
func definitionOf[T named](ctx context.Context, d *definitions, list func(*plumbv1.Definitions) []T, kind string,
	request named,
) (one T, revision int64, err error) {
	all, revision, err := definitionsOf(ctx, d, list)
	if err != nil {
		return one, 0, err
	}
	one, err = feature.Definition(all, kind, request.GetName())
	return one, revision, err
}

// ListEntities returns all entities.
func (d *definitions) ListEntities(ctx context.Context, _ *plumbv1.ListEntitiesRequest) (
	*plumbv1.ListEntitiesResponse, error,
) {
	all, revision, err := definitionsOf(ctx, d, (*plumbv1.Definitions).GetEntities)
	return &plumbv1.ListEntitiesResponse{Entities: all, Revision: revision}, err
}

// ListSources returns all sources.
func (d *definitions) ListSources(ctx context.Context, _ *plumbv1.ListSourcesRequest) (
	*plumbv1.ListSourcesResponse, error,
) {
	all, revision, err := definitionsOf(ctx, d, (*plumbv1.Definitions).GetSources)
	return &plumbv1.ListSourcesResponse{Sources: all, Revision: revision}, err
}

// ListFeatureViews returns all feature views.
func (d *definitions) ListFeatureViews(ctx context.Context, _ *plumbv1.ListFeatureViewsRequest) (
	*plumbv1.ListFeatureViewsResponse, error,
) {
	all, revision, err := definitionsOf(ctx, d, (*plumbv1.Definitions).GetFeatureViews)
	return &plumbv1.ListFeatureViewsResponse{FeatureViews: all, Revision: revision}, err
}

// ListOnDemandViews returns all on-demand views.
func (d *definitions) ListOnDemandViews(ctx context.Context, _ *plumbv1.ListOnDemandViewsRequest) (
	*plumbv1.ListOnDemandViewsResponse, error,
) {
	all, revision, err := definitionsOf(ctx, d, (*plumbv1.Definitions).GetOnDemandViews)
	return &plumbv1.ListOnDemandViewsResponse{OnDemandViews: all, Revision: revision}, err
}

// ListFeatureServices returns all feature services.
func (d *definitions) ListFeatureServices(ctx context.Context, _ *plumbv1.ListFeatureServicesRequest) (
	*plumbv1.ListFeatureServicesResponse, error,
) {
	all, revision, err := definitionsOf(ctx, d, (*plumbv1.Definitions).GetFeatureServices)
	return &plumbv1.ListFeatureServicesResponse{FeatureServices: all, Revision: revision}, err
}

// GetEntity returns one entity.
func (d *definitions) GetEntity(ctx context.Context, request *plumbv1.GetEntityRequest) (
	*plumbv1.GetEntityResponse, error,
) {
	one, revision, err := definitionOf(ctx, d, (*plumbv1.Definitions).GetEntities, "entity", request)
	return &plumbv1.GetEntityResponse{Entity: one, Revision: revision}, err
}

// GetSource returns one source.
func (d *definitions) GetSource(ctx context.Context, request *plumbv1.GetSourceRequest) (
	*plumbv1.GetSourceResponse, error,
) {
	one, revision, err := definitionOf(ctx, d, (*plumbv1.Definitions).GetSources, "source", request)
	return &plumbv1.GetSourceResponse{Source: one, Revision: revision}, err
}

// GetFeatureView returns one feature view.
func (d *definitions) GetFeatureView(ctx context.Context, request *plumbv1.GetFeatureViewRequest) (
	*plumbv1.GetFeatureViewResponse, error,
) {
	one, revision, err := definitionOf(ctx, d, (*plumbv1.Definitions).GetFeatureViews, "feature view", request)
	return &plumbv1.GetFeatureViewResponse{FeatureView: one, Revision: revision}, err
}

// GetOnDemandView returns one on-demand view.
func (d *definitions) GetOnDemandView(ctx context.Context, request *plumbv1.GetOnDemandViewRequest) (
	*plumbv1.GetOnDemandViewResponse, error,
) {
	one, revision, err := definitionOf(ctx, d, (*plumbv1.Definitions).GetOnDemandViews, "on-demand view", request)
	return &plumbv1.GetOnDemandViewResponse{OnDemandView: one, Revision: revision}, err
}

// GetFeatureService returns one feature service.
func (d *definitions) GetFeatureService(ctx context.Context, request *plumbv1.GetFeatureServiceRequest) (
	*plumbv1.GetFeatureServiceResponse, error,
) {
	one, revision, err := definitionOf(ctx, d, (*plumbv1.Definitions).GetFeatureServices, "feature service", request)
	return &plumbv1.GetFeatureServiceResponse{FeatureService: one, Revision: revision}, err
}

// History returns the revisions, newest first.
func (d *definitions) History(ctx context.Context, request *plumbv1.HistoryRequest) (*plumbv1.HistoryResponse, error) {
	revisions, err := d.server.config.Registry.History(ctx, d.server.config.Project)
	if err != nil {
		return nil, err
	}
	if limit := int(request.GetLimit()); limit > 0 && limit < len(revisions) {
		revisions = revisions[:limit]
	}
	response := &plumbv1.HistoryResponse{}
	for _, revision := range revisions {
		response.Revisions = append(response.Revisions, &plumbv1.Revision{
			Revision: revision.Number, By: revision.By, At: timestamppb.New(revision.At), Changes: revision.Changes,
		})
	}
	return response, nil
}
