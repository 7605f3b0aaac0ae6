package httpjson

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// addTrainingSets adds the paths that read manifests.
func (a *api) addTrainingSets(mux *http.ServeMux) {
	get := func(path, method string, answer answer) {
		mux.Handle("/v1/training-sets"+path, only(http.MethodGet, a.called(method, answer)))
	}
	get("", plumbv1.ProjectService_ListTrainingSets_FullMethodName, a.trainingSets)
	get("/manifest", plumbv1.ProjectService_GetTrainingSet_FullMethodName, a.trainingSet)
	get("/diff", plumbv1.ProjectService_CompareTrainingSets_FullMethodName, a.compare)
}

// trainingSets lists the training sets on the server; ?limit=N the first N.
func (a *api) trainingSets(ctx context.Context, r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	request := &plumbv1.ListTrainingSetsRequest{Limit: limit}
	if err := a.Backend.Check(request); err != nil {
		return nil, err
	}
	response, err := a.Project.ListTrainingSets(ctx, request)
	if err != nil {
		return nil, err
	}
	listed := []document.TrainingSet{}
	for _, each := range response.GetTrainingSets() {
		listed = append(listed, document.NewTrainingSet(each, ""))
	}
	return map[string]any{"training_sets": listed, "more": response.GetMore()}, nil
}

// trainingSet answers with the training set at ?path=PATH and its manifest.
func (a *api) trainingSet(ctx context.Context, r *http.Request) (any, error) {
	request := &plumbv1.GetTrainingSetRequest{Path: r.URL.Query().Get("path")}
	if err := a.Backend.Check(request); err != nil {
		return nil, err
	}
	response, err := a.Project.GetTrainingSet(ctx, request)
	if err != nil {
		return nil, err
	}
	return document.NewTrainingSet(response.GetTrainingSet(), response.GetManifest()), nil
}

// compare answers as plumb dataset diff does for ?a=PATH&b=PATH.
func (a *api) compare(ctx context.Context, r *http.Request) (any, error) {
	query := r.URL.Query()
	request := &plumbv1.CompareTrainingSetsRequest{A: query.Get("a"), B: query.Get("b")}
	if err := a.Backend.Check(request); err != nil {
		return nil, err
	}
	response, err := a.Project.CompareTrainingSets(ctx, request)
	if err != nil {
		return nil, err
	}
	return json.RawMessage(response.GetComparison()), nil
}
