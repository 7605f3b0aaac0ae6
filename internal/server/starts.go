package server

import (
	"cmp"
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/plumbstore/plumb/audit"
	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/project"
	"github.com/plumbstore/plumb/internal/server/auth"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// What requests leave out. The flags of the command line have the same defaults.
const (
	sampledRows     = 1000
	sampledSeed     = 1
	timestampColumn = "event_timestamp"
)

// start starts an operation, unless its request was found wrong.
func (u *useCases) start(ctx context.Context, kind plumbv1.Operation_Kind,
	prepare func(LongUseCases) (operations.Work, error),
) (*plumbv1.Operation, error) {
	if u.server.config.LongUseCases == nil {
		return nil, status.Error(codes.Unimplemented, "this server runs no operations")
	}
	work, err := prepare(u.server.config.LongUseCases)
	if err != nil {
		return nil, err
	}
	caller, _ := auth.CallerOf(ctx)
	return u.server.operations.Start(kind, caller.Name, work)
}

// StartVerification starts a verification of what is registered.
func (u *useCases) StartVerification(ctx context.Context, request *plumbv1.StartVerificationRequest) (
	*plumbv1.StartVerificationResponse, error,
) {
	started, err := u.start(ctx, plumbv1.Operation_VERIFICATION, func(long LongUseCases) (operations.Work, error) {
		return long.VerificationWork(ctx, project.VerifyRequest{
			Services: request.GetServices(), Labels: request.GetLabelsFile(),
			TimestampColumn: cmp.Or(request.GetTimestampColumn(), timestampColumn),
			Rows:            rowsToSample(request.GetRows()), Seed: seedOf(request.Seed),
		})
	})
	return &plumbv1.StartVerificationResponse{Operation: started}, err
}

// StartPlanVerification starts a verification of what an apply would change.
func (u *useCases) StartPlanVerification(ctx context.Context, request *plumbv1.StartPlanVerificationRequest) (
	*plumbv1.StartPlanVerificationResponse, error,
) {
	started, err := u.start(ctx, plumbv1.Operation_PLAN_VERIFICATION, func(long LongUseCases) (operations.Work, error) {
		planned, err := u.definitions.plan(ctx, request.GetFiles())
		if err != nil {
			return nil, err
		}
		return long.VerificationWork(ctx, project.VerifyRequest{
			Plan: planned, Services: request.GetServices(), Rows: rowsToSample(request.GetRows()),
			Seed: seedOf(request.Seed),
		})
	})
	return &plumbv1.StartPlanVerificationResponse{Operation: started}, err
}

func rowsToSample(asked int32) int { return cmp.Or(int(asked), sampledRows) }

func seedOf(asked *uint64) uint64 {
	if asked == nil {
		return sampledSeed
	}
	return *asked
}

// StartAudit starts an audit.
func (u *useCases) StartAudit(ctx context.Context, request *plumbv1.StartAuditRequest) (
	*plumbv1.StartAuditResponse, error,
) {
	started, err := u.start(ctx, plumbv1.Operation_AUDIT, func(long LongUseCases) (operations.Work, error) {
		from, err := instantOf("from", request.GetFrom())
		if err != nil {
			return nil, err
		}
		to, err := instantOf("to", request.GetTo())
		if err != nil {
			return nil, err
		}
		return long.AuditWork(ctx, audit.Request{
			Folder: request.GetFolder(), From: from, To: to, Service: request.GetService(),
		})
	})
	return &plumbv1.StartAuditResponse{Operation: started}, err
}

// StartForesight starts an audit of what label rows would know too early.
func (u *useCases) StartForesight(ctx context.Context, request *plumbv1.StartForesightRequest) (
	*plumbv1.StartForesightResponse, error,
) {
	started, err := u.start(ctx, plumbv1.Operation_FORESIGHT, func(long LongUseCases) (operations.Work, error) {
		return long.ForesightWork(ctx, project.ForesightRequest{
			Selection: dataset.Selection{
				Service: request.GetFeatureService(), Features: request.GetFeatures().GetReferences(),
				FullNames: request.GetFullNames(),
			},
			Labels:          request.GetLabelsFile(),
			TimestampColumn: cmp.Or(request.GetTimestampColumn(), timestampColumn),
		})
	})
	return &plumbv1.StartForesightResponse{Operation: started}, err
}

// StartTrainingSetVerification starts a comparison of a training set with what it was made of.
func (u *useCases) StartTrainingSetVerification(ctx context.Context,
	request *plumbv1.StartTrainingSetVerificationRequest,
) (*plumbv1.StartTrainingSetVerificationResponse, error) {
	started, err := u.start(ctx, plumbv1.Operation_TRAINING_SET_VERIFICATION,
		func(long LongUseCases) (operations.Work, error) {
			return long.TrainingSetVerificationWork(ctx, request.GetPath(), request.GetLabelsFile())
		})
	return &plumbv1.StartTrainingSetVerificationResponse{Operation: started}, err
}

// StartMaterialization starts a materialization.
func (u *useCases) StartMaterialization(ctx context.Context, request *plumbv1.StartMaterializationRequest) (
	*plumbv1.StartMaterializationResponse, error,
) {
	if u.server.config.ReadOnly {
		return nil, status.Error(codes.PermissionDenied, "this server is read-only: materialize where plumb serve runs "+
			"without --read-only, or with plumb materialize")
	}
	started, err := u.start(ctx, plumbv1.Operation_MATERIALIZATION, func(long LongUseCases) (operations.Work, error) {
		wanted, err := materializationOf(request, feature.InstantOf(u.server.config.Now()))
		if err != nil {
			return nil, err
		}
		return long.MaterializationWork(ctx, request.GetViews(), wanted)
	})
	return &plumbv1.StartMaterializationResponse{Operation: started}, err
}

func materializationOf(request *plumbv1.StartMaterializationRequest, now feature.Instant) (
	wanted materialize.Request, err error,
) {
	wanted = materialize.Request{To: now, Full: request.GetFull(), MaxFailed: request.GetMaxFailedRows()}
	if request.GetTo() != nil {
		if wanted.To, err = instantOf("to", request.GetTo()); err != nil {
			return wanted, err
		}
	}
	if request.GetLookback() != nil {
		wanted.Lookback, err = lookbackOf(request)
		return wanted, err
	}
	if request.GetFrom() == nil {
		return wanted, nil
	}
	from, err := instantOf("from", request.GetFrom())
	if err != nil {
		return wanted, err
	}
	if end := min(wanted.To, now); from >= end {
		return wanted, fault.Inputf("from", "%s is not before the window's end, %s, so the window holds no instant; give "+
			"an earlier one, or leave it out: each view then goes on where what is complete ends", from, end)
	}
	wanted.From = &from
	return wanted, nil
}

func lookbackOf(request *plumbv1.StartMaterializationRequest) (*time.Duration, error) {
	if request.GetFrom() != nil || request.GetFull() {
		return nil, fault.Inputf("lookback", "goes back from where a view's last run ended, which from and full leave "+
			"aside; give one of them")
	}
	lookback := request.GetLookback().AsDuration()
	if !request.GetLookback().IsValid() || lookback < 0 {
		return nil, fault.Inputf("lookback", "%d seconds and %d nanoseconds is no length of time; give 0 or more",
			request.GetLookback().GetSeconds(), request.GetLookback().GetNanos())
	}
	return &lookback, nil
}

// instantOf reads a time of a request.
func instantOf(field string, at *timestamppb.Timestamp) (feature.Instant, error) {
	if !at.IsValid() {
		return 0, fault.Inputf(field, "%d seconds and %d nanoseconds is not an instant between the years 1 and 9999",
			at.GetSeconds(), at.GetNanos())
	}
	return feature.InstantOf(at.AsTime()), nil
}
