package auditlog

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// holds reports whether there are that many values of a declared type.
func holds(values *plumbv1.Values, declared plumbv1.Type, rows int) bool {
	element, isArray := value.ElementType(declared)
	if !isArray {
		return count(values, declared) == rows
	}
	arrays := values.GetArrays()
	total := 0
	for _, length := range arrays.GetLengths() {
		total += int(length)
	}
	elements := max(count(arrays.GetElements(), element), 0) // Arrays that are all empty may have no elements at all.
	nulls := len(arrays.GetNulls())
	return arrays != nil && len(arrays.GetLengths()) == rows && elements == total && (nulls == 0 || nulls == total)
}

// count is how many values there are of a type that is not an array, -1 if they are of another type.
func count(values *plumbv1.Values, declared plumbv1.Type) int {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return countOf(declared == plumbv1.Type_BOOL, kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return countOf(declared == plumbv1.Type_INT32, kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return countOf(declared == plumbv1.Type_INT64, kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return countOf(declared == plumbv1.Type_FLOAT32, kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return countOf(declared == plumbv1.Type_FLOAT64, kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return countOf(declared == plumbv1.Type_STRING, kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return countOf(declared == plumbv1.Type_BYTES, kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		return countOf(declared == plumbv1.Type_TIMESTAMP, kind.Timestamps.GetMicros())
	}
	return -1
}

func countOf[T any](fits bool, values []T) int {
	if !fits {
		return -1
	}
	return len(values)
}

// appendColumn appends the values at the rows, and null if none is present. They are of the builder's type. It returns
// how many bytes texts and elements take.
func appendColumn(builder array.Builder, values *plumbv1.Values, rows []int32, present []bool) int {
	switch builder := builder.(type) {
	case *array.BooleanBuilder:
		appendScalars(builder, values.GetBools().GetValues(), rows, present)
	case *array.Int32Builder:
		appendScalars(builder, values.GetInt32S().GetValues(), rows, present)
	case *array.Int64Builder:
		appendScalars(builder, values.GetInt64S().GetValues(), rows, present)
	case *array.Float32Builder:
		appendScalars(builder, values.GetFloat32S().GetValues(), rows, present)
	case *array.Float64Builder:
		appendScalars(builder, values.GetFloat64S().GetValues(), rows, present)
	case *array.TimestampBuilder:
		for _, row := range rows {
			if present[row] {
				builder.Append(arrow.Timestamp(values.GetTimestamps().GetMicros()[row]))
			} else {
				builder.AppendNull()
			}
		}
	case *array.StringBuilder:
		texts := values.GetStrings().GetValues()
		appendScalars(builder, texts, rows, present)
		return size(texts, rows, present)
	case *array.BinaryBuilder:
		texts := values.GetBytes().GetValues()
		appendScalars(builder, texts, rows, present)
		return size(texts, rows, present)
	case *array.ListBuilder:
		return appendLists(builder, values.GetArrays(), rows, present)
	}
	return 0
}

func appendScalars[T any, B interface {
	Append(T)
	AppendNull()
}](builder B, values []T, rows []int32, present []bool) {
	for _, row := range rows {
		if present[row] {
			builder.Append(values[row])
		} else {
			builder.AppendNull()
		}
	}
}

func size[T ~string | ~[]byte](texts []T, rows []int32, present []bool) (bytes int) {
	for _, row := range rows {
		if present[row] {
			bytes += len(texts[row])
		}
	}
	return bytes
}

func appendLists(builder *array.ListBuilder, arrays *plumbv1.ArrayValues, rows []int32, present []bool) int {
	const width = 8
	lengths, bytes, next, start := arrays.GetLengths(), 0, int32(0), int32(0)
	var elements []int32
	elementPresent := presentElements(arrays.GetNulls(), arrays.GetLengths())
	for _, row := range rows {
		for ; next < row; next++ {
			start += int32(lengths[next])
		}
		if !present[row] {
			builder.AppendNull()
			continue
		}
		builder.Append(true)
		elements = elements[:0]
		for i := range int32(lengths[row]) {
			elements = append(elements, start+i)
		}
		bytes += appendColumn(builder.ValueBuilder(), arrays.GetElements(), elements, elementPresent)
		bytes += width * len(elements)
	}
	return bytes
}

func presentElements(nulls []byte, lengths []uint32) []bool {
	total := 0
	for _, length := range lengths {
		total += int(length)
	}
	present := make([]bool, total)
	for i := range present {
		present[i] = len(nulls) == 0 || nulls[i] == 0
	}
	return present
}
