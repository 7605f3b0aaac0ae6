package value

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// scalar is a value that is neither null nor an array, with its bits at hand. Two scalars are equal iff the values are
// the same bit for bit. A scalar refers to the memory that it was read from and must not outlive it.
type scalar struct {
	kind plumbv1.Type
	// word has the bits of a value of fixed width in its lowest bytes, of a negative INT32 only the lowest four.
	word uint64
	// text is a STRING, or the bytes of BYTES.
	text string
}

// widths are the bytes of values of fixed width.
var widths = [...]int{
	plumbv1.Type_BOOL: 1, plumbv1.Type_INT32: 4, plumbv1.Type_FLOAT32: 4,
	plumbv1.Type_INT64: 8, plumbv1.Type_FLOAT64: 8, plumbv1.Type_TIMESTAMP: 8,
}

func ofBool(v bool) scalar {
	if v {
		return scalar{kind: plumbv1.Type_BOOL, word: 1}
	}
	return scalar{kind: plumbv1.Type_BOOL}
}

func ofInt32(v int32) scalar   { return scalar{kind: plumbv1.Type_INT32, word: uint64(uint32(v))} }
func ofInt64(v int64) scalar   { return scalar{kind: plumbv1.Type_INT64, word: uint64(v)} }
func ofString(v string) scalar { return scalar{kind: plumbv1.Type_STRING, text: v} }
func ofMicros(v int64) scalar  { return scalar{kind: plumbv1.Type_TIMESTAMP, word: uint64(v)} }
func ofFloat64(v float64) scalar {
	return scalar{kind: plumbv1.Type_FLOAT64, word: math.Float64bits(v)}
}

func ofFloat32(v float32) scalar {
	return scalar{kind: plumbv1.Type_FLOAT32, word: uint64(math.Float32bits(v))}
}

// ofBytes does not copy the bytes.
func ofBytes(v []byte) scalar {
	return scalar{kind: plumbv1.Type_BYTES, text: unsafe.String(unsafe.SliceData(v), len(v))}
}

// goScalar returns false for what is not the Go form of a scalar.
func goScalar(v any) (scalar, bool) {
	switch v := v.(type) {
	case bool:
		return ofBool(v), true
	case int32:
		return ofInt32(v), true
	case int64:
		return ofInt64(v), true
	case float32:
		return ofFloat32(v), true
	case float64:
		return ofFloat64(v), true
	case string:
		return ofString(v), true
	case []byte:
		return ofBytes(v), true
	case feature.Instant:
		return ofMicros(int64(v)), true
	}
	return scalar{}, false
}

// arrowScalar reads a row that is not null. It returns false if the column is not of scalars of a declared type.
func arrowScalar(column arrow.Array, row int) (scalar, bool) {
	switch column := column.(type) {
	case *array.Boolean:
		return ofBool(column.Value(row)), true
	case *array.Int32:
		return ofInt32(column.Value(row)), true
	case *array.Int64:
		return ofInt64(column.Value(row)), true
	case *array.Float32:
		return ofFloat32(column.Value(row)), true
	case *array.Float64:
		return ofFloat64(column.Value(row)), true
	case *array.String:
		return ofString(column.Value(row)), true
	case *array.Binary:
		return ofBytes(column.Value(row)), true
	case *array.Timestamp:
		return ofMicros(int64(column.Value(row))), true
	}
	return scalar{}, false
}

// wireScalar returns false if the column has no scalar at the position.
func wireScalar(values *plumbv1.Values, at int) (scalar, bool) {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return scalarAt(kind.Bools.GetValues(), at, ofBool)
	case *plumbv1.Values_Int32S:
		return scalarAt(kind.Int32S.GetValues(), at, ofInt32)
	case *plumbv1.Values_Int64S:
		return scalarAt(kind.Int64S.GetValues(), at, ofInt64)
	case *plumbv1.Values_Float32S:
		return scalarAt(kind.Float32S.GetValues(), at, ofFloat32)
	case *plumbv1.Values_Float64S:
		return scalarAt(kind.Float64S.GetValues(), at, ofFloat64)
	case *plumbv1.Values_Strings:
		return scalarAt(kind.Strings.GetValues(), at, ofString)
	case *plumbv1.Values_Bytes:
		return scalarAt(kind.Bytes.GetValues(), at, ofBytes)
	case *plumbv1.Values_Timestamps:
		return scalarAt(kind.Timestamps.GetMicros(), at, ofMicros)
	}
	return scalar{}, false
}

func scalarAt[T any](values []T, at int, of func(T) scalar) (scalar, bool) {
	if at < 0 || at >= len(values) {
		return scalar{}, false
	}
	return of(values[at]), true
}

// bitsScalar is the inverse of appendTo. It returns false if the bits are not of a scalar of the type.
func bitsScalar(t plumbv1.Type, bits []byte) (scalar, bool) {
	s := scalar{kind: t}
	if isText(t) {
		s.text = unsafe.String(unsafe.SliceData(bits), len(bits))
		return s, true
	}
	if t <= 0 || int(t) >= len(widths) || len(bits) != widths[t] {
		return s, false
	}
	for _, b := range bits {
		s.word = s.word<<8 | uint64(b)
	}
	return s, true
}

// appendTo appends the bits.
func (s scalar) appendTo(dst []byte) []byte {
	if isText(s.kind) {
		return append(dst, s.text...)
	}
	switch widths[s.kind] {
	case 1:
		return append(dst, byte(s.word))
	case 4:
		return binary.BigEndian.AppendUint32(dst, uint32(s.word))
	}
	return binary.BigEndian.AppendUint64(dst, s.word)
}

// value returns the Go form, in memory of its own.
func (s scalar) value() any {
	switch s.kind {
	case plumbv1.Type_BOOL:
		return s.word != 0
	case plumbv1.Type_INT32:
		return int32(s.word)
	case plumbv1.Type_INT64:
		return int64(s.word)
	case plumbv1.Type_FLOAT32:
		return math.Float32frombits(uint32(s.word))
	case plumbv1.Type_FLOAT64:
		return math.Float64frombits(s.word)
	case plumbv1.Type_STRING:
		return string([]byte(s.text))
	case plumbv1.Type_BYTES:
		return []byte(s.text)
	case plumbv1.Type_TIMESTAMP:
		return feature.Instant(s.word)
	}
	return nil
}

func isText(t plumbv1.Type) bool { return t == plumbv1.Type_STRING || t == plumbv1.Type_BYTES }
