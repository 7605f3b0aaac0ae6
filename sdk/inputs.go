package plumb

import plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"

// Input is a column of values that come with a request, one for each row. Features of on-demand views are computed from
// them.
type Input struct{ column *plumbv1.InputColumn }

// NewInput returns the column of a request input with a value for each row. A value is of the declared type, exactly.
func NewInput[T Scalar](name string, values ...T) Input { return inputOf(name, pack(values), nil) }

// NewNullableInput is like [NewInput], but allows null values, given as nil.
func NewNullableInput[T Scalar](name string, values ...*T) Input {
	packed, nulls := fromPointers(values)
	return inputOf(name, pack(packed), nulls)
}

// NewListInput returns the column of a request input whose values are arrays.
func NewListInput[T Scalar](name string, values ...List[T]) Input {
	return inputOf(name, packLists(values), nil)
}

func inputOf(name string, values *plumbv1.Values, nulls []byte) Input {
	return Input{&plumbv1.InputColumn{Name: name, Values: values, Nulls: nulls}}
}

func inputColumns(inputs []Input) []*plumbv1.InputColumn {
	columns := make([]*plumbv1.InputColumn, len(inputs))
	for i, input := range inputs {
		columns[i] = input.column
	}
	return columns
}
