// Package fault has the kinds of errors that callers distinguish, and the search for the name that was meant.
//
// Everything below the command line and the servers returns one of these, wrapped if there is more to say. One place
// gives each kind its exit code, another its gRPC code. So an engine decides what went wrong, and never how it is
// reported:
//
//	return fault.Inputf("timestamp_column", "the labels have no column %q", name) // exit code 3, INVALID_ARGUMENT
//	return fmt.Errorf("redis at %s: %w", address, fault.ErrUnavailable)           // exit code 1, UNAVAILABLE
//
// It imports nothing of the product, so that every package may use it.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrConflict says that the project moved on since the plan was made; plan again.
	ErrConflict = errors.New("the registry changed since this plan was made; plan again")
	// ErrNewer says that a durable format was written by a newer version of Plumb.
	ErrNewer = errors.New("written by a newer version of plumb: upgrade this one")
	// ErrUnavailable says that a registry or store could not be reached; the same call may succeed later.
	ErrUnavailable = errors.New("unavailable")
	// ErrDiskFull says that a disk, or what may be put on it, is full; the same call may succeed once there is room.
	ErrDiskFull = errors.New("no space left on disk")
)

// RefusedError says that a store answered, and would not do what it was asked for. If it wraps ErrUnavailable, the same
// call may succeed later. Otherwise somebody has to change the store, or how it is reached.
type RefusedError struct {
	// Advice says why and what to do. It has no address and no secret, so that a server may return it to callers.
	Advice string
	Err    error
}

func (e *RefusedError) Error() string { return e.Advice + ": " + e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// InputError says that what the user gave is wrong. Field names the part: a flag, a request field, a column, a file.
type InputError struct {
	Field   string
	Message string
	// Excerpt is the line of a query that the mistake is in, with a caret below the place. It is empty if there is none.
	Excerpt string
}

// Inputf makes an InputError.
func Inputf(field, format string, args ...any) *InputError {
	return &InputError{Field: field, Message: fmt.Sprintf(format, args...)}
}

func (e *InputError) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// NotFoundError says that a named thing is not registered.
type NotFoundError struct {
	// Kind is "feature service", "feature view", "feature", ….
	Kind string
	Name string
	// Suggestion is the registered name that comes closest, or empty.
	Suggestion string
}

func (e *NotFoundError) Error() string {
	text := fmt.Sprintf("no %s is named %q", e.Kind, e.Name)
	if e.Suggestion != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Suggestion)
	}
	return text
}

// PreconditionError says that the request is right but the thing is not in a state to answer it.
type PreconditionError struct{ Message string }

func (e *PreconditionError) Error() string { return e.Message }

// CollisionError lists output columns that have one name (R10).
type CollisionError struct {
	// Names maps each colliding column name to what wants it, such as "origin_weather:temp" or "label column".
	Names []string
	Hint  string
}

func (e *CollisionError) Error() string {
	return "output columns collide: " + strings.Join(e.Names, "; ") + "; " + e.Hint
}
