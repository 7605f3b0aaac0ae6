package server

import (
	"context"

	"github.com/plumbstore/plumb/internal/project"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// UseCases are those of a project that callers reach.
type UseCases interface {
	Status(ctx context.Context) (*project.Status, error)
	Runs(ctx context.Context, view string, limit int) ([]registry.Run, error)
}

// useCases implements plumb.v1.ProjectService.
type useCases struct {
	plumbv1.UnimplementedProjectServiceServer
	server *Server
}

// Status reports how far each view has been materialized.
func (u *useCases) Status(ctx context.Context, request *plumbv1.StatusRequest) (*plumbv1.StatusResponse, error) {
	if u.server.config.UseCases == nil {
		return u.UnimplementedProjectServiceServer.Status(ctx, request)
	}
	status, err := u.server.config.UseCases.Status(ctx)
	if err != nil {
		return nil, err
	}
	return status.Message(u.server.config.Now()), nil
}

// ListRuns returns the runs of a view, newest first.
func (u *useCases) ListRuns(ctx context.Context, request *plumbv1.ListRunsRequest) (*plumbv1.ListRunsResponse, error) {
	if u.server.config.UseCases == nil {
		return u.UnimplementedProjectServiceServer.ListRuns(ctx, request)
	}
	runs, err := u.server.config.UseCases.Runs(ctx, request.GetView(), int(request.GetLimit()))
	if err != nil {
		return nil, err
	}
	response := &plumbv1.ListRunsResponse{}
	for _, run := range runs {
		response.Runs = append(response.Runs, project.RunMessage(run))
	}
	return response, nil
}
