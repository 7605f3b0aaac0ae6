package httpjson

import (
	"context"
	"net/http"
	"strconv"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// addOperations adds the paths of operations: those that start one, and those that follow and end it. A start answers
// at once, with the id to follow the operation by.
func (a *api) addOperations(mux *http.ServeMux) {
	add := func(verb, path, method string, answer answer) {
		mux.Handle("/v1/operations"+path, only(verb, a.called(method, answer)))
	}
	add(http.MethodPost, "/verify", plumbv1.ProjectService_StartVerification_FullMethodName,
		start(a, readVerification, a.Project.StartVerification))
	add(http.MethodPost, "/verify-plan", plumbv1.ProjectService_StartPlanVerification_FullMethodName,
		start(a, readPlanVerification, a.Project.StartPlanVerification))
	add(http.MethodPost, "/audit", plumbv1.ProjectService_StartAudit_FullMethodName,
		start(a, readAudit, a.Project.StartAudit))
	add(http.MethodPost, "/foresight", plumbv1.ProjectService_StartForesight_FullMethodName,
		start(a, readForesight, a.Project.StartForesight))
	add(http.MethodPost, "/dataset-verify", plumbv1.ProjectService_StartTrainingSetVerification_FullMethodName,
		start(a, readTrainingSetVerification, a.Project.StartTrainingSetVerification))
	add(http.MethodPost, "/materialize", plumbv1.ProjectService_StartMaterialization_FullMethodName,
		start(a, readMaterialization, a.Project.StartMaterialization))
	add(http.MethodGet, "", plumbv1.ProjectService_ListOperations_FullMethodName, a.operations)
	add(http.MethodGet, "/{id}", plumbv1.ProjectService_GetOperation_FullMethodName, a.operation)
	add(http.MethodPost, "/{id}/cancel", plumbv1.ProjectService_CancelOperation_FullMethodName, a.cancel)
}

// operations answers with all operations, without their results. Results may be large; each is asked for by its id.
func (a *api) operations(ctx context.Context, _ *http.Request) (any, error) {
	response, err := a.Project.ListOperations(ctx, &plumbv1.ListOperationsRequest{})
	if err != nil {
		return nil, err
	}
	listed := []document.Operation{}
	for _, each := range response.GetOperations() {
		listed = append(listed, document.NewOperation(each))
	}
	return map[string]any{"operations": listed}, nil
}

// operation answers with one operation; ?wait=N waits up to N seconds for its end.
func (a *api) operation(ctx context.Context, r *http.Request) (any, error) {
	request := &plumbv1.GetOperationRequest{Id: r.PathValue("id")}
	if wait := r.URL.Query().Get("wait"); wait != "" {
		seconds, err := strconv.ParseInt(wait, 10, 32)
		if err != nil {
			return nil, fault.Inputf("wait", "must be a whole number of seconds from 0 to 60, not %q", wait)
		}
		request.WaitSeconds = int32(seconds)
	}
	if err := a.Backend.Check(request); err != nil {
		return nil, err
	}
	return operationOf(a.Project.GetOperation(ctx, request))
}

// cancel asks an operation to end.
func (a *api) cancel(ctx context.Context, r *http.Request) (any, error) {
	return operationOf(a.Project.CancelOperation(ctx, &plumbv1.CancelOperationRequest{Id: r.PathValue("id")}))
}

// operationOf is the document of the operation in a response.
func operationOf(response interface{ GetOperation() *plumbv1.Operation }, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return document.NewOperation(response.GetOperation()), nil
}
