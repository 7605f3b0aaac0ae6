package plumb

import (
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
)

// Violation is one thing that is wrong with a request.
type Violation struct {
	// Field is what it is about, such as a key column.
	Field string
	// Description is one sentence: what is wrong, and what to do.
	Description string
}

// Violations returns what the server found wrong with a request that failed with INVALID_ARGUMENT; none for any other
// error.
func Violations(err error) []Violation {
	var violations []Violation
	for _, detail := range status.Convert(err).Details() {
		if request, ok := detail.(*errdetails.BadRequest); ok {
			for _, v := range request.GetFieldViolations() {
				violations = append(violations, Violation{Field: v.GetField(), Description: v.GetDescription()})
			}
		}
	}
	return violations
}
