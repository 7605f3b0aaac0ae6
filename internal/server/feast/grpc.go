package feast

import (
	"context"
	"maps"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	feastserving "github.com/plumbstore/plumb/proto/feast/serving"
	feasttypes "github.com/plumbstore/plumb/proto/feast/types"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Serving implements feast.serving.ServingService. Its calls have passed the server's interceptors, and its errors
// become statuses there.
type Serving struct {
	feastserving.UnimplementedServingServiceServer

	api     *api
	version string
}

// NewServing returns the service of a server of the given version.
func NewServing(backend Backend, version string) *Serving {
	return &Serving{api: &api{Config{Backend: backend}}, version: version}
}

// GetFeastServingInfo implements feastserving.ServingServiceServer.
func (s *Serving) GetFeastServingInfo(context.Context, *feastserving.GetFeastServingInfoRequest) (
	*feastserving.GetFeastServingInfoResponse, error,
) {
	return &feastserving.GetFeastServingInfoResponse{Version: s.version}, nil
}

// GetOnlineFeatures implements feastserving.ServingServiceServer.
func (s *Serving) GetOnlineFeatures(ctx context.Context, request *feastserving.GetOnlineFeaturesRequest) (
	*feastserving.GetOnlineFeaturesResponse, error,
) {
	if request.GetIncludeFeatureViewVersionMetadata() {
		return nil, fault.Inputf("include_feature_view_version_metadata", noVersions)
	}
	asked := &asked{
		service: request.GetFeatureService(), features: request.GetFeatures().GetVal(),
		fullNames: request.GetFullFeatureNames(),
	}
	for _, columns := range []map[string]*feasttypes.RepeatedValue{request.GetEntities(), request.GetRequestContext()} {
		for _, name := range slices.Sorted(maps.Keys(columns)) {
			asked.columns = append(asked.columns, wireColumn(name, columns[name].GetVal()))
		}
	}
	found, err := s.api.lookUp(ctx, asked)
	if err != nil {
		return nil, err
	}
	return found.message()
}

func wireColumn(name string, values []*feasttypes.Value) column {
	return column{name, len(values), func(row int, of *document.KeyColumn) (any, error) {
		if err := checkKind(values[row], of.Type); err != nil {
			return nil, err
		}
		return of.ParseJSON(given(values[row]))
	}}
}

// fieldStatuses are the statuses as Feast numbers them (R13).
var fieldStatuses = [...]feastserving.FieldStatus{
	plumbv1.Status_STATUS_UNSPECIFIED: feastserving.FieldStatus_INVALID,
	plumbv1.Status_PRESENT:            feastserving.FieldStatus_PRESENT,
	plumbv1.Status_NULL:               feastserving.FieldStatus_NULL_VALUE,
	plumbv1.Status_NOT_FOUND:          feastserving.FieldStatus_NOT_FOUND,
	plumbv1.Status_EXPIRED:            feastserving.FieldStatus_OUTSIDE_MAX_AGE,
	plumbv1.Status_INVALID:            feastserving.FieldStatus_INVALID,
}

// message is the answer as gRPC sends it.
func (a *answer) message() (*feastserving.GetOnlineFeaturesResponse, error) {
	names := &feastserving.FeatureList{}
	response := &feastserving.GetOnlineFeaturesResponse{
		Metadata: &feastserving.GetOnlineFeaturesResponseMetadata{FeatureNames: names},
	}
	for i := range len(a.keys) + len(a.columns) {
		result := a.result(i)
		names.Val = append(names.Val, result.name)
		vector := &feastserving.GetOnlineFeaturesResponse_FeatureVector{
			Values: make([]*feasttypes.Value, a.rows), Statuses: make([]feastserving.FieldStatus, a.rows),
			EventTimestamps: make([]*timestamppb.Timestamp, a.rows),
		}
		for row := range a.rows {
			v, status, event, err := result.at(row)
			if err != nil {
				return nil, result.failed(row, err)
			}
			vector.Values[row], vector.Statuses[row] = wireValue(v), fieldStatuses[status]
			vector.EventTimestamps[row] = timestamppb.New(event.Time())
		}
		response.Results = append(response.Results, vector)
	}
	return response, nil
}
