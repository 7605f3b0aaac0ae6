package connect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
)

// Error is what Spark answered to a call that failed. It wraps the kind of internal/fault that it is.
type Error struct {
	// Class is that of the error, such as DIVIDE_BY_ZERO or TABLE_OR_VIEW_NOT_FOUND. It is empty if the server gave none.
	Class string
	// SQLState is the five characters of the SQL standard, or empty.
	SQLState string
	// Message is one line.
	Message string
	kind    error
}

func (e *Error) Error() string { return e.Message }
func (e *Error) Unwrap() error { return e.kind }

func (s *Session) damaged(what string) error {
	return fmt.Errorf("%s gave an answer that cannot be right: %s", s, what)
}

// explain turns a failed call into an error of a kind.
func (s *Session) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(ctx.Err(), context.Canceled) {
		return fault.WithCause(ctx, err)
	}
	said := status.Convert(err)
	e := &Error{Message: oneLine(said.Message())}
	for _, detail := range said.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			e.Class, e.SQLState = info.GetMetadata()["errorClass"], info.GetMetadata()["sqlState"]
		}
	}
	switch said.Code() {
	case codes.Unavailable, codes.DeadlineExceeded:
		e.kind = fault.ErrUnavailable
		e.Message = fmt.Sprintf("%s does not answer; see that it runs and that offline.spark.remote is its address: %s", s,
			e.Message)
	case codes.Unauthenticated, codes.PermissionDenied:
		e.kind = &fault.RefusedError{Advice: "Spark refuses the token; set offline.spark.token", Err: err}
	}
	return e
}

// oneLine is the first line of a message. Below it Spark shows the statement or a stack.
func oneLine(message string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	return strings.TrimSpace(line)
}
