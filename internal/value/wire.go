package value

import (
	"errors"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Kind returns the type of a wire column and its number of rows. The type is TYPE_UNSPECIFIED if the column says none,
// as an array without elements may.
func Kind(values *plumbv1.Values) (plumbv1.Type, int) {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return plumbv1.Type_BOOL, len(kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return plumbv1.Type_INT32, len(kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return plumbv1.Type_INT64, len(kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return plumbv1.Type_FLOAT32, len(kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return plumbv1.Type_FLOAT64, len(kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return plumbv1.Type_STRING, len(kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return plumbv1.Type_BYTES, len(kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		return plumbv1.Type_TIMESTAMP, len(kind.Timestamps.GetMicros())
	case *plumbv1.Values_Arrays:
		element, _ := Kind(kind.Arrays.GetElements())
		return ArrayType(element), len(kind.Arrays.GetLengths())
	}
	return plumbv1.Type_TYPE_UNSPECIFIED, 0
}

// Fits reports whether a wire column holds values of a declared type. Arrays that are all empty need not say the type
// of their elements, and fit every array.
func Fits(values *plumbv1.Values, declared plumbv1.Type) bool {
	kind, _ := Kind(values)
	if kind != plumbv1.Type_TYPE_UNSPECIFIED {
		return kind == declared
	}
	_, wanted := ElementType(declared)
	return wanted && values.GetArrays() != nil && values.GetArrays().GetElements().GetKind() == nil
}

// CheckElements refuses a column of arrays whose elements are not as many as its lengths and null flags say. The error
// continues a sentence about the column.
func CheckElements(values *plumbv1.Values) error {
	arrays := values.GetArrays()
	_, count := Kind(arrays.GetElements())
	var total uint64
	for _, length := range arrays.GetLengths() {
		total += uint64(length)
	}
	if total != uint64(count) {
		return fmt.Errorf("has %d elements, which is not the sum of its lengths", count)
	}
	if err := CheckFlags(arrays.GetNulls(), count); err != nil {
		return fmt.Errorf("among its elements %w", err)
	}
	return nil
}

// CheckFlags refuses null flags that are not one byte of 0 or 1 for each of so many values, or none at all. The error
// continues a sentence about the column.
func CheckFlags(nulls []byte, count int) error {
	if len(nulls) > 0 && len(nulls) != count {
		return fmt.Errorf("has %d null flags for %d values; give one for each, or none", len(nulls), count)
	}
	if at := slices.IndexFunc(nulls, func(flag byte) bool { return flag > 1 }); at >= 0 {
		return fmt.Errorf("has %d for a null flag at %d; 0 and 1 are allowed", nulls[at], at+1)
	}
	return nil
}

// Wire reads the rows of a wire column.
type Wire struct {
	values *plumbv1.Values
	// starts are the positions at which each row's elements begin, of a column of arrays.
	starts []int
}

// ReadWire returns a reader of a column. It allocates only for arrays.
func ReadWire(values *plumbv1.Values) Wire {
	w := Wire{values: values}
	if arrays := values.GetArrays(); arrays != nil {
		w.starts = make([]int, len(arrays.GetLengths()))
		total := 0
		for i, length := range arrays.GetLengths() {
			w.starts[i] = total
			total += int(length)
		}
	}
	return w
}

// Text returns a row of STRING or BYTES without a copy; false for another type, or if the column has no such row. The
// text is valid while the column is not modified.
func (w Wire) Text(row int) (string, bool) {
	s, ok := wireScalar(w.values, row)
	return s.text, ok && isText(s.kind)
}

// At returns the Go form of a row. Whether the row is null is told beside the column: At returns what is in its place.
func (w Wire) At(row int) (any, error) {
	arrays := w.values.GetArrays()
	if arrays == nil {
		s, ok := wireScalar(w.values, row)
		if !ok {
			return nil, noRow(row)
		}
		return s.value(), nil
	}
	start, end, err := w.bounds(row)
	if err != nil {
		return nil, err
	}
	list := make([]any, 0, end-start)
	for i := start; i < end; i++ {
		s, isNull, err := wireElement(arrays, i)
		switch {
		case err != nil:
			return nil, err
		case isNull:
			list = append(list, nil)
		default:
			list = append(list, s.value())
		}
	}
	return list, nil
}

// AppendBits appends the bits of a row.
func (w Wire) AppendBits(dst []byte, row int) ([]byte, error) {
	arrays := w.values.GetArrays()
	if arrays == nil {
		s, ok := wireScalar(w.values, row)
		if !ok {
			return nil, noRow(row)
		}
		return s.appendTo(dst), nil
	}
	start, end, err := w.bounds(row)
	if err != nil {
		return nil, err
	}
	dst = appendCount(dst, end-start)
	for i := start; i < end; i++ {
		s, isNull, err := wireElement(arrays, i)
		switch {
		case err != nil:
			return nil, err
		case isNull:
			dst = appendNullElement(dst)
		default:
			dst = s.appendElementTo(dst)
		}
	}
	return dst, nil
}

func noRow(row int) error { return fmt.Errorf("the column has no value for row %d", row) }

var errElements = errors.New("the column has fewer elements than its lengths add up to")

// bounds are those of a row's elements. A column may state lengths that it does not have elements for.
func (w Wire) bounds(row int) (start, end int, err error) {
	if row < 0 || row >= len(w.starts) {
		return 0, 0, noRow(row)
	}
	start = w.starts[row]
	end = start + int(w.values.GetArrays().GetLengths()[row])
	if _, count := Kind(w.values.GetArrays().GetElements()); end > count {
		return 0, 0, errElements
	}
	return start, end, nil
}

func wireElement(arrays *plumbv1.ArrayValues, at int) (s scalar, isNull bool, err error) {
	if nulls := arrays.GetNulls(); at < len(nulls) && nulls[at] != 0 {
		return s, true, nil
	}
	s, ok := wireScalar(arrays.GetElements(), at)
	if !ok {
		return s, false, errElements
	}
	return s, false, nil
}

// ToWire returns a wire column of a declared type from Go values of that type. In the place of nil it has what
// plumbv1.Values says: NaN among floats, an empty array, otherwise the zero of the type. Nulls are the flags to send
// beside it, nil if there is no nil.
func ToWire(declared plumbv1.Type, values []any) (column *plumbv1.Values, nulls []byte) {
	nulls = nullFlags(values)
	element, isArray := ElementType(declared)
	if !isArray {
		return scalarsToWire(declared, values), nulls
	}
	arrays := &plumbv1.ArrayValues{Lengths: make([]uint32, len(values))}
	var elements []any
	for i, v := range values {
		list, _ := v.([]any)
		arrays.Lengths[i] = uint32(len(list))
		elements = append(elements, list...)
	}
	arrays.Elements, arrays.Nulls = scalarsToWire(element, elements), nullFlags(elements)
	return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: arrays}}, nulls
}

func nullFlags(values []any) []byte {
	if !slices.Contains(values, nil) {
		return nil
	}
	nulls := make([]byte, len(values))
	for i, v := range values {
		if v == nil {
			nulls[i] = 1
		}
	}
	return nulls
}

func scalarsToWire(t plumbv1.Type, values []any) *plumbv1.Values {
	v := &plumbv1.Values{}
	switch t {
	case plumbv1.Type_BOOL:
		v.Kind = &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: typed(values, false)}}
	case plumbv1.Type_INT32:
		v.Kind = &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: typed(values, int32(0))}}
	case plumbv1.Type_INT64:
		v.Kind = &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: typed(values, int64(0))}}
	case plumbv1.Type_FLOAT32:
		v.Kind = &plumbv1.Values_Float32S{Float32S: &plumbv1.Float32Values{Values: typed(values, float32(TextNaN()))}}
	case plumbv1.Type_FLOAT64:
		v.Kind = &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: typed(values, TextNaN())}}
	case plumbv1.Type_STRING:
		v.Kind = &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: typed(values, "")}}
	case plumbv1.Type_BYTES:
		v.Kind = &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: typed(values, []byte(nil))}}
	case plumbv1.Type_TIMESTAMP:
		micros := make([]int64, len(values))
		for i, at := range typed(values, feature.Instant(0)) {
			micros[i] = int64(at)
		}
		v.Kind = &plumbv1.Values_Timestamps{Timestamps: &plumbv1.TimestampValues{Micros: micros}}
	}
	return v
}

// typed returns values of one type, with none in the place of nil.
func typed[T any](values []any, none T) []T {
	all := make([]T, len(values))
	for i, v := range values {
		if v == nil {
			all[i] = none
		} else {
			all[i], _ = v.(T) // ToWire is given values of the type.
		}
	}
	return all
}
