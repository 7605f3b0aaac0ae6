package parity

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// cell is one feature of one label row as one side reports it.
type cell struct {
	status plumbv1.Status
	// event means nothing if status is NOT_FOUND.
	event feature.Instant
	// value has the bits of the value: numbers big-endian, texts and bytes as they are, of an array the count and then for
	// each element a null flag, its length and itself. It is empty unless status is PRESENT. Two values are the same iff
	// these bytes are, so that 0.0 is not -0.0 and a NaN is itself.
	value []byte
}

func (c cell) same(other cell) bool {
	return c.status == other.status && bytes.Equal(c.value, other.value) &&
		(c.event == other.event || c.status == plumbv1.Status_NOT_FOUND)
}

// found says whether there is a visible row.
func (c cell) found() bool {
	return c.status == plumbv1.Status_PRESENT || c.status == plumbv1.Status_NULL
}

// cells are those of one output, row by row, packed.
type cells struct {
	statuses []byte
	events   []feature.Instant
	ends     []int
	data     []byte
}

func (c *cells) len() int { return len(c.statuses) }

// add appends a cell without its value, whose bytes have been appended to data.
func (c *cells) add(status plumbv1.Status, event feature.Instant) {
	c.statuses, c.events, c.ends = append(c.statuses, byte(status)), append(c.events, event), append(c.ends, len(c.data))
}

func (c *cells) at(row int) cell {
	start := 0
	if row > 0 {
		start = c.ends[row-1]
	}
	return cell{plumbv1.Status(c.statuses[row]), c.events[row], c.data[start:c.ends[row]]}
}

// appendArrow appends the bits of a value that is not null.
func appendArrow(dst []byte, column arrow.Array, row int) ([]byte, error) {
	switch a := column.(type) {
	case *array.Boolean:
		return appendBool(dst, a.Value(row)), nil
	case *array.Int32:
		return binary.BigEndian.AppendUint32(dst, uint32(a.Value(row))), nil
	case *array.Int64:
		return binary.BigEndian.AppendUint64(dst, uint64(a.Value(row))), nil
	case *array.Float32:
		return binary.BigEndian.AppendUint32(dst, math.Float32bits(a.Value(row))), nil
	case *array.Float64:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(a.Value(row))), nil
	case *array.String:
		return append(dst, a.Value(row)...), nil
	case *array.Binary:
		return append(dst, a.Value(row)...), nil
	case *array.Timestamp:
		return binary.BigEndian.AppendUint64(dst, uint64(a.Value(row))), nil
	case *array.List:
		return appendList(dst, a, row)
	}
	return nil, fmt.Errorf("a column of type %s holds no feature", column.DataType())
}

func appendList(dst []byte, list *array.List, row int) ([]byte, error) {
	start, end := list.ValueOffsets(row)
	dst = binary.BigEndian.AppendUint32(dst, uint32(end-start))
	var element []byte
	for i := int(start); i < int(end); i++ {
		isNull := list.ListValues().IsNull(i)
		element = element[:0]
		if !isNull {
			var err error
			if element, err = appendArrow(element, list.ListValues(), i); err != nil {
				return nil, err
			}
		}
		dst = appendElement(dst, isNull, element)
	}
	return dst, nil
}

func appendElement(dst []byte, isNull bool, element []byte) []byte {
	dst = appendBool(dst, isNull)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(element))), element...)
}

func appendBool(dst []byte, value bool) []byte {
	if value {
		return append(dst, 1)
	}
	return append(dst, 0)
}

// wireColumn reads a served column.
type wireColumn struct {
	values *plumbv1.Values
	// starts are where the elements of each row begin, of a column of arrays.
	starts []int
}

func newWireColumn(values *plumbv1.Values) wireColumn {
	w := wireColumn{values: values}
	total := 0
	for _, length := range values.GetArrays().GetLengths() {
		w.starts = append(w.starts, total)
		total += int(length)
	}
	return w
}

// append appends the bits of a row's value. A row that is not there is an error.
func (w wireColumn) append(dst []byte, row int) ([]byte, error) {
	if arrays := w.values.GetArrays(); arrays != nil {
		return w.appendArray(dst, arrays, row)
	}
	raw, ok := appendWire(dst, w.values, row)
	if !ok {
		return nil, fmt.Errorf("the column has no value for row %d", row)
	}
	return raw, nil
}

