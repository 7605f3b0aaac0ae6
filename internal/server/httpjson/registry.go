package httpjson

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// addRegistry adds the paths that read the registry.
func (a *api) addRegistry(mux *http.ServeMux) {
	get := func(path, method string, answer answer) {
		mux.Handle(path, only(http.MethodGet, a.called(method, answer)))
	}
	r := a.Registry
	get("/v1/registry/history", plumbv1.RegistryService_History_FullMethodName, a.history)
	get("/v1/registry/revision", plumbv1.RegistryService_History_FullMethodName, a.revision)
	get("/v1/registry/entities", plumbv1.RegistryService_ListEntities_FullMethodName,
		list("entities", r.ListEntities, &plumbv1.ListEntitiesRequest{}, (*plumbv1.ListEntitiesResponse).GetEntities))
	get("/v1/registry/sources", plumbv1.RegistryService_ListSources_FullMethodName,
		list("sources", r.ListSources, &plumbv1.ListSourcesRequest{}, (*plumbv1.ListSourcesResponse).GetSources))
	get("/v1/registry/views", plumbv1.RegistryService_ListFeatureViews_FullMethodName, list("views", r.ListFeatureViews,
		&plumbv1.ListFeatureViewsRequest{}, (*plumbv1.ListFeatureViewsResponse).GetFeatureViews))
	get("/v1/registry/on-demand-views", plumbv1.RegistryService_ListOnDemandViews_FullMethodName,
		list("on-demand-views", r.ListOnDemandViews, &plumbv1.ListOnDemandViewsRequest{},
			(*plumbv1.ListOnDemandViewsResponse).GetOnDemandViews))
	get("/v1/registry/services", plumbv1.RegistryService_ListFeatureServices_FullMethodName,
		list("services", r.ListFeatureServices, &plumbv1.ListFeatureServicesRequest{},
			(*plumbv1.ListFeatureServicesResponse).GetFeatureServices))
	get("/v1/registry/entities/{name}", plumbv1.RegistryService_GetEntity_FullMethodName, show(r.GetEntity,
		func(name string) *plumbv1.GetEntityRequest { return &plumbv1.GetEntityRequest{Name: name} },
		(*plumbv1.GetEntityResponse).GetEntity))
	get("/v1/registry/sources/{name}", plumbv1.RegistryService_GetSource_FullMethodName, show(r.GetSource,
		func(name string) *plumbv1.GetSourceRequest { return &plumbv1.GetSourceRequest{Name: name} },
		(*plumbv1.GetSourceResponse).GetSource))
	get("/v1/registry/views/{name}", plumbv1.RegistryService_GetFeatureView_FullMethodName, show(r.GetFeatureView,
		func(name string) *plumbv1.GetFeatureViewRequest { return &plumbv1.GetFeatureViewRequest{Name: name} },
		(*plumbv1.GetFeatureViewResponse).GetFeatureView))
	get("/v1/registry/on-demand-views/{name}", plumbv1.RegistryService_GetOnDemandView_FullMethodName, show(
		r.GetOnDemandView,
		func(name string) *plumbv1.GetOnDemandViewRequest {
			return &plumbv1.GetOnDemandViewRequest{Name: name}
		},
		(*plumbv1.GetOnDemandViewResponse).GetOnDemandView))
	get("/v1/registry/services/{name}", plumbv1.RegistryService_GetFeatureService_FullMethodName, show(r.GetFeatureService,
		func(name string) *plumbv1.GetFeatureServiceRequest {
			return &plumbv1.GetFeatureServiceRequest{Name: name}
		},
		(*plumbv1.GetFeatureServiceResponse).GetFeatureService))
}

// list answers as plumb list does.
func list[Request any, Response interface{ GetRevision() int64 }, T proto.Message](kind string,
	call func(context.Context, Request) (Response, error), request Request, all func(Response) []T,
) answer {
	return func(ctx context.Context, _ *http.Request) (any, error) {
		response, err := call(ctx, request)
		if err != nil {
			return nil, err
		}
		definitions := []json.RawMessage{}
		for _, each := range all(response) {
			text, err := document.Definition(each)
			if err != nil {
				return nil, err
			}
			definitions = append(definitions, text)
		}
		return map[string]any{kind: definitions, "revision": response.GetRevision()}, nil
	}
}

// show answers as plumb show does.
func show[Request, Response any, T proto.Message](call func(context.Context, Request) (Response, error),
	request func(name string) Request, one func(Response) T,
) answer {
	return func(ctx context.Context, r *http.Request) (any, error) {
		response, err := call(ctx, request(r.PathValue("name")))
		if err != nil {
			return nil, err
		}
		return document.Definition(one(response))
	}
}

// limitOf reads ?limit=N, which is 0 if it is absent.
func limitOf(r *http.Request) (int32, error) {
	limit := r.URL.Query().Get("limit")
	if limit == "" {
		return 0, nil
	}
	number, err := strconv.ParseInt(limit, 10, 32)
	if err != nil || number < 1 {
		return 0, fault.Inputf("limit", "must be a whole number from 1, not %q", limit)
	}
	return int32(number), nil
}

// history answers as plumb history does; ?limit=N gives the N newest.
func (a *api) history(ctx context.Context, r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	request := &plumbv1.HistoryRequest{Limit: limit}
	response, err := a.Registry.History(ctx, request)
	if err != nil {
		return nil, err
	}
	revisions := []registry.Revision{}
	for _, each := range response.GetRevisions() {
		revisions = append(revisions, revisionOf(each))
	}
	return map[string]any{"revisions": revisions}, nil
}

// revision answers with the newest revision's number, 0 if nothing was applied.
func (a *api) revision(ctx context.Context, _ *http.Request) (any, error) {
	response, err := a.Registry.History(ctx, &plumbv1.HistoryRequest{Limit: 1})
	if err != nil {
		return nil, err
	}
	newest := map[string]int64{"revision": 0}
	for _, each := range response.GetRevisions() {
		newest["revision"] = each.GetRevision()
	}
	return newest, nil
}

func revisionOf(told *plumbv1.Revision) registry.Revision {
	return registry.Revision{
		Number: told.GetRevision(), By: told.GetBy(), At: told.GetAt().AsTime(),
		Changes: append([]string{}, told.GetChanges()...),
	}
}
