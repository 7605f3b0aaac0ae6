package value

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// SameArrow reports whether two cells hold the same value bit for bit (R17): -0.0 is not 0.0, a NaN is the same as one
// with its payload alone, a null is the same as a null, and an empty array or text is not. Values of different types
// are never the same.
func SameArrow(a arrow.Array, i int, b arrow.Array, j int) bool {
	if a.IsNull(i) || b.IsNull(j) {
		return a.IsNull(i) && b.IsNull(j)
	}
	left, isArray := a.(*array.List)
	if right, alsoArray := b.(*array.List); isArray && alsoArray {
		return sameElements(left, i, right, j)
	}
	one, ok := arrowScalar(a, i)
	other, also := arrowScalar(b, j)
	return ok && also && one == other
}

func sameElements(a *array.List, i int, b *array.List, j int) bool {
	from, to := a.ValueOffsets(i)
	start, end := b.ValueOffsets(j)
	if to-from != end-start {
		return false
	}
	for at := range to - from {
		if !SameArrow(a.ListValues(), int(from+at), b.ListValues(), int(start+at)) {
			return false
		}
	}
	return true
}
