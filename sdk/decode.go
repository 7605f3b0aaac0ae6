package plumb

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// values are those of one column, for all rows: *typed[T] of a Scalar or of a List of one.
type values interface {
	at(row int) any
	// element is the name of T.
	element() string
}

type typed[T any] []T

func (v *typed[T]) at(row int) any { return (*v)[row] }

func (v *typed[T]) element() string {
	var zero T
	return fmt.Sprintf("%T", zero)
}

// decoder decodes the columns of a reply. All of one type lie in one piece of memory, and their values in another, so
// that there are few allocations however many columns there are. What comes is counted first.
type decoder struct {
	bools    slab[bool]
	int32s   slab[int32]
	int64s   slab[int64]
	float32s slab[float32]
	float64s slab[float64]
	strings  slab[string]
	bytes    slab[[]byte]
	instants slab[time.Time]
}

type slab[T any] struct {
	// columns and elements are how many are to come.
	columns, elements int

	free   []typed[T]
	values []T
}

func (s *slab[T]) expect(count int) {
	s.columns++
	s.elements += count
}

// next returns an empty column with room for that many values.
func (s *slab[T]) next(count int) *typed[T] {
	if len(s.free) == 0 {
		s.free, s.values = make([]typed[T], s.columns), make([]T, s.elements)
	}
	column := &s.free[0]
	*column = s.values[:0:count]
	s.free, s.values = s.free[1:], s.values[count:]
	return column
}

// expect counts a column that decode is going to be called for.
func (d *decoder) expect(v *wireValues) {
	switch v.kind {
	case boolKind:
		d.bools.expect(v.count)
	case int32Kind:
		d.int32s.expect(v.count)
	case int64Kind:
		d.int64s.expect(v.count)
	case float32Kind:
		d.float32s.expect(v.count)
	case float64Kind:
		d.float64s.expect(v.count)
	case stringKind:
		d.strings.expect(v.count)
	case bytesKind:
		d.bytes.expect(v.count)
	case timestampKind:
		d.instants.expect(v.count)
	}
}

// decode returns the values of a column. Those that are BYTES refer to what came.
func (d *decoder) decode(v *wireValues) (values, error) {
	switch v.kind {
	case boolKind:
		return varints(d.bools.next(v.count), v.content, func(n uint64) bool { return n != 0 })
	case int32Kind:
		return varints(d.int32s.next(v.count), v.content, func(n uint64) int32 {
			return int32(protowire.DecodeZigZag(n & math.MaxUint32))
		})
	case int64Kind:
		return varints(d.int64s.next(v.count), v.content, protowire.DecodeZigZag)
	case float32Kind:
		column := d.float32s.next(v.count)
		for i := range v.count {
			*column = append(*column, math.Float32frombits(binary.LittleEndian.Uint32(v.content[4*i:])))
		}
		return column, nil
	case float64Kind:
		column := d.float64s.next(v.count)
		for i := range v.count {
			*column = append(*column, math.Float64frombits(binary.LittleEndian.Uint64(v.content[8*i:])))
		}
		return column, nil
	case stringKind:
		return texts(d.strings.next(v.count), v.content)
	case bytesKind:
		return blobs(d.bytes.next(v.count), v.content)
	case timestampKind:
		column := d.instants.next(v.count)
		for i := range v.count {
			*column = append(*column, time.UnixMicro(int64(binary.LittleEndian.Uint64(v.content[8*i:]))).UTC())
		}
		return column, nil
	}
	return decodeLists(v.content)
}

func varints[T any](column *typed[T], content []byte, value func(uint64) T) (*typed[T], error) {
	for len(content) > 0 {
		number, size := uint64(content[0]), 1
		if number >= 0x80 {
			if number, size = protowire.ConsumeVarint(content); size < 0 {
				return nil, errWire
			}
		}
		*column, content = append(*column, value(number)), content[size:]
	}
	return column, nil
}

// texts makes one string of the whole column, which the values are parts of.
func texts(column *typed[string], content []byte) (*typed[string], error) {
	whole := string(content)
	for rest := content; len(rest) > 0; {
		f, after, err := nextField(rest)
		if err != nil {
			return nil, err
		}
		end := len(whole) - len(after)
		text := whole[end-len(f.content) : end]
		if !utf8.ValidString(text) {
			return nil, errWire
		}
		*column, rest = append(*column, text), after
	}
	return column, nil
}

func blobs(column *typed[[]byte], content []byte) (*typed[[]byte], error) {
	for len(content) > 0 {
		f, rest, err := nextField(content)
		if err != nil {
			return nil, err
		}
		*column, content = append(*column, f.content), rest
	}
	return column, nil
}

func decodeLists(message []byte) (values, error) {
	arrays, err := readArrays(message)
	if err != nil {
		return nil, err
	}
	wire, err := readValues(arrays.elements)
	if err != nil || wire.kind == listKind {
		return nil, errWire
	}
	var d decoder
	d.expect(&wire)
	decoded, err := d.decode(&wire)
	if err != nil {
		return nil, err
	}
	switch elements := decoded.(type) {
	case *typed[bool]:
		return listsOf(arrays, *elements)
	case *typed[int32]:
		return listsOf(arrays, *elements)
	case *typed[int64]:
		return listsOf(arrays, *elements)
	case *typed[float32]:
		return listsOf(arrays, *elements)
	case *typed[float64]:
		return listsOf(arrays, *elements)
	case *typed[string]:
		return listsOf(arrays, *elements)
	case *typed[[]byte]:
		return listsOf(arrays, *elements)
	case *typed[time.Time]:
		return listsOf(arrays, *elements)
	}
	return nil, errWire
}

// listsOf divides the elements among the rows.
func listsOf[T Scalar](arrays wireArrays, elements []T) (values, error) {
	nulls, lists := arrays.nulls, make(typed[List[T]], 0, countVarints(arrays.lengths))
	if len(nulls) > 0 && len(nulls) != len(elements) {
		return nil, errWire
	}
	for lengths := arrays.lengths; len(lengths) > 0; {
		length, size := protowire.ConsumeVarint(lengths)
		if length = uint64(uint32(length)); size < 0 || length > uint64(len(elements)) {
			return nil, errWire
		}
		list := List[T]{elements: elements[:length:length]}
		elements, lengths = elements[length:], lengths[size:]
		if len(nulls) > 0 {
			list.nulls, nulls = nulls[:length:length], nulls[length:]
		}
		lists = append(lists, list)
	}
	if len(elements) > 0 {
		return nil, errWire
	}
	return &lists, nil
}
