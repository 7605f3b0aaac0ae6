package value

import (
	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// ArrowType returns the Arrow type in which engines exchange values of a declared type: timestamps are microseconds in
// UTC, arrays are lists with nullable elements.
func ArrowType(t plumbv1.Type) arrow.DataType {
	if element, ok := ElementType(t); ok {
		return arrow.ListOf(ArrowType(element))
	}
	switch t {
	case plumbv1.Type_BOOL:
		return arrow.FixedWidthTypes.Boolean
	case plumbv1.Type_INT32:
		return arrow.PrimitiveTypes.Int32
	case plumbv1.Type_INT64:
		return arrow.PrimitiveTypes.Int64
	case plumbv1.Type_FLOAT32:
		return arrow.PrimitiveTypes.Float32
	case plumbv1.Type_FLOAT64:
		return arrow.PrimitiveTypes.Float64
	case plumbv1.Type_STRING:
		return arrow.BinaryTypes.String
	case plumbv1.Type_BYTES:
		return arrow.BinaryTypes.Binary
	case plumbv1.Type_TIMESTAMP:
		return arrow.FixedWidthTypes.Timestamp_us
	}
	return arrow.Null
}

// ElementType returns the type of an array's elements, and whether t is an array at all.
func ElementType(t plumbv1.Type) (plumbv1.Type, bool) {
	const offset = plumbv1.Type_BOOL_ARRAY - plumbv1.Type_BOOL
	if t < plumbv1.Type_BOOL_ARRAY {
		return plumbv1.Type_TYPE_UNSPECIFIED, false
	}
	return t - offset, true
}
