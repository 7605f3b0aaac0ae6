package store

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// wireColumn collects the values of one column of a reply, in row order.
type wireColumn interface {
	// add appends the value that a row's field holds.
	add(raw []byte) error
	// addZero stands for a row without a value.
	addZero()
}

// newWireColumn makes an empty column of the type, and what fills it.
func newWireColumn(t plumbv1.Type, rows int) (*plumbv1.Values, wireColumn) {
	if element, ok := ElementType(t); ok {
		values, elements := newWireColumn(element, 0)
		message := &plumbv1.ArrayValues{Lengths: make([]uint32, 0, rows), Elements: values}
		return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: message}},
			&arrays{message: message, elements: elements, width: fixedWidth(element)}
	}
	values := &plumbv1.Values{}
	switch t {
	case plumbv1.Type_BOOL:
		message := &plumbv1.BoolValues{}
		values.Kind = &plumbv1.Values_Bools{Bools: message}
		return values, newScalars(&message.Values, rows, readBool)
	case plumbv1.Type_INT32:
		message := &plumbv1.Int32Values{}
		values.Kind = &plumbv1.Values_Int32S{Int32S: message}
		return values, newScalars(&message.Values, rows, readInt32)
	case plumbv1.Type_INT64:
		message := &plumbv1.Int64Values{}
		values.Kind = &plumbv1.Values_Int64S{Int64S: message}
		return values, newScalars(&message.Values, rows, readInt64)
	case plumbv1.Type_FLOAT32:
		message := &plumbv1.Float32Values{}
		values.Kind = &plumbv1.Values_Float32S{Float32S: message}
		return values, newScalars(&message.Values, rows, readFloat32)
	case plumbv1.Type_FLOAT64:
		message := &plumbv1.Float64Values{}
		values.Kind = &plumbv1.Values_Float64S{Float64S: message}
		return values, newScalars(&message.Values, rows, readFloat64)
	case plumbv1.Type_STRING:
		message := &plumbv1.StringValues{}
		values.Kind = &plumbv1.Values_Strings{Strings: message}
		return values, newScalars(&message.Values, rows, readString)
	case plumbv1.Type_TIMESTAMP:
		message := &plumbv1.TimestampValues{}
		values.Kind = &plumbv1.Values_Timestamps{Timestamps: message}
		return values, newScalars(&message.Micros, rows, readInt64)
	default:
		message := &plumbv1.BytesValues{}
		values.Kind = &plumbv1.Values_Bytes{Bytes: message}
		return values, newScalars(&message.Values, rows, readBytes)
	}
}

// scalars appends to the slice of a message.
type scalars[T any] struct {
	values *[]T
	read   func(raw []byte) (T, error)
}

func newScalars[T any](values *[]T, rows int, read func([]byte) (T, error)) *scalars[T] {
	*values = make([]T, 0, rows)
	return &scalars[T]{values: values, read: read}
}

func (s *scalars[T]) add(raw []byte) error {
	value, err := s.read(raw)
	*s.values = append(*s.values, value)
	return err
}

func (s *scalars[T]) addZero() {
	var zero T
	*s.values = append(*s.values, zero)
}

// arrays appends the elements of all rows to one column.
type arrays struct {
	message  *plumbv1.ArrayValues
	elements wireColumn
	// width is that of an element, 0 where they differ.
	width int
	// added counts the elements so far.
	added int
}

func (a *arrays) addZero() { a.message.Lengths = append(a.message.Lengths, 0) }

func (a *arrays) add(raw []byte) error {
	elements, err := parseArray(raw, a.width)
	if err != nil {
		return err
	}
	for i := range elements.count {
		element, ok, err := elements.at(i)
		if err != nil {
			return err
		}
		if err := a.addElement(element, ok); err != nil {
			return err
		}
	}
	a.message.Lengths = append(a.message.Lengths, uint32(elements.count))
	return nil
}

// addElement keeps the null flags empty until the first null.
func (a *arrays) addElement(raw []byte, ok bool) error {
	flag := byte(0)
	if !ok {
		flag = 1
		if a.message.Nulls == nil {
			a.message.Nulls = make([]byte, a.added)
		}
	}
	a.added++
	if a.message.Nulls != nil {
		a.message.Nulls = append(a.message.Nulls, flag)
	}
	if !ok {
		a.elements.addZero()
		return nil
	}
	return a.elements.add(raw)
}

// packedArray is an array value within a row.
type packedArray struct {
	count, width    int
	nulls           []byte
	places, section []byte
}

// parseArray checks the lengths that an array claims, before anything is allocated for them.
func parseArray(raw []byte, width int) (packedArray, error) {
	a := packedArray{width: width}
	if len(raw) < countSize {
		return a, fmt.Errorf("%w: an array has %d bytes", ErrCorruptRow, len(raw))
	}
	count, rest := uint64(binary.BigEndian.Uint32(raw)), raw[countSize:]
	place := uint64(cmp.Or(width, offsetSize))
	bits := (count + 7) / 8
	if need := bits + count*place; need > uint64(len(rest)) || width > 0 && need != uint64(len(rest)) {
		return a, fmt.Errorf("%w: an array of %d elements has %d bytes", ErrCorruptRow, count, len(raw))
	}
	a.count = int(count)
	a.nulls, a.places, a.section = rest[:bits], rest[bits:bits+count*place], rest[bits+count*place:]
	return a, nil
}

// at returns the bytes of an element, and false where it is null.
func (a *packedArray) at(i int) ([]byte, bool, error) {
	if bit(a.nulls, i) {
		return nil, false, nil
	}
	if a.width > 0 {
		return a.places[i*a.width : (i+1)*a.width], true, nil
	}
	start := uint32(0)
	if i > 0 {
		start = binary.BigEndian.Uint32(a.places[(i-1)*offsetSize:])
	}
	raw, err := between(a.section, start, binary.BigEndian.Uint32(a.places[i*offsetSize:]))
	return raw, true, err
}

func readBool(raw []byte) (bool, error) {
	if raw[0] > 1 {
		return false, fmt.Errorf("%w: a BOOL is %d", ErrCorruptRow, raw[0])
	}
	return raw[0] == 1, nil
}

func readInt32(raw []byte) (int32, error) { return int32(binary.BigEndian.Uint32(raw)), nil }

func readInt64(raw []byte) (int64, error) { return int64(binary.BigEndian.Uint64(raw)), nil }

func readFloat32(raw []byte) (float32, error) {
	return math.Float32frombits(binary.BigEndian.Uint32(raw)), nil
}

func readFloat64(raw []byte) (float64, error) {
	return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
}

// readString copies, where readBytes refers to the row.
func readString(raw []byte) (string, error) {
	if !utf8.Valid(raw) {
		return "", fmt.Errorf("%w: a STRING is not UTF-8", ErrCorruptRow)
	}
	return string(raw), nil
}

func readBytes(raw []byte) ([]byte, error) { return raw, nil }
