package httpjson

import (
	"context"
	"net/http"

	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// addProject adds the paths that tell what has been done with the definitions.
func (a *api) addProject(mux *http.ServeMux) {
	mux.Handle("/v1/status", only(http.MethodGet, a.called(plumbv1.ProjectService_Status_FullMethodName, a.status)))
	mux.Handle("/v1/runs/{view}", only(http.MethodGet, a.called(plumbv1.ProjectService_ListRuns_FullMethodName, a.runs)))
}

// status answers as plumb status does.
func (a *api) status(ctx context.Context, _ *http.Request) (any, error) {
	response, err := a.Project.Status(ctx, &plumbv1.StatusRequest{})
	if err != nil {
		return nil, err
	}
	return document.NewStatus(response), nil
}

// runs answers with the runs of a view, newest first; ?limit=N gives the N newest.
func (a *api) runs(ctx context.Context, r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	response, err := a.Project.ListRuns(ctx, &plumbv1.ListRunsRequest{View: r.PathValue("view"), Limit: limit})
	if err != nil {
		return nil, err
	}
	runs := []document.Run{}
	for _, run := range response.GetRuns() {
		runs = append(runs, document.NewRun(run))
	}
	return map[string]any{"runs": runs}, nil
}
