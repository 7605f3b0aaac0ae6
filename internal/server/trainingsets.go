package server

import (
	"bytes"
	"cmp"
	"context"

	"github.com/plumbstore/plumb/internal/document"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// listedSets is how many training sets are listed unless a request says how many.
const listedSets = 1000

// readManifests bounds the calls that read manifests at a time, which may be many and large: others wait.
const readManifests = 2

// reading waits until a call may read manifests. The caller calls leave at its end.
func (u *useCases) reading(ctx context.Context) (leave func(), err error) {
	select {
	case u.manifests <- struct{}{}:
		return func() { <-u.manifests }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ListTrainingSets lists training sets.
func (u *useCases) ListTrainingSets(ctx context.Context, request *plumbv1.ListTrainingSetsRequest) (
	*plumbv1.ListTrainingSetsResponse, error,
) {
	if u.server.config.UseCases == nil {
		return u.UnimplementedProjectServiceServer.ListTrainingSets(ctx, request)
	}
	leave, err := u.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	sets, more, err := u.server.config.UseCases.TrainingSets(ctx, cmp.Or(int(request.GetLimit()), listedSets))
	if err != nil {
		return nil, err
	}
	return &plumbv1.ListTrainingSetsResponse{TrainingSets: sets, More: more}, nil
}

// GetTrainingSet returns a manifest.
func (u *useCases) GetTrainingSet(ctx context.Context, request *plumbv1.GetTrainingSetRequest) (
	*plumbv1.GetTrainingSetResponse, error,
) {
	if u.server.config.UseCases == nil {
		return u.UnimplementedProjectServiceServer.GetTrainingSet(ctx, request)
	}
	leave, err := u.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	set, manifest, err := u.server.config.UseCases.TrainingSet(ctx, request.GetPath())
	if err != nil {
		return nil, err
	}
	return &plumbv1.GetTrainingSetResponse{TrainingSet: set, Manifest: manifest}, nil
}

// CompareTrainingSets compares manifests.
func (u *useCases) CompareTrainingSets(ctx context.Context, request *plumbv1.CompareTrainingSetsRequest) (
	*plumbv1.CompareTrainingSetsResponse, error,
) {
	if u.server.config.UseCases == nil {
		return u.UnimplementedProjectServiceServer.CompareTrainingSets(ctx, request)
	}
	leave, err := u.reading(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	compared, err := u.server.config.UseCases.CompareSets(ctx, request.GetA(), request.GetB())
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = document.Write(&text, compared)
	return &plumbv1.CompareTrainingSetsResponse{Comparison: string(bytes.TrimSpace(text.Bytes()))}, err
}
