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
