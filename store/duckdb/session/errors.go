package session

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/casts"
	"github.com/plumbstore/plumb/store/offline"
)

// Collision marks the error that SQL raises if two keys have one hash, and ErrCollision is that error.
const Collision = "plumb-collision"

// ErrCollision is the error of SQL that raises the text Collision.
var ErrCollision = errors.New("two keys have one hash")

// explainError turns an error of DuckDB into one of our own: a value that does not fit and a file that cannot be read
// are the user's input; cancellation is the context's error.
//
// The order matters. A cancelled statement fails in many ways, so the context is asked first. Errors that our own SQL
// raises are known by their text, whatever type DuckDB gives them. Faults of the machine come before the types of
// errors that are otherwise the input's, since a full disk and a damaged file are both of the type IO.
func explainError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var failure *duckdb.Error
	if !errors.As(err, &failure) {
		return err
	}
	text := message(failure)
	if strings.Contains(text, Collision) {
		return ErrCollision
	}
	if _, found, ok := strings.Cut(text, casts.Marker); ok {
		return fault.Inputf("", "%s", found)
	}
	switch {
	case strings.Contains(text, "No space left on device"):
		return &machineError{fault.ErrDiskFull.Error() + ": " + text, errors.Join(fault.ErrDiskFull, err)}
	case failure.Type == duckdb.ErrorTypeOutOfMemory:
		return &machineError{offline.ErrOutOfMemory.Error() + "; raise offline.memory_limit: " + text,
			errors.Join(offline.ErrOutOfMemory, err)}
	case failure.Type == duckdb.ErrorTypeIO &&
		(strings.Contains(text, "Permission denied") || strings.Contains(text, "Could not write")):
		return &machineError{text, err}
	case failure.Type == duckdb.ErrorTypeInternal || failure.Type == duckdb.ErrorTypeFatal:
		return &machineError{"DuckDB failed: " + text, err}
	case isReadError(failure.Type):
		return fault.Inputf("", "%s", text)
	}
	return err
}

// Explain does what explainError does, and knows the limits of the session: if it ran out of temporary disk, the error
// says which limit that was and what to do.
func (s *Session) Explain(ctx context.Context, err error) error {
	explained := s.explain(ctx, err)
	if s.named == nil {
		return explained
	}
	if input, ok := errors.AsType[*fault.InputError](explained); ok {
		return &fault.InputError{Field: input.Field, Message: s.named(input.Message), Excerpt: input.Excerpt}
	}
	if failed, ok := errors.AsType[*machineError](explained); ok {
		return &machineError{s.named(failed.text), failed.cause}
	}
	return explained
}

func (s *Session) explain(ctx context.Context, err error) error {
	var failure *duckdb.Error
	if context.Cause(ctx) != nil || !errors.As(err, &failure) {
		return explainError(ctx, err)
	}
	text := message(failure)
	var why string
	switch {
	case strings.Contains(text, "max_temp_directory_size") && s.options.TempLimit != "":
		why = fmt.Sprintf("more than the %s of temporary disk in %s that offline.temp_limit allows are needed; raise it",
			s.options.TempLimit, s.options.TempDir)
	case strings.Contains(text, "max_temp_directory_size"):
		why = fmt.Sprintf("temporary disk in %s is used up%s; free some", s.options.TempDir, diskUse(text))
	case strings.Contains(text, s.spill.path) && failure.Type == duckdb.ErrorTypeIO:
		why = fmt.Sprintf("cannot write temporary files in %s: %s; free some disk", s.options.TempDir, lastPart(text))
	default:
		return explainError(ctx, err)
	}
	return &machineError{why + ", name a folder with more room in offline.temp_dir, or raise offline.memory_limit" +
		now(s.options.MemoryLimit) + ", so that less goes to disk", errors.Join(fault.ErrDiskFull, err)}
}

var usedOfLimit = regexp.MustCompile(`\((\S+ \S+)/(\S+ \S+) used\)`)

// diskUse takes how much was used of DuckDB's own limit from its text.
func diskUse(text string) string {
	if found := usedOfLimit.FindStringSubmatch(text); found != nil {
		return fmt.Sprintf(", %s of %s, which is 90 %% of what was free", found[1], found[2])
	}
	return ""
}

// lastPart is the system's own word on a fault, which DuckDB puts at the end.
func lastPart(text string) string { return strings.TrimSpace(text[strings.LastIndex(text, ":")+1:]) }

// now says what a setting is, if it is set.
func now(value string) string {
	if value == "" {
		return ""
	}
	return ", now " + value
}

// machineError is a fault of the machine in our own words, which already include what DuckDB said.
type machineError struct {
	text  string
	cause error
}

func (e *machineError) Error() string { return e.text }
func (e *machineError) Unwrap() error { return e.cause }

// isReadError reports whether an error is caused by the contents of a file or a query.
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
func message(failure *duckdb.Error) string {
	text := errorKind.ReplaceAllString(failure.Msg, "")
	text = strings.TrimPrefix(text, "arrow_scan: get_next failed(): ") // What follows is ours.
	text = strings.Replace(text, "\n\nCandidate bindings", "\nCandidate bindings", 1)
	for _, end := range []string{
		"\n\nLINE ", "\nLINE ", "\n\n", "\n\tCandidate functions:", "\nStack Trace", "\nPossible fixes:",
	} {
		text, _, _ = strings.Cut(text, end)
	}
	return candidates.ReplaceAllString(strings.TrimSpace(strings.ReplaceAll(text, "\n", " ")), "; did you mean $2?")
}

// candidates are the names that DuckDB says may be meant.
var candidates = regexp.MustCompile(`[!.]? (Candidate (?:bindings|tables):[: ]*|Did you mean )("[^?]*[^?])\??$`)
