package server

import (
	"context"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// UseCases are those of a project that are answered at once. *project.Project implements these and LongUseCases.
type UseCases interface {
	Status(ctx context.Context) (*project.Status, error)
	Runs(ctx context.Context, view string, limit int) ([]registry.Run, error)
	TrainingSets(ctx context.Context, limit int) (sets []*plumbv1.TrainingSet, more bool, err error)
	TrainingSet(ctx context.Context, path string) (set *plumbv1.TrainingSet, manifest string, err error)
	CompareSets(ctx context.Context, a, b string) (*project.Differences, error)
}

// LongUseCases check a request, and return the work of the operation that it asks for. A request that is wrong fails
// the call that would start the operation, and leaves no operation behind.
type LongUseCases interface {
	VerificationWork(ctx context.Context, request project.VerifyRequest) (operations.Work, error)
	AuditWork(ctx context.Context, request audit.Request) (operations.Work, error)
	ForesightWork(ctx context.Context, request project.ForesightRequest) (operations.Work, error)
	TrainingSetVerificationWork(ctx context.Context, path, labels string) (operations.Work, error)
	MaterializationWork(ctx context.Context, views []string, request materialize.Request) (operations.Work, error)
}

// useCases implements plumb.v1.ProjectService. This file has what reads the registry, trainingsets.go what reads
// manifests, starts.go what starts operations, and operations.go what follows and ends them.
type useCases struct {
	plumbv1.UnimplementedProjectServiceServer
	server *Server
	// definitions plans what a verification of a plan verifies.
	definitions *definitions
	// manifests has room for the calls that read manifests.
	manifests chan struct{}
}

func newUseCases(s *Server, definitions *definitions) *useCases {
	return &useCases{server: s, definitions: definitions, manifests: make(chan struct{}, readManifests)}
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
