package expression

import "slices"

// chunk is the greatest number of rows that a kernel sees at a time, so that the values between kernels stay in the
// cache.
const chunk = 1024

// vector is one value for each row of a chunk. It is either storage of an evaluation, or a view of a caller's column.
// What stands in a row that is not Present is anything: kernels may compute it, and nobody reads it.
type vector struct {
	class class
	// present says that every row is Present. The states are then not kept, and may say anything.
	present bool
	states  []State
	bools   []bool
	ints    []int64
	floats  []float64
	texts   []string
	// begins and ends say where the elements of a row of lists are among elements. Rows may share elements.
	begins, ends []int
	// elements keep states at all times, and present says whether all of them are Present.
	elements *vector
}

func newVector(t valueType, rows int) *vector {
	v := &vector{class: t.class(), present: true}
	if t.list {
		v.elements = newVector(t.element(), 0)
	}
	v.grow(rows)
	return v
}

// grow makes room for rows without keeping what was there.
func (v *vector) grow(rows int) {
	if len(v.states) >= rows {
		return
	}
	v.states = make([]State, rows)
	switch v.class {
	case boolClass:
		v.bools = make([]bool, rows)
	case intClass:
		v.ints = make([]int64, rows)
	case floatClass:
		v.floats = make([]float64, rows)
	case textClass:
		v.texts = make([]string, rows)
	case listClass:
		v.begins, v.ends = make([]int, rows), make([]int, rows)
	}
}

// at is the state of a row.
func (v *vector) at(row int) State {
	if v.present {
		return Present
	}
	return v.states[row]
}

var noGaps [chunk]State

// known are the states of the rows, whether or not they are kept.
func (v *vector) known(rows int) []State {
	if v.present {
		return noGaps[:rows]
	}
	return v.states[:rows]
}

// put gives a row a state that it had not, whatever it is now.
func (v *vector) put(row, rows int, state State) {
	if v.present {
		clear(v.states[:rows])
		v.present = false
	}
	v.states[row] = state
}

// worst is Invalid if one of two states is, else Null if one is: the state of a function's result (R25, R26). States
// are bits, of which the higher one counts.
func worst(a, b State) State {
	both := a | b
	return both &^ (both >> 1)
}

// isPresent is 1 or 0.
func (s State) isPresent() uint8 { return uint8(s|s>>1)&1 ^ 1 }

// merge gives each row the worst state of the operands.
func (v *vector) merge(operands []*vector, rows int) {
	v.present = true
	for _, operand := range operands {
		if operand.present {
			continue
		}
		if v.present {
			copy(v.states[:rows], operand.states)
			v.present = false
			continue
		}
		states := v.states[:rows]
		for i, state := range operand.states[:rows] {
			states[i] = worst(states[i], state)
		}
	}
}

// clearElements prepares a vector of lists to be filled row by row.
func (v *vector) clearElements() { v.elements.truncate() }

func (v *vector) truncate() {
	v.present = true
	v.states = v.states[:0]
	v.bools, v.ints, v.floats, v.texts = v.bools[:0], v.ints[:0], v.floats[:0], v.texts[:0]
}

// add appends some values of another vector of the same class.
func (v *vector) add(from *vector, begin, end int) {
	if from.present {
		size := len(v.states)
		v.states = slices.Grow(v.states, end-begin)[:size+end-begin]
		clear(v.states[size:])
	} else {
		v.states = append(v.states, from.states[begin:end]...)
		v.present = v.present && allPresent(from.states[begin:end])
	}
	switch v.class {
	case boolClass:
		v.bools = append(v.bools, from.bools[begin:end]...)
	case intClass:
		v.ints = append(v.ints, from.ints[begin:end]...)
	case floatClass:
		v.floats = append(v.floats, from.floats[begin:end]...)
	default:
		v.texts = append(v.texts, from.texts[begin:end]...)
	}
}

// setList gives a row a copy of a list of another vector.
func (v *vector) setList(row int, from *vector, of int) {
	v.begins[row] = len(v.elements.states)
	v.elements.add(from.elements, from.begins[of], from.ends[of])
	v.ends[row] = len(v.elements.states)
}

// endList ends the list of a row after the elements added since begin.
func (v *vector) endList(row, begin int) {
	v.begins[row], v.ends[row] = begin, len(v.elements.states)
}

// view makes the vector show rows of a column. The column's elements are seen whole.
func (v *vector) view(column *Column, from, to int) {
	v.states = column.States[from:to]
	v.present = allPresent(v.states)
	switch v.class {
	case boolClass:
		v.bools = column.Bools[from:to]
	case intClass:
		v.ints = column.Ints[from:to]
	case floatClass:
		v.floats = column.Floats[from:to]
	case textClass:
		v.texts = column.Texts[from:to]
	case listClass:
		v.viewLists(column, from, to)
	}
}

func (v *vector) viewLists(column *Column, from, to int) {
	v.ends = column.Ends[from:to]
	begin := 0
	if from > 0 {
		begin = column.Ends[from-1]
	}
	v.begins = v.begins[:0]
	for _, end := range v.ends {
		v.begins = append(v.begins, begin)
		begin = end
	}
	if from == 0 {
		v.elements.view(column.Elements, 0, len(column.Elements.States))
	}
}

// repeat makes every row the first one of another vector.
func (v *vector) repeat(constant *vector) {
	v.present = constant.present
	if !constant.present {
		fill(v.states, constant.states[0])
	}
	switch v.class {
	case boolClass:
		fill(v.bools, constant.bools[0])
	case intClass:
		fill(v.ints, constant.ints[0])
	case floatClass:
		fill(v.floats, constant.floats[0])
	case textClass:
		fill(v.texts, constant.texts[0])
	case listClass:
		fill(v.begins, constant.begins[0])
		fill(v.ends, constant.ends[0])
		v.elements = constant.elements
	}
}

func fill[T any](values []T, value T) {
	for i := range values {
		values[i] = value
	}
}

func allPresent(states []State) bool {
	var all State
	for _, state := range states {
		all |= state
	}
	return all == Present
}
