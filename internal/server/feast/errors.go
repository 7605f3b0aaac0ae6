package feast

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/plumbstore/plumb/internal/fault"
)

// The exceptions of Feast that errors become in its clients.
const (
	anyError             = "FeastError"
	notFoundError        = "FeastObjectNotFoundException"
	viewNotFoundError    = "FeatureViewNotFoundException"
	serviceNotFoundError = "FeatureServiceNotFoundException"
	collisionError       = "FeatureNameCollisionError"
	permissionError      = "FeastPermissionError"
	pushSourceError      = "PushSourceNotFoundException"
)

// statuses are the HTTP statuses of errors. Clients of Feast try again after 429 and from 500 on, and lose the text; so
// nothing that a caller can mend has one of those.
var statuses = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusUnprocessableEntity,
	codes.FailedPrecondition: http.StatusUnprocessableEntity,
	codes.OutOfRange:         http.StatusUnprocessableEntity,
	codes.NotFound:           http.StatusNotFound,
	codes.Unimplemented:      http.StatusNotFound,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.Aborted:            http.StatusConflict,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.Canceled:           499, // Client closed the request; net/http has no name for it.
}

// classes are the exceptions of errors, by status.
var classes = map[int]string{
	http.StatusUnauthorized: permissionError,
	http.StatusForbidden:    permissionError,
	http.StatusNotFound:     notFoundError,
}

// classesOfMissing are the exceptions of what is not found, by its kind.
var classesOfMissing = map[string]string{
	"feature view":    viewNotFoundError,
	"feature service": serviceNotFoundError,
}

// requestError is an error with an HTTP status and an exception of its own.
type requestError struct {
	status         int
	class, message string
	// malformed, if not nil, is what is wrong with the form of the body. It is told as FastAPI does, without a class.
	malformed []violation
}

func (e *requestError) Error() string { return e.message }
func (e *requestError) GRPCStatus() *status.Status {
	return status.New(codes.InvalidArgument, e.message)
}

// named gives an error that Feast has an exception for its class.
func named(err error) error {
	if collision, ok := errors.AsType[*fault.CollisionError](err); ok {
		return &requestError{status: http.StatusUnprocessableEntity, class: collisionError, message: collision.Error()}
	}
	return err
}

// requestErrorOf returns what a gRPC status is to clients of Feast.
func requestErrorOf(err error) *requestError {
	if own, ok := errors.AsType[*requestError](err); ok {
		return own
	}
	told := status.Convert(err)
	e := &requestError{status: http.StatusInternalServerError, class: anyError, message: told.Message()}
	if known, ok := statuses[told.Code()]; ok {
		e.status = known
	}
	if class, ok := classes[e.status]; ok {
		e.class = class
	}
	for _, detail := range told.Details() {
		switch detail := detail.(type) {
		case *errdetails.BadRequest:
			e.malformed = malformed(detail)
		case *errdetails.ResourceInfo:
			if class, ok := classesOfMissing[detail.GetResourceType()]; ok {
				e.class = class
			}
		}
	}
	return e
}

// writeError writes an error that is a gRPC status.
func writeError(w http.ResponseWriter, err error) {
	e := requestErrorOf(err)
	switch e.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	text := e.exception()
	if e.malformed != nil {
		text = jsonOf(map[string]any{"detail": e.malformed})
	}
	writeText(w, e.status, text)
}

// exception is what clients of Feast make an exception of: a JSON object in a JSON string.
func (e *requestError) exception() []byte {
	return jsonOf(string(jsonOf(map[string]string{"module": "feast.errors", "class": e.class, "message": e.message})))
}

// violation is a part of a request that is wrong, in the form of FastAPI.
type violation struct {
	Type string   `json:"type"`
	At   []string `json:"loc"`
	Text string   `json:"msg"`
}

// malformed returns the mistakes in the form of a body; nil if the mistakes are others.
func malformed(request *errdetails.BadRequest) []violation {
	var all []violation
	for _, each := range request.GetFieldViolations() {
		const parts = 3 // The name of a column may have points.
		if at := strings.SplitN(each.GetField(), ".", parts); at[0] == inBody {
			all = append(all, violation{"value_error", at, each.GetDescription()})
		}
	}
	return all
}

// jsonOf is the JSON of texts and of what was decoded from JSON, which always have one.
func jsonOf(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}
