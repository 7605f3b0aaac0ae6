package value

import (
	"encoding/binary"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// AppendBits appends the bits of a Go value that is not nil.
func AppendBits(dst []byte, v any) ([]byte, error) {
	elements, isArray := v.([]any)
	if !isArray {
		s, ok := goScalar(v)
		if !ok {
			return nil, fmt.Errorf("%T is the Go form of no value", v)
		}
		return s.appendTo(dst), nil
	}
	dst = appendCount(dst, len(elements))
	for _, element := range elements {
		if element == nil {
			dst = appendNullElement(dst)
			continue
		}
		s, ok := goScalar(element)
		if !ok {
			return nil, fmt.Errorf("%T is the Go form of no element of an array", element)
		}
		dst = s.appendElementTo(dst)
	}
	return dst, nil
}

// AppendArrowBits appends the bits of a row that is not null.
func AppendArrowBits(dst []byte, column arrow.Array, row int) ([]byte, error) {
	list, isArray := column.(*array.List)
	if !isArray {
		s, ok := arrowScalar(column, row)
		if !ok {
			return nil, noType(column)
		}
		return s.appendTo(dst), nil
	}
	start, end := list.ValueOffsets(row)
	dst = appendCount(dst, int(end-start))
	elements := list.ListValues()
	for i := int(start); i < int(end); i++ {
		if elements.IsNull(i) {
			dst = appendNullElement(dst)
			continue
		}
		s, ok := arrowScalar(elements, i)
		if !ok {
			return nil, noType(column)
		}
		dst = s.appendElementTo(dst)
	}
	return dst, nil
}

func noType(column arrow.Array) error {
	return fmt.Errorf("a column of type %s holds values of no declared type", column.DataType())
}

func appendCount(dst []byte, count int) []byte {
	return binary.BigEndian.AppendUint32(dst, uint32(count))
}

func appendNullElement(dst []byte) []byte { return append(dst, 1, 0, 0, 0, 0) }

func (s scalar) appendElementTo(dst []byte) []byte {
	length := len(s.text)
	if !isText(s.kind) {
		length = widths[s.kind]
	}
	return s.appendTo(binary.BigEndian.AppendUint32(append(dst, 0), uint32(length)))
}

// FromBits returns the Go form of a value of a declared type that has these bits.
func FromBits(t plumbv1.Type, bits []byte) (any, error) {
	element, isArray := ElementType(t)
	if !isArray {
		s, ok := bitsScalar(t, bits)
		if !ok {
			return nil, notBits(t, bits)
		}
		return s.value(), nil
	}
	const header = 5
	if len(bits) < 4 {
		return nil, notBits(t, bits)
	}
	list := []any{}
	count, rest := binary.BigEndian.Uint32(bits), bits[4:]
	for len(rest) >= header {
		isNull, length := rest[0] == 1, uint64(binary.BigEndian.Uint32(rest[1:]))
		if rest = rest[header:]; length > uint64(len(rest)) {
			return nil, notBits(t, bits)
		}
		s, ok := bitsScalar(element, rest[:length])
		switch {
		case isNull:
			list = append(list, nil)
		case !ok:
			return nil, notBits(t, bits)
		default:
			list = append(list, s.value())
		}
		rest = rest[length:]
	}
	if len(rest) > 0 || len(list) != int(count) {
		return nil, notBits(t, bits)
	}
	return list, nil
}

func notBits(t plumbv1.Type, bits []byte) error {
	return fmt.Errorf("%x are not the bits of %s", bits, t)
}
