package audit

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/compute/expression"
)

// fillColumn takes the values of a column of the log. A null is null, whatever its status was (R26).
func fillColumn(to *expression.Column, from arrow.Array) error {
	lists, isList := from.(*array.List)
	if !isList {
		return appendCells(forget(to), from, 0, from.Len())
	}
	to.States, to.Ends = to.States[:0], to.Ends[:0]
	elements := forget(to.Elements)
	for row := range lists.Len() {
		state := expression.Null
		if lists.IsValid(row) {
			state = expression.Present
			begin, end := lists.ValueOffsets(row)
			if err := appendCells(elements, lists.ListValues(), int(begin), int(end)); err != nil {
				return err
			}
		}
		to.States, to.Ends = append(to.States, state), append(to.Ends, len(elements.States))
	}
	return nil
}

// forget empties a column of scalars, whose memory is used again.
func forget(c *expression.Column) *expression.Column {
	c.States, c.Bools, c.Ints = c.States[:0], c.Bools[:0], c.Ints[:0]
	c.Floats, c.Texts = c.Floats[:0], c.Texts[:0]
	return c
}

// appendCells appends some values of a column of scalars.
func appendCells(to *expression.Column, from arrow.Array, begin, end int) error {
	for i := begin; i < end; i++ {
		state := expression.Present
		if from.IsNull(i) {
			state = expression.Null
		}
		to.States = append(to.States, state)
		switch from := from.(type) {
		case *array.Boolean:
			to.Bools = append(to.Bools, from.Value(i))
		case *array.Int32:
			to.Ints = append(to.Ints, int64(from.Value(i)))
		case *array.Int64:
			to.Ints = append(to.Ints, from.Value(i))
		case *array.Timestamp:
			to.Ints = append(to.Ints, int64(from.Value(i)))
		case *array.Float32:
			to.Floats = append(to.Floats, float64(from.Value(i)))
		case *array.Float64:
			to.Floats = append(to.Floats, from.Value(i))
		case *array.String:
			to.Texts = append(to.Texts, from.Value(i))
		case *array.Binary:
			to.Texts = append(to.Texts, string(from.Value(i)))
		default:
			return fmt.Errorf("is of the unexpected type %s", from.DataType())
		}
	}
	return nil
}

// sameValue compares two values that are there, bit for bit. A computed NaN has one form, so NaNs are the same.
func sameValue(a, b *expression.Column, row int) bool {
	if a.Elements == nil || a.Ends == nil {
		return sameCell(a, row, b, row)
	}
	beginA, beginB := 0, 0
	if row > 0 {
		beginA, beginB = a.Ends[row-1], b.Ends[row-1]
	}
	count := a.Ends[row] - beginA
	if count != b.Ends[row]-beginB {
		return false
	}
	for i := range count {
		if !sameCell(a.Elements, beginA+i, b.Elements, beginB+i) {
			return false
		}
	}
	return true
}

func sameCell(a *expression.Column, at int, b *expression.Column, other int) bool {
	if a.States[at] != expression.Present || b.States[other] != expression.Present {
		return a.States[at] == b.States[other]
	}
	switch {
	case len(a.Bools) > 0:
		return a.Bools[at] == b.Bools[other]
	case len(a.Ints) > 0:
		return a.Ints[at] == b.Ints[other]
	case len(a.Floats) > 0:
		x, y := a.Floats[at], b.Floats[other]
		return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
	}
	return a.Texts[at] == b.Texts[other]
}
