package value

import (
	"github.com/apache/arrow-go/v18/arrow"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// arrowTypes are the Arrow types of the types that are not arrays.
var arrowTypes = map[plumbv1.Type]arrow.DataType{
	plumbv1.Type_BOOL:      arrow.FixedWidthTypes.Boolean,
	plumbv1.Type_INT32:     arrow.PrimitiveTypes.Int32,
	plumbv1.Type_INT64:     arrow.PrimitiveTypes.Int64,
	plumbv1.Type_FLOAT32:   arrow.PrimitiveTypes.Float32,
	plumbv1.Type_FLOAT64:   arrow.PrimitiveTypes.Float64,
	plumbv1.Type_STRING:    arrow.BinaryTypes.String,
	plumbv1.Type_BYTES:     arrow.BinaryTypes.Binary,
	plumbv1.Type_TIMESTAMP: arrow.FixedWidthTypes.Timestamp_us,
}

// ArrowType returns the Arrow type in which engines exchange values of a declared type: timestamps are microseconds in
// UTC, arrays are lists with nullable elements.
func ArrowType(t plumbv1.Type) arrow.DataType {
	if element, ok := ElementType(t); ok {
		return arrow.ListOf(ArrowType(element))
	}
	if arrowType, ok := arrowTypes[t]; ok {
		return arrowType
	}
	return arrow.Null
}

// arrayOffset is the distance from a type to that of its arrays.
const arrayOffset = plumbv1.Type_BOOL_ARRAY - plumbv1.Type_BOOL

// ElementType returns the type of an array's elements, and whether t is an array at all.
func ElementType(t plumbv1.Type) (plumbv1.Type, bool) {
	if t < plumbv1.Type_BOOL_ARRAY {
		return plumbv1.Type_TYPE_UNSPECIFIED, false
	}
	return t - arrayOffset, true
}

// ArrayType returns the type of arrays of an element, TYPE_UNSPECIFIED if there are none.
func ArrayType(element plumbv1.Type) plumbv1.Type {
	if element <= plumbv1.Type_TYPE_UNSPECIFIED || element >= plumbv1.Type_BOOL_ARRAY {
		return plumbv1.Type_TYPE_UNSPECIFIED
	}
	return element + arrayOffset
}
