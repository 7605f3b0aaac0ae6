package audit

import (
	"bytes"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// sameValue says whether two values of one declared type are the same, bit for bit: -0.0 is not 0.0, a NaN is itself,
// and an empty array is no null.
func sameValue(a arrow.Array, i int, b arrow.Array, j int) bool {
	if a.IsNull(i) || b.IsNull(j) {
		return a.IsNull(i) && b.IsNull(j)
	}
	switch a := a.(type) {
	case *array.Float64:
		other, ok := b.(*array.Float64)
		return ok && math.Float64bits(a.Value(i)) == math.Float64bits(other.Value(j))
	case *array.Float32:
		other, ok := b.(*array.Float32)
		return ok && math.Float32bits(a.Value(i)) == math.Float32bits(other.Value(j))
	case *array.Int64:
		other, ok := b.(*array.Int64)
		return ok && a.Value(i) == other.Value(j)
	case *array.Int32:
		other, ok := b.(*array.Int32)
		return ok && a.Value(i) == other.Value(j)
	case *array.Boolean:
		other, ok := b.(*array.Boolean)
		return ok && a.Value(i) == other.Value(j)
	case *array.Timestamp:
		other, ok := b.(*array.Timestamp)
		return ok && a.Value(i) == other.Value(j)
	case *array.String:
		other, ok := b.(*array.String)
		return ok && a.Value(i) == other.Value(j)
	case *array.Binary:
		other, ok := b.(*array.Binary)
		return ok && bytes.Equal(a.Value(i), other.Value(j))
	case *array.List:
		other, ok := b.(*array.List)
		return ok && sameElements(a, i, other, j)
	}
	return false
}

func sameElements(a *array.List, i int, b *array.List, j int) bool {
	from, to := a.ValueOffsets(i)
	start, end := b.ValueOffsets(j)
	if to-from != end-start {
		return false
	}
	for at := range to - from {
		if !sameValue(a.ListValues(), int(from+at), b.ListValues(), int(start+at)) {
			return false
		}
	}
	return true
}
