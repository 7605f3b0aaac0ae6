package plumb

import (
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Scalar are the Go types of values: BOOL, INT32, INT64, FLOAT32, FLOAT64, STRING, BYTES and TIMESTAMP, which is in UTC
// and whole microseconds (R1).
type Scalar interface {
	bool | int32 | int64 | float32 | float64 | string | []byte | time.Time
}

// List is the value of an array. Its elements may be null, and an empty list is not a null one.
type List[T Scalar] struct {
	elements []T
	nulls    []byte
}

// NewList returns a list without nulls.
func NewList[T Scalar](elements ...T) List[T] { return List[T]{elements: elements} }

// NewNullableList returns a list in which nil stands for null.
func NewNullableList[T Scalar](elements ...*T) List[T] {
	values, nulls := fromPointers(elements)
	return List[T]{elements: values, nulls: nulls}
}

// Len is the number of elements.
func (l List[T]) Len() int { return len(l.elements) }

// At returns an element. It returns false if the element is null; the value is then NaN for a float, and the zero of T
// for any other type.
func (l List[T]) At(i int) (T, bool) {
	if l.isNull(i) {
		return none[T](), false
	}
	return l.elements[i], true
}

func (l List[T]) isNull(i int) bool { return len(l.nulls) > 0 && l.nulls[i] != 0 }

// fromPointers returns the values, and a flag for each that is 1 if the pointer is nil.
func fromPointers[T any](pointers []*T) ([]T, []byte) {
	values, nulls := make([]T, len(pointers)), make([]byte, len(pointers))
	for i, pointer := range pointers {
		if pointer == nil {
			nulls[i] = 1
			continue
		}
		values[i] = *pointer
	}
	return values, nulls
}

// pack makes the message of a column of scalars.
func pack[T Scalar](values []T) *plumbv1.Values {
	switch values := any(values).(type) {
	case []bool:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: values}}}
	case []int32:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: values}}}
	case []int64:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: values}}}
	case []float32:
		return &plumbv1.Values{Kind: &plumbv1.Values_Float32S{Float32S: &plumbv1.Float32Values{Values: values}}}
	case []float64:
		return &plumbv1.Values{Kind: &plumbv1.Values_Float64S{Float64S: &plumbv1.Float64Values{Values: values}}}
	case []string:
		return &plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: values}}}
	case [][]byte:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: values}}}
	case []time.Time:
		return &plumbv1.Values{Kind: &plumbv1.Values_Timestamps{
			Timestamps: &plumbv1.TimestampValues{Micros: microseconds(values)}}}
	}
	return nil
}

// packLists makes the message of a column of arrays.
func packLists[T Scalar](lists []List[T]) *plumbv1.Values {
	arrays := &plumbv1.ArrayValues{}
	var elements []T
	anyNull := false
	for _, list := range lists {
		arrays.Lengths = append(arrays.Lengths, uint32(len(list.elements)))
		elements = append(elements, list.elements...)
		for i := range list.elements {
			var null byte
			if list.isNull(i) {
				null, anyNull = 1, true
			}
			arrays.Nulls = append(arrays.Nulls, null)
		}
	}
	if !anyNull {
		arrays.Nulls = nil
	}
	arrays.Elements = pack(elements)
	return &plumbv1.Values{Kind: &plumbv1.Values_Arrays{Arrays: arrays}}
}

func microseconds(times []time.Time) []int64 {
	micros := make([]int64, len(times))
	for i, t := range times {
		micros[i] = t.UnixMicro()
	}
	return micros
}
