package value

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// WireToArrow returns a wire column of a declared type as an Arrow column, with null for each row that has a null flag.
// The column has been checked with Fits, CheckElements and CheckFlags.
func WireToArrow(declared plumbv1.Type, values *plumbv1.Values, nulls []byte) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, ArrowType(declared))
	defer builder.Release()
	appendWire(builder, values, everyRow, Present(nulls))
	return builder.NewArray()
}

// Present is the inverse of null flags: true for each row that has a value. It is nil if there are no flags.
func Present(nulls []byte) []bool {
	if len(nulls) == 0 {
		return nil
	}
	present := make([]bool, len(nulls))
	for i, null := range nulls {
		present[i] = null == 0
	}
	return present
}

// AppendWireRows appends some rows of a wire column to an Arrow column of its type: those at the given positions, which
// ascend. A row that is not present is null; a nil present means that all are. The column has been checked with Fits
// and CheckElements.
func AppendWireRows(builder array.Builder, values *plumbv1.Values, rows []int32, present []bool) {
	appendWire(builder, values, selection{rows: rows}, present)
}

// selection is every row of a column, or those at some positions.
type selection struct {
	every bool
	rows  []int32
}

var everyRow = selection{every: true}

func appendWire(builder array.Builder, values *plumbv1.Values, rows selection, present []bool) {
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
	case *array.StringBuilder:
		appendScalars(builder, values.GetStrings().GetValues(), rows, present)
	case *array.BinaryBuilder:
		appendScalars(builder, values.GetBytes().GetValues(), rows, present)
	case *array.TimestampBuilder:
		appendScalars(timestamps{builder}, values.GetTimestamps().GetMicros(), rows, present)
	case *array.ListBuilder:
		appendLists(builder, values.GetArrays(), rows, present)
	}
}

// scalars is a builder of columns of one Go type.
type scalars[T any] interface {
	Append(value T)
	AppendNull()
	AppendValues(values []T, present []bool)
}

func appendScalars[T any, B scalars[T]](builder B, values []T, rows selection, present []bool) {
	if rows.every {
		builder.AppendValues(values, present)
		return
	}
	for _, row := range rows.rows {
		if present == nil || present[row] {
			builder.Append(values[row])
		} else {
			builder.AppendNull()
		}
	}
}

// timestamps takes microseconds as the wire has them.
type timestamps struct{ builder *array.TimestampBuilder }

func (t timestamps) Append(micros int64) { t.builder.Append(arrow.Timestamp(micros)) }
func (t timestamps) AppendNull()         { t.builder.AppendNull() }

func (t timestamps) AppendValues(micros []int64, present []bool) {
	t.builder.Reserve(len(micros))
	for i, at := range micros {
		if present == nil || present[i] {
			t.Append(at)
		} else {
			t.AppendNull()
		}
	}
}

func appendLists(builder *array.ListBuilder, arrays *plumbv1.ArrayValues, rows selection, present []bool) {
	if rows.every {
		appendAllLists(builder, arrays, present)
		return
	}
	lengths, next, start := arrays.GetLengths(), int32(0), int32(0)
	var elements []int32
	elementPresent := Present(arrays.GetNulls())
	for _, row := range rows.rows {
		for ; next < row; next++ {
			start += int32(lengths[next])
		}
		if present != nil && !present[row] {
			builder.AppendNull()
			continue
		}
		builder.Append(true)
		elements = elements[:0]
		for i := range int32(lengths[row]) {
			elements = append(elements, start+i)
		}
		appendWire(builder.ValueBuilder(), arrays.GetElements(), selection{rows: elements}, elementPresent)
	}
}

func appendAllLists(builder *array.ListBuilder, arrays *plumbv1.ArrayValues, present []bool) {
	lengths := arrays.GetLengths()
	offsets := make([]int32, len(lengths))
	at := int32(builder.ValueBuilder().Len())
	for i, length := range lengths {
		offsets[i] = at
		at += int32(length)
	}
	if present == nil {
		present = make([]bool, len(lengths))
		for i := range present {
			present[i] = true
		}
	}
	builder.AppendValues(offsets, present)
	appendWire(builder.ValueBuilder(), arrays.GetElements(), everyRow, Present(arrays.GetNulls()))
}
