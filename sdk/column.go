package plumb

import (
	"fmt"
	"math"
	"strings"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Status says what a value is (R13).
type Status byte

// The statuses.
const (
	// StatusUnknown is not a status of a value: the output was not asked for.
	StatusUnknown = Status(plumbv1.Status_STATUS_UNSPECIFIED)
	// Present: the value is there.
	Present = Status(plumbv1.Status_PRESENT)
	// Null: the row is there, and its value is null.
	Null = Status(plumbv1.Status_NULL)
	// NotFound: there is no row.
	NotFound = Status(plumbv1.Status_NOT_FOUND)
	// Expired: there is a row, older than the view's ttl; its value is withheld.
	Expired = Status(plumbv1.Status_EXPIRED)
	// Invalid: the value is computed and does not exist, such as an integer that overflows (R26).
	Invalid = Status(plumbv1.Status_INVALID)
)

// String is the status's name in the rules, such as NOT_FOUND.
func (s Status) String() string { return plumbv1.Status(s).String() }

// Column is one feature's values for all rows.
type Column[T any] struct {
	values []T
	column *column
}

// ColumnOf returns the output of the name, whose declared type has to be that of T. It fails if there is no such output
// or if its type is another one.
func ColumnOf[T Scalar](f *Features, name string) (Column[T], error) { return columnOf[T](f, name) }

// ListColumnOf is ColumnOf for an output that holds arrays of T.
func ListColumnOf[T Scalar](f *Features, name string) (Column[List[T]], error) {
	return columnOf[List[T]](f, name)
}

func columnOf[T any](f *Features, name string) (Column[T], error) {
	i, ok := f.layout.byName[name]
	if !ok {
		return Column[T]{}, fmt.Errorf("there is no output %q; there are %s", name, strings.Join(f.Names(), ", "))
	}
	values, ok := f.columns[i].values.(*typed[T])
	if !ok {
		return Column[T]{}, fmt.Errorf("output %q holds values of %s, not of %s", name, f.columns[i].values.element(),
			new(typed[T]).element())
	}
	return Column[T]{*values, &f.columns[i]}, nil
}

// Len is the number of rows.
func (c Column[T]) Len() int { return len(c.values) }

// At returns the row's value, and whether it is there, which means that its status is PRESENT. If it is not there, the
// value is NaN for a float, so that a caller that ignores the second result does not read a zero. For other types it is
// the zero of T.
func (c Column[T]) At(row int) (T, bool) {
	if c.Status(row) != Present {
		return none[T](), false
	}
	return c.values[row], true
}

// none is what stands for no value.
func none[T any]() T {
	var value T
	switch float := any(&value).(type) {
	case *float32:
		*float = float32(math.NaN())
	case *float64:
		*float = math.NaN()
	}
	return value
}

// Status returns the status of the row's value.
func (c Column[T]) Status(row int) Status { return Status(c.column.statuses[row]) }

// EventTime returns the instant at which the row's value became true. It is false if the status is NOT_FOUND, and if
// event times were not asked for.
func (c Column[T]) EventTime(row int) (time.Time, bool) {
	micros, ok := c.column.eventTime(row)
	if !ok || c.Status(row) == NotFound {
		return time.Time{}, false
	}
	return time.UnixMicro(micros).UTC(), true
}
