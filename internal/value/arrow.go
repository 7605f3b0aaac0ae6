package value

import (
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
)

// At returns the Go form of a row of an Arrow column: nil if it is null. The value does not refer to the column's
// memory. A column of a type that is not the Arrow type of a declared one is an error.
func At(column arrow.Array, row int) (any, error) {
	if column.IsNull(row) {
		return nil, nil
	}
	list, isArray := column.(*array.List)
	if !isArray {
		s, ok := arrowScalar(column, row)
		if !ok {
			return nil, noType(column)
		}
		return s.value(), nil
	}
	start, end := list.ValueOffsets(row)
	elements := make([]any, end-start)
	for i := range elements {
		var err error
		if elements[i], err = At(list.ListValues(), int(start)+i); err != nil {
			return nil, err
		}
	}
	return elements, nil
}

// Append appends a Go value, or null for nil, to a column of its Arrow type. If the value is of another type, Append
// returns an error and appends null, so that columns that are built side by side keep their rows.
func Append(builder array.Builder, v any) error {
	if v == nil {
		builder.AppendNull()
		return nil
	}
	fits := false
	switch builder := builder.(type) {
	case *array.BooleanBuilder:
		fits = appendIf(builder, v)
	case *array.Int32Builder:
		fits = appendIf(builder, v)
	case *array.Int64Builder:
		fits = appendIf(builder, v)
	case *array.Float32Builder:
		fits = appendIf(builder, v)
	case *array.Float64Builder:
		fits = appendIf(builder, v)
	case *array.StringBuilder:
		fits = appendIf(builder, v)
	case *array.BinaryBuilder:
		fits = appendIf(builder, v)
	case *array.TimestampBuilder:
		var at feature.Instant
		if at, fits = v.(feature.Instant); fits {
			builder.Append(arrow.Timestamp(at))
		}
	case *array.ListBuilder:
		if elements, ok := v.([]any); ok {
			return appendElements(builder, elements)
		}
	}
	if !fits {
		builder.AppendNull()
		return fmt.Errorf("a column of type %s cannot hold a %T", builder.Type(), v)
	}
	return nil
}

func appendIf[T any](builder interface{ Append(T) }, v any) bool {
	typed, ok := v.(T)
	if ok {
		builder.Append(typed)
	}
	return ok
}

func appendElements(builder *array.ListBuilder, elements []any) (err error) {
	builder.Append(true)
	for _, element := range elements {
		if failed := Append(builder.ValueBuilder(), element); failed != nil {
			err = failed
		}
	}
	return err
}
