package expression

import plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"

// State says whether a row has a value, and if not, why.
type State uint8

// The states of a row. Invalid is a computed value that has none, such as the sum of two integers that is outside INT64
// (R26).
const (
	Present State = iota
	Null
	Invalid
)

var statuses = [...]plumbv1.Status{
	Present: plumbv1.Status_PRESENT, Null: plumbv1.Status_NULL, Invalid: plumbv1.Status_INVALID,
}

// Status is what a computed value with the state is served with (R26).
func (s State) Status() plumbv1.Status { return statuses[s] }

// Column is one value for each row of a batch. The values are in the slice for the type; one that is not Present may be
// anything.
type Column struct {
	Type   plumbv1.Type
	States []State
	// Bools are of BOOL. Ints are of INT32, INT64 and TIMESTAMP, whose values are microseconds since 1970. Floats are of
	// FLOAT32 and FLOAT64. Texts are of STRING and BYTES.
	Bools  []bool
	Ints   []int64
	Floats []float64
	Texts  []string
	// Ends says, for each row of arrays, where its elements end among Elements; they begin where those of the row before
	// end. A row that is not Present has no elements.
	Ends     []int
	Elements *Column
}

// Widened returns the values of a narrower type as the Ints or Floats of a column, in the memory of to.
func Widened[To int64 | float64, From int32 | float32](to []To, from []From) []To {
	to = to[:0]
	for _, v := range from {
		to = append(to, To(v))
	}
	return to
}
