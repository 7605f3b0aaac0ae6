package httpjson

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/plumbstore/plumb/internal/document"
)

// httpStatuses are the HTTP status codes that google/rpc/code.proto assigns.
var httpStatuses = map[codes.Code]int{
	codes.Canceled:           499, // Client closed the request; net/http has no name for it.
	codes.Unknown:            http.StatusInternalServerError,
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.Aborted:            http.StatusConflict,
	codes.OutOfRange:         http.StatusBadRequest,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Internal:           http.StatusInternalServerError,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DataLoss:           http.StatusInternalServerError,
	codes.Unauthenticated:    http.StatusUnauthorized,
}

// requestError is what only HTTP can get wrong, such as the method or the Content-Type. It is a gRPC status with an
// HTTP status code of its own.
type requestError struct {
	httpStatus int
	code       codes.Code
	message    string
}

func (e *requestError) Error() string              { return e.message }
func (e *requestError) GRPCStatus() *status.Status { return status.New(e.code, e.message) }

func notFound(path string) error {
	return &requestError{http.StatusNotFound, codes.NotFound,
		"nothing is served at " + strconv.Quote(path) + "; /v1/openapi.yaml says what is"}
}

func wrongMethod(r *http.Request, allowed string) error {
	return &requestError{http.StatusMethodNotAllowed, codes.InvalidArgument,
		r.URL.Path + " is asked with " + allowed + ", not with " + r.Method}
}

func wrongType(given string) error {
	return &requestError{http.StatusUnsupportedMediaType, codes.InvalidArgument,
		"Content-Type must be application/json, not " + strconv.Quote(given)}
}

func bodyTooLarge(most int64) error {
	return &requestError{http.StatusRequestEntityTooLarge, codes.ResourceExhausted,
		"the body has more than " + strconv.FormatInt(most, 10) + " bytes, which is the most that is taken"}
}

func unreadable(err error) error {
	return &requestError{http.StatusBadRequest, codes.InvalidArgument, "the body cannot be read: " + err.Error()}
}

// errorDocument is the body of a reply that reports an error: what gRPC reports of it.
//
// For example, of a look-up without its keys:
//
//	{"error": {"code": "INVALID_ARGUMENT", "message": "keys.ticker: is missing; …", "details": [
//		{"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": [{"field": "keys.ticker", …}]}]}}
type errorDocument struct {
	Error errorBody `json:"error"`
}

type errorBody struct {
	// Code is the name of the code in google/rpc/code.proto.
	Code    string `json:"code"`
	Message string `json:"message"`
	// Details are google.rpc messages; each says in @type which.
	Details []json.RawMessage `json:"details"`
}

// writeError writes an error that is a gRPC status.
func writeError(w http.ResponseWriter, err error) {
	told := status.Convert(err)
	answer := errorBody{Code: code.Code(told.Code()).String(), Message: told.Message(), Details: []json.RawMessage{}}
	for _, detail := range told.Proto().GetDetails() {
		if text, err := (protojson.MarshalOptions{UseProtoNames: true}).Marshal(detail); err == nil {
			answer.Details = append(answer.Details, text)
		}
	}
	httpStatus, ok := httpStatuses[told.Code()]
	if !ok {
		httpStatus = http.StatusInternalServerError
	}
	if own, ok := err.(*requestError); ok { //nolint:errorlint // Statuses come as they are, and are never wrapped.
		httpStatus = own.httpStatus
	}
	switch httpStatus {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, httpStatus, errorDocument{answer})
}

// writeJSON writes a reply.
func writeJSON(w http.ResponseWriter, httpStatus int, value any) {
	if ready, ok := value.(*text); ok {
		defer ready.release()
		writeText(w, httpStatus, ready.bytes)
		return
	}
	var buffer bytes.Buffer
	if err := document.Write(&buffer, value); err != nil {
		httpStatus = http.StatusInternalServerError
		buffer.Reset()
		buffer.WriteString(`{"error":{"code":"INTERNAL","message":"the reply cannot be written as JSON","details":[]}}`)
	}
	writeText(w, httpStatus, buffer.Bytes())
}

// writeText writes a reply that is JSON. If the client is gone, the failure to write is not reported.
func writeText(w http.ResponseWriter, httpStatus int, text []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(httpStatus)
	_, _ = w.Write(text)
}
