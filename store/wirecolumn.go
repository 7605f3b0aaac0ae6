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

// wireColumns makes the columns of one reply. All of one type lie in one piece of memory, and their values in another,
// which spares most of the allocations of a reply of many columns.
type wireColumns struct {
	rows int
	// left has how many columns of each type are still to be made.
	left     [typeCount]int
	bools    slab[plumbv1.Values_Bools, plumbv1.BoolValues, bool]
	int32s   slab[plumbv1.Values_Int32S, plumbv1.Int32Values, int32]
	int64s   slab[plumbv1.Values_Int64S, plumbv1.Int64Values, int64]
	float32s slab[plumbv1.Values_Float32S, plumbv1.Float32Values, float32]
	float64s slab[plumbv1.Values_Float64S, plumbv1.Float64Values, float64]
	strings  slab[plumbv1.Values_Strings, plumbv1.StringValues, string]
	bytes    slab[plumbv1.Values_Bytes, plumbv1.BytesValues, []byte]
	instants slab[plumbv1.Values_Timestamps, plumbv1.TimestampValues, int64]
}

// typeCount is above the number of every scalar type.
const typeCount = int(plumbv1.Type_TIMESTAMP) + 1

// countTypes counts the columns of each scalar type.
func countTypes(types []plumbv1.Type) (counts [typeCount]int) {
	for _, t := range types {
		if int(t) < typeCount {
			counts[t]++
		}
	}
	return counts
}

// slab has columns to be handed out: what a message K holds is an M, whose values are the Ts.
type slab[K, M, T any] struct {
	cells  []cell[K, M, T]
	values []T
}

type cell[K, M, T any] struct {
	values  plumbv1.Values
	kind    K
	message M
	scalars scalars[T]
}

// next hands out a column with room for each row. left is how many are wanted, this one too.
func (s *slab[K, M, T]) next(left *int, rows int) (*cell[K, M, T], []T) {
	if len(s.cells) == 0 {
		s.cells, s.values = make([]cell[K, M, T], *left), make([]T, *left*rows)
	}
	*left--
	taken, values := &s.cells[0], s.values[:0:rows]
	s.cells, s.values = s.cells[1:], s.values[rows:]
	return taken, values
}

// next makes an empty column of the type, and what fills it.
func (w *wireColumns) next(t plumbv1.Type) (*plumbv1.Values, wireColumn) {
	if element, ok := ElementType(t); ok {
		elements := wireColumns{left: countTypes([]plumbv1.Type{element})}
		values, filling := elements.next(element)
		message := &plumbv1.ArrayValues{Lengths: make([]uint32, 0, w.rows), Elements: values}
		return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: message}},
			&arrays{message: message, elements: filling, width: fixedWidth(element)}
	}
	switch t {
	case plumbv1.Type_BOOL:
		c, values := w.bools.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Bools = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readBool)
	case plumbv1.Type_INT32:
		c, values := w.int32s.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Int32S = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readInt32)
	case plumbv1.Type_INT64:
		c, values := w.int64s.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Int64S = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readInt64)
	case plumbv1.Type_FLOAT32:
		c, values := w.float32s.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Float32S = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readFloat32)
	case plumbv1.Type_FLOAT64:
		c, values := w.float64s.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Float64S = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readFloat64)
	case plumbv1.Type_STRING:
		c, values := w.strings.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Strings = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readString)
	case plumbv1.Type_TIMESTAMP:
		c, values := w.instants.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Timestamps = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Micros, values, readInt64)
	default:
		c, values := w.bytes.next(&w.left[t], w.rows)
		c.values.Kind, c.kind.Bytes = &c.kind, &c.message
		return &c.values, c.scalars.into(&c.message.Values, values, readBytes)
	}
}

// scalars appends to the slice of a message.
type scalars[T any] struct {
	values *[]T
	read   func(raw []byte) (T, error)
}

// into makes the column append to a message's slice, which begins as the empty one given.
func (s *scalars[T]) into(field *[]T, empty []T, read func([]byte) (T, error)) *scalars[T] {
	*field = empty
	s.values, s.read = field, read
	return s
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
