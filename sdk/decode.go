package plumb

import (
	"fmt"
	"time"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// values are those of one column, for all rows: typed[T] of a Scalar or of a List of one.
type values interface {
	len() int
	at(row int) any
	// element is the name of T.
	element() string
}

type typed[T any] []T

func (v typed[T]) len() int       { return len(v) }
func (v typed[T]) at(row int) any { return v[row] }

func (v typed[T]) element() string {
	var zero T
	return fmt.Sprintf("%T", zero)
}

// decode returns the values of a message; none where it is broken.
func decode(message *plumbv1.Values) values {
	switch kind := message.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return typed[bool](kind.Bools.GetValues())
	case *plumbv1.Values_Int32S:
		return typed[int32](kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		return typed[int64](kind.Int64S.GetValues())
	case *plumbv1.Values_Float32S:
		return typed[float32](kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		return typed[float64](kind.Float64S.GetValues())
	case *plumbv1.Values_Strings:
		return typed[string](kind.Strings.GetValues())
	case *plumbv1.Values_Bytes:
		return typed[[]byte](kind.Bytes.GetValues())
	case *plumbv1.Values_Timestamps:
		return typed[time.Time](instants(kind.Timestamps.GetMicros()))
	case *plumbv1.Values_Arrays:
		return decodeLists(kind.Arrays)
	}
	return typed[struct{}](nil)
}

func decodeLists(arrays *plumbv1.ArrayValues) values {
	switch elements := decode(arrays.GetElements()).(type) {
	case typed[bool]:
		return listsOf(arrays, elements)
	case typed[int32]:
		return listsOf(arrays, elements)
	case typed[int64]:
		return listsOf(arrays, elements)
	case typed[float32]:
		return listsOf(arrays, elements)
	case typed[float64]:
		return listsOf(arrays, elements)
	case typed[string]:
		return listsOf(arrays, elements)
	case typed[[]byte]:
		return listsOf(arrays, elements)
	case typed[time.Time]:
		return listsOf(arrays, elements)
	}
	return typed[struct{}](nil)
}

// listsOf divides the elements among the rows. It returns no lists where lengths and elements do not fit.
func listsOf[T Scalar](arrays *plumbv1.ArrayValues, elements []T) typed[List[T]] {
	nulls := arrays.GetNulls()
	if len(nulls) > 0 && len(nulls) != len(elements) {
		return nil
	}
	lists := make(typed[List[T]], len(arrays.GetLengths()))
	for i, length := range arrays.GetLengths() {
		if int(length) > len(elements) {
			return nil
		}
		lists[i].elements, elements = elements[:length:length], elements[length:]
		if len(nulls) > 0 {
			lists[i].nulls, nulls = nulls[:length:length], nulls[length:]
		}
	}
	if len(elements) > 0 {
		return nil
	}
	return lists
}