func (w wireColumn) appendArray(dst []byte, arrays *plumbv1.ArrayValues, row int) ([]byte, error) {
	if row >= len(w.starts) {
		return nil, fmt.Errorf("the column has no array for row %d", row)
	}
	count := int(arrays.GetLengths()[row])
	dst = binary.BigEndian.AppendUint32(dst, uint32(count))
	var element []byte
	for i := w.starts[row]; i < w.starts[row]+count; i++ {
		isNull := len(arrays.GetNulls()) > i && arrays.GetNulls()[i] != 0
		element = element[:0]
		if !isNull {
			var ok bool
			if element, ok = appendWire(element, arrays.GetElements(), i); !ok {
				return nil, fmt.Errorf("the column has no element %d", i)
			}
		}
		dst = appendElement(dst, isNull, element)
	}
	return dst, nil
}

// appendWire appends the bits of a scalar, if there is one at the position.
func appendWire(dst []byte, values *plumbv1.Values, at int) ([]byte, bool) {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return appendAt(dst, kind.Bools.GetValues(), at, appendBool)
	case *plumbv1.Values_Int32S:
		return appendAt(dst, kind.Int32S.GetValues(), at, appendInt32)
	case *plumbv1.Values_Int64S:
		return appendAt(dst, kind.Int64S.GetValues(), at, appendInt64)
	case *plumbv1.Values_Float32S:
		return appendAt(dst, kind.Float32S.GetValues(), at, appendFloat32)
	case *plumbv1.Values_Float64S:
		return appendAt(dst, kind.Float64S.GetValues(), at, appendFloat64)
	case *plumbv1.Values_Strings:
		return appendAt(dst, kind.Strings.GetValues(), at, appendText[string])
	case *plumbv1.Values_Bytes:
		return appendAt(dst, kind.Bytes.GetValues(), at, appendText[[]byte])
	case *plumbv1.Values_Timestamps:
		return appendAt(dst, kind.Timestamps.GetMicros(), at, appendInt64)
	}
	return dst, false
}

func appendAt[T any](dst []byte, values []T, at int, bits func([]byte, T) []byte) ([]byte, bool) {
	if at >= len(values) {
		return dst, false
	}
	return bits(dst, values[at]), true
}

func appendInt32(dst []byte, v int32) []byte     { return binary.BigEndian.AppendUint32(dst, uint32(v)) }
func appendInt64(dst []byte, v int64) []byte     { return binary.BigEndian.AppendUint64(dst, uint64(v)) }
func appendFloat32(dst []byte, v float32) []byte { return appendInt32(dst, int32(math.Float32bits(v))) }
func appendFloat64(dst []byte, v float64) []byte { return appendInt64(dst, int64(math.Float64bits(v))) }

func appendText[T string | []byte](dst []byte, v T) []byte { return append(dst, v...) }

// textOf writes the bits of a value of a type for people.
func textOf(t plumbv1.Type, raw []byte) string {
	if element, ok := value.ElementType(t); ok {
		return arrayText(element, raw)
	}
	switch t {
	case plumbv1.Type_BOOL:
		return strconv.FormatBool(raw[0] == 1)
	case plumbv1.Type_INT32:
		return strconv.FormatInt(int64(int32(binary.BigEndian.Uint32(raw))), 10)
	case plumbv1.Type_INT64:
		return strconv.FormatInt(int64(binary.BigEndian.Uint64(raw)), 10)
	case plumbv1.Type_FLOAT32:
		return floatText(float64(math.Float32frombits(binary.BigEndian.Uint32(raw))), 32, raw)
	case plumbv1.Type_FLOAT64:
		return floatText(math.Float64frombits(binary.BigEndian.Uint64(raw)), 64, raw)
	case plumbv1.Type_STRING:
		return strconv.Quote(string(raw))
	case plumbv1.Type_TIMESTAMP:
		return feature.Instant(binary.BigEndian.Uint64(raw)).String()
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// floatText writes a float as documents do, and distinguishes NaNs, since their bits may be what differs.
func floatText(value float64, size int, raw []byte) string {
	if math.IsNaN(value) {
		return fmt.Sprintf("NaN (%x)", raw)
	}
	if size == 32 {
		return fmt.Sprint(document.Float(float32(value)))
	}
	return fmt.Sprint(document.Float(value))
}

func arrayText(element plumbv1.Type, raw []byte) string {
	var elements []string
	for rest := raw[4:]; len(rest) > 0; {
		length := int(binary.BigEndian.Uint32(rest[1:]))
		if rest[0] == 1 {
			elements = append(elements, "null")
		} else {
			elements = append(elements, textOf(element, rest[5:5+length]))
		}
		rest = rest[5+length:]
	}
	return "[" + strings.Join(elements, ", ") + "]"
}
