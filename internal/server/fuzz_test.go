package server_test

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/internal/server"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// rawCodec sends bytes as they are, under the name of protobuf's.
type rawCodec struct{}

var _ encoding.Codec = rawCodec{}

func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (rawCodec) Unmarshal(bytes []byte, message any) error {
	*message.(*[]byte) = bytes
	return nil
}
func (rawCodec) Name() string { return "proto" }

// sendBytes calls a method with any bytes for its request.
func (r *running) sendBytes(t *testing.T, method string, request []byte) error {
	var response []byte
	return r.conn.Invoke(t.Context(), method, &request, &response, grpc.ForceCodec(rawCodec{}))
}

// FuzzRequests sends any bytes to the server: it answers, or says what is wrong with the request, and never that
// something is wrong with itself.
func FuzzRequests(f *testing.F) {
	r := startShops(f, func(c *server.Config) {
		opened := openProject(f)
		c.UseCases, c.LongUseCases = opened, opened
	})
	methods := []string{
		plumbv1.ServingService_GetOnlineFeatures_FullMethodName, plumbv1.ServingService_Push_FullMethodName,
		plumbv1.RegistryService_Plan_FullMethodName, plumbv1.RegistryService_GetEntity_FullMethodName,
		plumbv1.RegistryService_History_FullMethodName, plumbv1.ProjectService_ListRuns_FullMethodName,
		plumbv1.ProjectService_StartVerification_FullMethodName, plumbv1.ProjectService_StartAudit_FullMethodName,
		plumbv1.ProjectService_StartMaterialization_FullMethodName, plumbv1.ProjectService_GetOperation_FullMethodName,
		plumbv1.ProjectService_GetTrainingSet_FullMethodName,
	}
	for method, messages := range [][]proto.Message{
		{prices(texts("shop", "a", "b")), serviceRequest("basket", texts("shop", "a"), numbers("origin", 1)), anyLookup},
		{&plumbv1.PushRequest{
			View: "price", Keys: []*plumbv1.KeyColumn{texts("shop", "a")},
			EventTimestamps: &plumbv1.TimeColumn{Micros: []int64{int64(ago(0))}},
			Features: []*plumbv1.PushColumn{
				{Name: "euros", Values: &plumbv1.Values{Kind: &plumbv1.Values_Float64S{
					Float64S: &plumbv1.Float64Values{Values: []float64{1}},
				}}},
				{Name: "note", Values: texts("note", "x").GetValues()},
			},
		}},
		{&plumbv1.PlanRequest{Files: []*plumbv1.DefinitionFile{{Path: "a.yaml", Text: "entities: []"}}}},
		{&plumbv1.GetEntityRequest{Name: "shop"}},
		{&plumbv1.HistoryRequest{Limit: 1}},
		{&plumbv1.ListRunsRequest{View: "price", Limit: 1}},
		{&plumbv1.StartVerificationRequest{Services: []string{"basket"}, Rows: 1, Seed: new(uint64(1))}},
		{&plumbv1.StartAuditRequest{From: timestamppb.New(noon), To: timestamppb.New(noon.Add(1)), Folder: "log"}},
		{&plumbv1.StartMaterializationRequest{Views: []string{"price"}, From: timestamppb.New(noon), Full: true}},
		{&plumbv1.GetOperationRequest{Id: "none", WaitSeconds: 1}},
		{&plumbv1.GetTrainingSetRequest{Path: "train.parquet"}},
	} {
		for _, message := range messages {
			f.Add(byte(method), must(proto.Marshal(message))(f))
		}
	}
	f.Fuzz(func(t *testing.T, method byte, request []byte) {
		err := r.sendBytes(t, methods[int(method)%len(methods)], request)
		switch status.Code(err) {
		case codes.OK, codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.ResourceExhausted:
		default:
			t.Errorf("%s of %x: %v", methods[int(method)%len(methods)], request, err)
		}
	})
}
