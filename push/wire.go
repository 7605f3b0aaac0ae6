package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Columns decodes the columns of a request, in whichever order they come. It reports every mistake at once, as joined
// *fault.InputError that name the columns: one that is missing, surplus, given twice, of another type or length.
//
// A feature that is missing is a mistake, and not nulls: a pushed row replaces the stored one whole (R7), so a column
// that a caller forgot would take the feature's value from every key that is pushed.
type Columns struct{ Request *plumbv1.PushRequest }

// Decode implements Decoder.
func (c Columns) Decode(_ context.Context, view *feature.View, yield func(Rows) error) error {
	rows, err := rowsOf(view, c.Request)
	if err != nil {
		return err
	}
	return yield(rows)
}

// rowsOf brings the columns of a request into the order of the view.
func rowsOf(view *feature.View, request *plumbv1.PushRequest) (Rows, error) {
	r := &requestColumns{view: view, rows: len(request.GetEventTimestamps().GetMicros())}
	if r.rows == 0 {
		return Rows{}, fault.Inputf(EventField, "has no rows; give at least one")
	}
	rows := Rows{Event: r.times(EventField, request.GetEventTimestamps())}
	created := request.GetCreatedTimestamps()
	if created != nil && view.Source.CreatedTimestamp == "" {
		r.mistake(CreatedField, "is given, and source %s of view %s declares no created_timestamp; leave it out, or declare "+
			"one", view.Source.Name, view.Name)
	}
	if created == nil {
		rows.Created = array.MakeArrayOfNull(memory.DefaultAllocator, arrow.PrimitiveTypes.Int64, r.rows)
	} else {
		rows.Created = r.times(CreatedField, created)
	}
	rows.Keys = pick(r, "join key", view.Keys, request.GetKeys())
	rows.Features = pick(r, "feature", featuresOf(view), request.GetFeatures())
	return rows, errors.Join(r.mistakes...)
}

// featuresOf are the view's features without the columns that they are read from.
func featuresOf(view *feature.View) []feature.Field {
	fields := make([]feature.Field, len(view.Features))
	for i, f := range view.Features {
		fields[i] = f.Field
	}
	return fields
}

// requestColumns is one call of rowsOf.
type requestColumns struct {
	view     *feature.View
	rows     int
	mistakes []error
}

func (r *requestColumns) mistake(field, format string, args ...any) {
	r.mistakes = append(r.mistakes, fault.Inputf(field, format, args...))
}

// wireColumn is a named column of a request.
type wireColumn interface {
	GetName() string
	GetValues() *plumbv1.Values
	GetNulls() []byte
}

// nullsIn ends the advice to give a column, by its kind: a row without a key is refused.
var nullsIn = map[string]string{"join key": "", "feature": ", with nulls where they are not known"}

// pick returns a column for each field; nil if it is missing, which has been reported.
func pick[T wireColumn](r *requestColumns, kind string, fields []feature.Field, given []T) []arrow.Array {
	columns := make([]arrow.Array, len(fields))
	seen := make([]bool, len(fields))
	for _, column := range given {
		at := slices.IndexFunc(fields, func(f feature.Field) bool { return f.Name == column.GetName() })
		switch {
		case at < 0:
			r.surplus(kind, column.GetName(), fields)
		case seen[at]:
			r.mistake(column.GetName(), "is given twice")
		default:
			seen[at] = true
			columns[at] = r.column(fields[at], column)
		}
	}
	for i, field := range fields {
		if !seen[i] {
			r.mistake(field.Name, "is missing; give a column of %s values%s", field.Type, nullsIn[kind])
		}
	}
	return columns
}

func (r *requestColumns) surplus(kind, name string, fields []feature.Field) {
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Name
	}
	hint := "it has " + strings.Join(names, ", ")
	if len(names) == 0 {
		hint = "it has none"
	}
	if closest := fault.Closest(name, names); closest != "" {
		hint = fmt.Sprintf("did you mean %q?", closest)
	}
	r.mistake(name, "is no %s of view %s; %s", kind, r.view.Name, hint)
}

// column converts a column to Arrow; nil if it is not as declared, which is reported.
func (r *requestColumns) column(field feature.Field, column wireColumn) arrow.Array {
	values, nulls := column.GetValues(), column.GetNulls()
	kind, rows := value.Kind(values)
	switch {
	case !value.Fits(values, field.Type):
		r.mistake(field.Name, "holds %s values; it is %s", kindName(kind), field.Type)
	case rows != r.rows:
		r.mistake(field.Name, "has %d rows where %s has %d", rows, EventField, r.rows)
	case !r.flags(field.Name, nulls, rows):
	default:
		if err := value.CheckElements(values); err != nil {
			r.mistake(field.Name, "%v", err)
			return nil
		}
		return value.WireToArrow(field.Type, values, nulls)
	}
	return nil
}

// flags checks null flags, and reports what is wrong with them.
func (r *requestColumns) flags(field string, nulls []byte, rows int) bool {
	if err := value.CheckFlags(nulls, rows); err != nil {
		r.mistake(field, "%v", err)
		return false
	}
	return true
}

// times brings a column of instants to int64 microseconds.
func (r *requestColumns) times(name string, column *plumbv1.TimeColumn) arrow.Array {
	if rows := len(column.GetMicros()); rows != r.rows {
		r.mistake(name, "has %d rows where %s has %d", rows, EventField, r.rows)
		return nil
	}
	if !r.flags(name, column.GetNulls(), r.rows) {
		return nil
	}
	builder := array.NewInt64Builder(memory.DefaultAllocator)
	builder.AppendValues(column.GetMicros(), value.Present(column.GetNulls()))
	return builder.NewArray()
}

func kindName(kind plumbv1.Type) string {
	if kind == plumbv1.Type_TYPE_UNSPECIFIED {
		return "no"
	}
	return kind.String()
}
