package server

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"buf.build/go/protovalidate"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/operations"
	"github.com/plumbstore/plumb/internal/server/flight"
	"github.com/plumbstore/plumb/registry/spec"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/packed"
)

// statusOf is the one place that turns errors into gRPC codes and details. What is no fault of the client's is logged,
// and answered without its internals.
func (s *Server) statusOf(ctx context.Context, method string, err error) error {
	if decided, ok := errors.AsType[interface {
		error
		GRPCStatus() *status.Status
	}](err); ok { // What wraps or joins it has nothing to add for the client.
		return decided
	}
	if known := requestStatus(err); known != nil {
		return known.Err()
	}
	answer := faultStatus(ctx, err)
	if answer.Code() != codes.Canceled && answer.Code() != codes.DeadlineExceeded {
		s.config.Logger.ErrorContext(ctx, "a call failed", "method", method, "code", answer.Code().String(), "error", err)
	}
	return answer.Err()
}

// requestStatus is the status for what the client can mend; nil for other errors.
//
// An error may wrap several kinds: a mistake in a field, found while a store could not be reached. The first kind in
// this order decides, and what a client can mend comes before what it can only wait for (faultStatus).
func requestStatus(err error) *status.Status {
	if collision, ok := errors.AsType[*fault.CollisionError](err); ok {
		violations := []*errdetails.BadRequest_FieldViolation{{Field: "features", Description: collision.Error()}}
		return detailed(codes.InvalidArgument, collision.Error(), &errdetails.BadRequest{
			FieldViolations: bounded(violations, shortenViolation, moreViolations),
		})
	}
	if violations := fieldViolations(err); violations != nil {
		violations = bounded(violations, shortenViolation, moreViolations)
		return detailed(codes.InvalidArgument, sentence(violations), &errdetails.BadRequest{FieldViolations: violations})
	}
	if refused := refusalStatus(err); refused != nil {
		return refused
	}
	if limit, ok := errors.AsType[*flight.LimitError](err); ok {
		return status.New(codes.ResourceExhausted, shortened(limit.Message, maxMessage))
	}
	if limit, ok := errors.AsType[*operations.LimitError](err); ok {
		return status.New(codes.ResourceExhausted, limit.Error())
	}
	if errors.Is(err, operations.ErrClosed) {
		return status.New(codes.Unavailable, operations.ErrClosed.Error())
	}
	if idle, ok := errors.AsType[*flight.IdleError](err); ok {
		return status.New(codes.DeadlineExceeded, idle.Message)
	}
	if notFound, ok := errors.AsType[*fault.NotFoundError](err); ok {
		return detailed(codes.NotFound, err.Error(), &errdetails.ResourceInfo{
			ResourceType: notFound.Kind,
			ResourceName: shortened(notFound.Name, maxName),
			Description:  shortened(notFound.Error(), maxDescription),
		})
	}
	if hazards, ok := errors.AsType[*hazardsError](err); ok {
		return detailed(codes.FailedPrecondition, err.Error(), &errdetails.PreconditionFailure{
			Violations: bounded(hazards.violations(), shortenHazard, moreHazards),
		})
	}
	if errors.Is(err, fault.ErrConflict) {
		return status.New(codes.Aborted, err.Error())
	}
	if precondition, ok := errors.AsType[*fault.PreconditionError](err); ok {
		return detailed(codes.FailedPrecondition, err.Error(), &errdetails.PreconditionFailure{
			Violations: []*errdetails.PreconditionFailure_Violation{{
				Type: "STATE", Description: shortened(precondition.Message, maxDescription),
			}},
		})
	}
	return nil
}

// faultStatus is the status for what went wrong on this side.
//
// The texts are written here and not taken from the error, which may name hosts, paths and queries of the server. The
// exceptions say what to do: the text of a full disk, and the advice of a store that refuses.
func faultStatus(ctx context.Context, err error) *status.Status {
	switch {
	case errors.Is(err, fault.ErrNewer):
		return status.New(codes.FailedPrecondition, "what is stored was "+fault.ErrNewer.Error())
	case errors.Is(err, lookup.ErrUnknownSchema):
		return status.New(codes.FailedPrecondition, "a stored row was written under a definition that the registry does not "+
			"have; materialize its view again with --full")
	case errors.Is(err, packed.ErrCorrupt):
		return status.New(codes.DataLoss, "a stored row is damaged; materialize its view again with --full")
	case errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, "the deadline passed before there was an answer")
	case errors.Is(ctx.Err(), context.Canceled) || errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "the call was cancelled")
	case errors.Is(err, fault.ErrDiskFull): // The engine knows which limit it was, and what to do.
		return status.New(codes.Unavailable, shortened(strings.ReplaceAll(err.Error(), "\n", "; "), maxMessage))
	case errors.Is(err, syscall.ENOSPC):
		return status.New(codes.Unavailable, "no space is left on the server's disk; free some there, or name a folder "+
			"with more room in offline.temp_dir")
	case errors.Is(err, offline.ErrOutOfMemory):
		return status.New(codes.ResourceExhausted, "the join needs more memory than its share of the server's; raise "+
			"offline.memory_limit there, or join fewer rows at a time")
	case errors.As(err, new(*fault.RefusedError)):
		return refusedStatus(err)
	case errors.Is(err, fault.ErrUnavailable):
		return status.New(codes.Unavailable, "the registry or the online store cannot be reached; try again")
	}
	return status.New(codes.Internal, "internal error; the server's log has the cause")
}

