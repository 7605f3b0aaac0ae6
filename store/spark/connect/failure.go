package connect

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
)

// Error is what Spark answered to a call that failed. It wraps its kind: a *fault.InputError if the statement or what
// it reads is wrong, fault.ErrUnavailable if the same statement may succeed later, a *fault.RefusedError if the server
// does not let this client in, fault.ErrDiskFull. An error of no kind is one of Spark itself.
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

// unreachable is about the connection. The reason is gRPC's, in which what the system said comes last.
func (s *Session) unreachable(reason string) error {
	const description = "desc = "
	if at := strings.LastIndex(reason, description); at >= 0 {
		reason = strings.Trim(reason[at+len(description):], `"`)
	}
	reason = strings.TrimPrefix(strings.TrimPrefix(reason, "latest balancer error: "), "transport: ")
	if strings.HasPrefix(reason, context.DeadlineExceeded.Error()) {
		reason = fmt.Sprintf("nothing came from it in %s", s.patience)
	}
	if strings.Contains(reason, "tls: ") {
		const advice = "see offline.spark.tls_ca, tls_cert and tls_server_name"
		return &Error{Message: fmt.Sprintf("TLS to %s fails; %s: %s", s, advice, reason),
			kind: &fault.RefusedError{Advice: "TLS to Spark fails; " + advice, Err: errors.New(reason)}}
	}
	return &Error{kind: fault.ErrUnavailable, Message: fmt.Sprintf("%s does not answer; see that it runs, and that "+
		"offline.spark.remote is its address: %s", s, reason)}
}

// detailOf is what Spark says about an error beyond its message, or nil if it does not come from Spark.
func detailOf(err error) *errdetails.ErrorInfo {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// classOf is the class of an error, or the Java class of one that has none. It is empty if the error does not come from
// Spark.
func classOf(err error) string {
	info := detailOf(err)
	if class := info.GetMetadata()["errorClass"]; class != "" {
		return class
	}
	return info.GetReason()
}

// isBroken says whether an error that does not come from Spark is about the connection. Proxies reset streams whose
// other end is gone.
func isBroken(err error) bool {
	said := status.Convert(err)
	return said.Code() == codes.Unavailable || said.Code() == codes.Internal &&
		strings.Contains(said.Message(), "RST_STREAM")
}

// The classes of SQLSTATE that a statement, or what it reads, is the reason of.
var ofStatement = []string{"0A", "21", "22", "23", "42", "54", "56", "KD", "P0"}

// explain turns a failed call into an error of a kind. The context is that of the caller.
func (s *Session) explain(ctx context.Context, err error) error {
	var explained *Error
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx) // What a server says of what it was told to end says no more.
	case errors.As(err, &explained):
		return err
	}
	said, info := status.Convert(err), detailOf(err)
	e := &Error{SQLState: info.GetMetadata()["sqlState"]}
	e.Class, e.Message = oneLine(said.Message())
	family, _, _ := strings.Cut(e.Class, ".")
	switch {
	case said.Code() == codes.Unauthenticated || said.Code() == codes.PermissionDenied:
		e.kind = &fault.RefusedError{Advice: "Spark does not let this client in; set offline.spark.token", Err: err}
		e.Message = fmt.Sprintf("%s does not let this client in; set offline.spark.token: %s", s, e.Message)
	case info == nil && (isBroken(err) || said.Code() == codes.DeadlineExceeded):
		return s.unreachable(e.Message)
	case info == nil && said.Code() == codes.ResourceExhausted:
		e.Message = fmt.Sprintf("a message is larger than the %d MiB that are read at a time; write smaller values, or "+
			"smaller statements: %s", s.limit>>20, e.Message)
	case family == "OPERATION_CANCELED" || family == "INVALID_HANDLE" || family == "INVALID_CURSOR":
		e.kind = fault.ErrUnavailable
		e.Message = fmt.Sprintf("%s has stopped the statement or its session, because it was told to or started anew; run "+
			"this again: %s", s, e.Message)
	case strings.Contains(said.Message(), "No space left on device"):
		e.kind = fault.ErrDiskFull
	case len(e.SQLState) == 5 && slices.Contains(ofStatement, e.SQLState[:2]):
		e.kind = &fault.InputError{Message: e.Message}
	}
	return e
}

var (
	leadingClass = regexp.MustCompile(`^\[([A-Z][A-Z0-9_.]*)\] *`)
	sqlState     = regexp.MustCompile(` ?SQLSTATE: [0-9A-Z]{5}`)
	// ofTask is what Spark says before the error of a task that it has no class for.
	ofTask = regexp.MustCompile(`^Job aborted due to stage failure: .*?\(TID \d+\) \([^)]*\): `)
)

// oneLine is the class that a message begins with, if it does, and its first line without what is not for people. Below
// that line Spark shows the statement or a stack.
func oneLine(message string) (class, line string) {
	line, _, _ = strings.Cut(strings.TrimSpace(message), "\n")
	if found := leadingClass.FindStringSubmatch(line); found != nil {
		class, line = found[1], line[len(found[0]):]
	}
	return class, strings.TrimSpace(sqlState.ReplaceAllString(ofTask.ReplaceAllString(line, ""), ""))
}
