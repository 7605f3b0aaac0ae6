package storetest

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
)

// compareValues orders two values of one type. It is the suite's reading of R3's "null lowest, greater wins" for a SQL
// source, which has no row order to fall back on: null is below everything, also inside arrays; false < true; numbers
// are ordered by value, with -0.0 below 0.0 and NaN above infinity, NaNs by their bits; strings and bytes bytewise;
// arrays by their first differing element, a prefix below what it begins.
func compareValues(a, b any) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	switch a := a.(type) {
	case bool:
		return compareBools(a, b.(bool))
	case int32:
		return cmp.Compare(a, b.(int32))
	case int64:
		return cmp.Compare(a, b.(int64))
	case float32:
		return compareFloats(float64(a), float64(b.(float32)))
	case float64:
		return compareFloats(a, b.(float64))
	case string:
		return strings.Compare(a, b.(string))
	case []byte:
		return bytes.Compare(a, b.([]byte))
	case feature.Instant:
		return cmp.Compare(a, b.(feature.Instant))
	default:
		return slices.CompareFunc(a.([]any), b.([]any), compareValues)
	}
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareFloats(a, b float64) int {
	switch {
	case math.IsNaN(a) && math.IsNaN(b):
		return cmp.Compare(math.Float64bits(a), math.Float64bits(b))
	case math.IsNaN(a) || math.IsNaN(b):
		return compareBools(math.IsNaN(a), math.IsNaN(b))
	case a == 0 && b == 0:
		return compareBools(!math.Signbit(a), !math.Signbit(b))
	}
	return cmp.Compare(a, b)
}

// compareInstants puts null lowest.
func compareInstants(a, b *feature.Instant) int {
	if a == nil || b == nil {
		return compareBools(a != nil, b != nil)
	}
	return cmp.Compare(*a, *b)
}

// SameValue says whether two values are the same bit for bit: NaN is itself, payload included, and -0.0 is not 0.0. Of
// a Near value it says whether the other is near enough.
func SameValue(a, b any) bool {
	if near, ok := b.(Near); ok {
		return near.holds(a)
	}
	switch a := a.(type) {
	case Near:
		return a.holds(b)
	case float32:
		b, ok := b.(float32)
		return ok && math.Float32bits(a) == math.Float32bits(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, SameValue)
	}
	if _, ok := b.([]any); ok {
		return false
	}
	if _, ok := b.([]byte); ok {
		return false
	}
	return a == b
}

// sameKey says whether two entity keys match; a null matches nothing, not even null (R8).
func sameKey(a, b []any) bool {
	return !hasNull(a) && !hasNull(b) && slices.EqualFunc(a, b, SameValue)
}

func hasNull(key []any) bool { return slices.Contains(key, nil) }
