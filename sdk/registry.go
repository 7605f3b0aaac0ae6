package plumb

import (
	"context"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The registry is returned in the messages of definitions, which are the same in files, in the registry and here.

// Views returns all feature views, by name.
func (c *Client) Views(ctx context.Context) ([]*plumbv1.FeatureView, error) {
	response, err := c.registry.ListFeatureViews(ctx, &plumbv1.ListFeatureViewsRequest{})
	return response.GetFeatureViews(), err
}

// View returns one feature view. It fails with NOT_FOUND if none has the name.
func (c *Client) View(ctx context.Context, name string) (*plumbv1.FeatureView, error) {
	response, err := c.registry.GetFeatureView(ctx, &plumbv1.GetFeatureViewRequest{Name: name})
	return response.GetFeatureView(), err
}

// OnDemandViews returns all on-demand views, by name.
func (c *Client) OnDemandViews(ctx context.Context) ([]*plumbv1.OnDemandView, error) {
	response, err := c.registry.ListOnDemandViews(ctx, &plumbv1.ListOnDemandViewsRequest{})
	return response.GetOnDemandViews(), err
}

// OnDemandView returns one on-demand view. It fails with NOT_FOUND if none has the name.
func (c *Client) OnDemandView(ctx context.Context, name string) (*plumbv1.OnDemandView, error) {
	response, err := c.registry.GetOnDemandView(ctx, &plumbv1.GetOnDemandViewRequest{Name: name})
	return response.GetOnDemandView(), err
}

// Services returns all feature services, by name.
func (c *Client) Services(ctx context.Context) ([]*plumbv1.FeatureService, error) {
	response, err := c.registry.ListFeatureServices(ctx, &plumbv1.ListFeatureServicesRequest{})
	return response.GetFeatureServices(), err
}

// Service returns one feature service. It fails with NOT_FOUND if none has the name.
func (c *Client) Service(ctx context.Context, name string) (*plumbv1.FeatureService, error) {
	response, err := c.registry.GetFeatureService(ctx, &plumbv1.GetFeatureServiceRequest{Name: name})
	return response.GetFeatureService(), err
}

// Entities returns all entities, by name.
func (c *Client) Entities(ctx context.Context) ([]*plumbv1.Entity, error) {
	response, err := c.registry.ListEntities(ctx, &plumbv1.ListEntitiesRequest{})
	return response.GetEntities(), err
}

// Sources returns all data sources, by name.
func (c *Client) Sources(ctx context.Context) ([]*plumbv1.Source, error) {
	response, err := c.registry.ListSources(ctx, &plumbv1.ListSourcesRequest{})
	return response.GetSources(), err
}
