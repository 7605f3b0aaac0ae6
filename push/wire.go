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
	kind, rows := kindOf(values)
	switch {
	case kind != field.Type && !isUntyped(field.Type, kind, values):
		r.mistake(field.Name, "holds %s values; it is %s", kindName(kind), field.Type)
	case rows != r.rows:
		r.mistake(field.Name, "has %d rows where %s has %d", rows, EventField, r.rows)
	case !r.flags(field.Name, nulls, rows):
	default:
		built, err := arrowOf(field.Type, values, nulls)
		if err != nil {
			r.mistake(field.Name, "%v", err)
		}
		return built
	}
	return nil
}

// flags checks null flags, and reports what is wrong with them.
func (r *requestColumns) flags(field string, nulls []byte, rows int) bool {
	if err := checkFlags(nulls, rows); err != nil {
		r.mistake(field, "%v", err)
		return false
	}
	return true
}

func checkFlags(nulls []byte, rows int) error {
	if len(nulls) > 0 && len(nulls) != rows {
		return fmt.Errorf("has %d null flags for %d values; give one for each, or none", len(nulls), rows)
	}
	if at := slices.IndexFunc(nulls, func(flag byte) bool { return flag > 1 }); at >= 0 {
		return fmt.Errorf("has %d for a null flag at %d; 0 and 1 are allowed", nulls[at], at+1)
	}
	return nil
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
	builder.AppendValues(column.GetMicros(), validity(column.GetNulls()))
	return builder.NewArray()
}

// validity is the inverse of null flags; nil if nothing is null.
func validity(nulls []byte) []bool {
	if len(nulls) == 0 {
		return nil
	}
	valid := make([]bool, len(nulls))
	for i, null := range nulls {
		valid[i] = null == 0
	}
	return valid
}

// arrowOf makes an Arrow column of a declared type from values of that type, as many as there are flags.
func arrowOf(declared plumbv1.Type, values *plumbv1.Values, nulls []byte) (arrow.Array, error) {
	if element, ok := value.ElementType(declared); ok {
		return arrowLists(element, values.GetArrays(), nulls)
	}
	builder := array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared))
	valid := validity(nulls)
	switch builder := builder.(type) {
	case *array.BooleanBuilder:
		builder.AppendValues(values.GetBools().GetValues(), valid)
	case *array.Int32Builder:
		builder.AppendValues(values.GetInt32S().GetValues(), valid)
	case *array.Int64Builder:
		builder.AppendValues(values.GetInt64S().GetValues(), valid)
	case *array.Float32Builder:
		builder.AppendValues(values.GetFloat32S().GetValues(), valid)
	case *array.Float64Builder:
		builder.AppendValues(values.GetFloat64S().GetValues(), valid)
	case *array.StringBuilder:
		builder.AppendValues(values.GetStrings().GetValues(), valid)
	case *array.BinaryBuilder:
		builder.AppendValues(values.GetBytes().GetValues(), valid)
	case *array.TimestampBuilder:
		for i, micros := range values.GetTimestamps().GetMicros() {
			if valid != nil && !valid[i] {
				builder.AppendNull()
			} else {
				builder.Append(arrow.Timestamp(micros))
			}
		}
	}
	return builder.NewArray(), nil
}

// arrowLists makes a list column: row i has the next lengths[i] elements.
func arrowLists(element plumbv1.Type, arrays *plumbv1.ArrayValues, nulls []byte) (arrow.Array, error) {
	_, count := kindOf(arrays.GetElements())
	offsets := make([]int32, 1, len(arrays.GetLengths())+1)
	var total uint64
	for _, length := range arrays.GetLengths() {
		if total += uint64(length); total > uint64(count) {
			break
		}
		offsets = append(offsets, int32(total))
	}
	if total != uint64(count) {
		return nil, fmt.Errorf("has %d elements, which is not the sum of its lengths", count)
	}
	if err := checkFlags(arrays.GetNulls(), count); err != nil {
		return nil, fmt.Errorf("among its elements %w", err)
	}
	elements, err := arrowOf(element, arrays.GetElements(), arrays.GetNulls())
	if err != nil {
		return nil, err
	}
	bits := array.NewBooleanBuilder(memory.DefaultAllocator)
	for i := range len(offsets) - 1 {
		bits.Append(len(nulls) == 0 || nulls[i] == 0)
	}
	valid := bits.NewBooleanArray()
	data := array.NewData(arrow.ListOf(value.ArrowType(element)), len(offsets)-1,
		[]*memory.Buffer{valid.Data().Buffers()[1], memory.NewBufferBytes(arrow.Int32Traits.CastToBytes(offsets))},
		[]arrow.ArrayData{elements.Data()}, array.UnknownNullCount, 0)
	return array.NewListData(data), nil
}

// kindOf returns the type of the values and how many there are: TYPE_UNSPECIFIED if it has none, or is an array of
// those.
func kindOf(values *plumbv1.Values) (plumbv1.Type, int) {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return plumbv1.Type_BOOL, len(kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return plumbv1.Type_INT32, len(kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return plumbv1.Type_INT64, len(kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return plumbv1.Type_FLOAT32, len(kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return plumbv1.Type_FLOAT64, len(kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return plumbv1.Type_STRING, len(kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return plumbv1.Type_BYTES, len(kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		return plumbv1.Type_TIMESTAMP, len(kind.Timestamps.GetMicros())
	case *plumbv1.Values_Arrays:
		element, _ := kindOf(kind.Arrays.GetElements())
		return arrayOf(element), len(kind.Arrays.GetLengths())
	}
	return plumbv1.Type_TYPE_UNSPECIFIED, 0
}

// arrayOf is the type of arrays of an element; TYPE_UNSPECIFIED if there is none.
func arrayOf(element plumbv1.Type) plumbv1.Type {
	for number := range plumbv1.Type_name {
		if of, ok := value.ElementType(plumbv1.Type(number)); ok && of == element {
			return plumbv1.Type(number)
		}
	}
	return plumbv1.Type_TYPE_UNSPECIFIED
}

// isUntyped says whether values are arrays without elements, which have no type and fit every array.
func isUntyped(declared, kind plumbv1.Type, values *plumbv1.Values) bool {
	_, isArray := value.ElementType(declared)
	return isArray && kind == plumbv1.Type_TYPE_UNSPECIFIED && values.GetArrays() != nil &&
		values.GetArrays().GetElements().GetKind() == nil
}

func kindName(kind plumbv1.Type) string {
	if kind == plumbv1.Type_TYPE_UNSPECIFIED {
		return "no"
	}
	return kind.String()
}