// refusedStatus passes on what to do about a store that refuses. The log has the rest.
func refusedStatus(err error) *status.Status {
	refused, _ := errors.AsType[*fault.RefusedError](err) // The caller has found one.
	message := "the online store refuses: " + refused.Advice
	if errors.Is(err, fault.ErrUnavailable) {
		return status.New(codes.Unavailable, message)
	}
	return detailed(codes.FailedPrecondition, message, &errdetails.PreconditionFailure{
		Violations: []*errdetails.PreconditionFailure_Violation{{Type: "STORE", Description: refused.Advice}},
	})
}

func detailed(code codes.Code, message string, detail protoadapt.MessageV1) *status.Status {
	plain := status.New(code, shortened(message, maxMessage))
	if with, err := plain.WithDetails(detail); err == nil {
		return with
	}
	return plain
}

// A status travels in trailers, of which many clients take no more than 8 KiB, and it repeats what the request holds.
// So all of it is bounded, in bytes and in number.
const (
	maxMessage     = 1500
	maxName        = 300 // The place of a mistake in a definition file fits.
	maxDescription = 1000
	maxDetails     = 3500
)

// bounded keeps the first violations, as many as there is room for, and says how many more there are.
func bounded[T proto.Message](violations []T, shorten func(T), more func(text string) T) []T {
	room := maxDetails
	for i, violation := range violations {
		shorten(violation)
		room -= proto.Size(violation)
		if room < 0 && i > 0 {
			return append(violations[:i:i], more(fmt.Sprintf("and %d more", len(violations)-i)))
		}
	}
	return violations
}

func shortenViolation(violation *errdetails.BadRequest_FieldViolation) {
	violation.Field = shortened(violation.GetField(), maxName)
	violation.Description = shortened(violation.GetDescription(), maxDescription)
}

func moreViolations(text string) *errdetails.BadRequest_FieldViolation {
	return &errdetails.BadRequest_FieldViolation{Description: text}
}

// shortened cuts text at a limit, between characters.
func shortened(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// sentence says all that is wrong in one line.
func sentence(violations []*errdetails.BadRequest_FieldViolation) string {
	parts := make([]string, len(violations))
	for i, violation := range violations {
		parts[i] = (&fault.InputError{Field: violation.GetField(), Message: violation.GetDescription()}).Error()
	}
	return strings.Join(parts, "; ")
}

// fieldViolations are all parts of the request that are wrong, each with its field; nil if none is.
func fieldViolations(err error) []*errdetails.BadRequest_FieldViolation {
	switch e := err.(type) { //nolint:errorlint // It takes wrapped and joined errors apart itself, to find all of them.
	case nil:
		return nil
	case *fault.InputError:
		return []*errdetails.BadRequest_FieldViolation{{Field: e.Field, Description: e.Message}}
	case *spec.Problems:
		return problemViolations(e)
	case *protovalidate.ValidationError:
		return messageViolations(e)
	case interface{ Unwrap() []error }:
		var all []*errdetails.BadRequest_FieldViolation
		for _, part := range e.Unwrap() {
			all = append(all, fieldViolations(part)...)
		}
		return all
	}
	return inContext(err, fieldViolations(errors.Unwrap(err)))
}

// inContext adds what a wrapping error says before a single violation, such as the view that it is about.
func inContext(err error, violations []*errdetails.BadRequest_FieldViolation) []*errdetails.BadRequest_FieldViolation {
	if len(violations) == 1 {
		if before, ok := strings.CutSuffix(err.Error(), sentence(violations)); ok {
			violations[0].Description = before + violations[0].GetDescription()
		}
	}
	return violations
}

func problemViolations(e *spec.Problems) []*errdetails.BadRequest_FieldViolation {
	all := make([]*errdetails.BadRequest_FieldViolation, len(e.All))
	for i, problem := range e.All {
		all[i] = &errdetails.BadRequest_FieldViolation{Field: problem.Place(), Description: problem.Message}
	}
	return all
}

func messageViolations(e *protovalidate.ValidationError) []*errdetails.BadRequest_FieldViolation {
	var all []*errdetails.BadRequest_FieldViolation
	for _, violation := range e.Violations {
		all = append(all, &errdetails.BadRequest_FieldViolation{
			Field:       protovalidate.FieldPathString(violation.Proto.GetField()),
			Description: violation.Proto.GetMessage(),
		})
	}
	return all
}
