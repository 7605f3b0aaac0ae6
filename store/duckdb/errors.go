package duckdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/plumbstore/plumb/registry"
)

// castMarker begins the messages that our SQL raises through error() when a value does not fit its declared type (R9).
const castMarker = "plumb: "

// explainError turns an error of DuckDB into one of ours: a value that does not fit and a file that cannot be read are
// the user's input; cancellation is the context's error.
func explainError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var fault *duckdb.Error
	if !errors.As(err, &fault) {
		return err
	}
	text := message(fault)
	if _, found, ok := strings.Cut(text, castMarker); ok {
		return registry.Inputf("", "%s", found)
	}
	switch {
	case strings.Contains(text, "No space left on device"), strings.Contains(text, "max_temp_directory_size"):
		return &machineError{"no space left on disk: " + text, err}
	case fault.Type == duckdb.ErrorTypeOutOfMemory:
		return fmt.Errorf("out of memory; raise offline.memory_limit: %w", err)
	case fault.Type == duckdb.ErrorTypeIO &&
		(strings.Contains(text, "Permission denied") || strings.Contains(text, "Could not write")):
		return &machineError{text, err}
	case isReadError(fault.Type):
		return registry.Inputf("", "%s", text)
	}
	return err
}

// machineError is a fault of the machine in words of ours, which already hold what DuckDB said.
type machineError struct {
	text  string
	cause error
}

func (e *machineError) Error() string { return e.text }
func (e *machineError) Unwrap() error { return e.cause }

// isReadError tells the faults that come from what a file or a query holds.
func isReadError(t duckdb.ErrorType) bool {
	switch t {
	case duckdb.ErrorTypeInvalid, duckdb.ErrorTypeInvalidInput, duckdb.ErrorTypeIO, duckdb.ErrorTypeConversion,
		duckdb.ErrorTypeOutOfRange, duckdb.ErrorTypeSerialization, duckdb.ErrorTypeMismatchType, duckdb.ErrorTypePermission,
		duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog, duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax:
		return true
	}
	return false
}

var errorKind = regexp.MustCompile(`^[A-Z][A-Za-z]*( [A-Za-z]+)* Error: `)

// message is the first paragraph of DuckDB's text, without the kind of error in front and the quoted query below.
func message(fault *duckdb.Error) string {
	text := errorKind.ReplaceAllString(fault.Msg, "")
	for _, end := range []string{"\n\nLINE ", "\nLINE ", "\n\n"} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimSpace(strings.ReplaceAll(text, "\n", " "))
}
