package duckdb

import (
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// fillArgument hands an argument of a function to a program.
func fillArgument(to *expression.Column, args *native.Columns, arg int, t plumbv1.Type) {
	markNulls(to.States, args.Masks[arg])
	element, isArray := value.ElementType(t)
	if !isArray {
		fillVector(to, args, arg, t)
		return
	}
	spans, elements := args.Lists(arg)
	// The elements are taken in the order of the rows, which need not be that of DuckDB's memory.
	all := expression.Column{States: make([]expression.State, elements.Rows)}
	markNulls(all.States, elements.Masks[0])
	fillVector(&all, &elements, 0, element)
	*to.Elements = expression.Column{Type: to.Elements.Type}
	for row, span := range spans {
		if to.States[row] == expression.Present {
			appendElements(to.Elements, &all, span)
		}
		to.Ends[row] = len(to.Elements.States)
	}
}

func markNulls(states []expression.State, mask []uint64) {
	if mask == nil {
		return
	}
	for row := range states {
		if winners.IsNull(mask, row) {
			states[row] = expression.Null
		}
	}
}

// markInvalid makes those rows of an input INVALID whose state, which is an argument, says so.
func markInvalid(to *expression.Column, args *native.Columns, arg int) {
	for row, state := range native.Values[uint8](args, arg) {
		if expression.State(state) == expression.Invalid && !winners.IsNull(args.Masks[arg], row) {
			to.States[row] = expression.Invalid
		}
	}
}

// fillVector takes the values of an argument. The states of nulls have been set.
func fillVector(to *expression.Column, args *native.Columns, arg int, t plumbv1.Type) {
	switch t {
	case plumbv1.Type_BOOL:
		to.Bools = append(to.Bools[:0], native.Values[bool](args, arg)...)
	case plumbv1.Type_INT32:
		to.Ints = expression.Widened(to.Ints, native.Values[int32](args, arg))
	case plumbv1.Type_INT64, plumbv1.Type_TIMESTAMP:
		to.Ints = append(to.Ints[:0], native.Values[int64](args, arg)...)
	case plumbv1.Type_FLOAT32:
		to.Floats = expression.Widened(to.Floats, native.Values[float32](args, arg))
	case plumbv1.Type_FLOAT64:
		to.Floats = append(to.Floats[:0], native.Values[float64](args, arg)...)
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		to.Texts = to.Texts[:0]
		for row := range args.Rows {
			text := ""
			if to.States[row] == expression.Present {
				text = args.Text(arg, row)
			}
			to.Texts = append(to.Texts, text)
		}
	}
}

func appendElements(to, from *expression.Column, span native.Span) {
	begin, end := span.Offset, span.Offset+span.Length
	to.States = append(to.States, from.States[begin:end]...)
	switch {
	case from.Bools != nil:
		to.Bools = append(to.Bools, from.Bools[begin:end]...)
	case from.Ints != nil:
		to.Ints = append(to.Ints, from.Ints[begin:end]...)
	case from.Floats != nil:
		to.Floats = append(to.Floats, from.Floats[begin:end]...)
	case from.Texts != nil:
		to.Texts = append(to.Texts, from.Texts[begin:end]...)
	}
}

// answerWith answers with the values of a program. One that is not there is null.
func answerWith(a native.Answer, from *expression.Column, t plumbv1.Type) {
	a.SetNull(absentRows(from.States))
	element, isArray := value.ElementType(t)
	if !isArray {
		fillAnswer(a, from, t)
		return
	}
	count := 0
	if len(from.Ends) > 0 {
		count = from.Ends[len(from.Ends)-1]
	}
	spans, elements := a.Lists(count)
	begin := 0
	for row, end := range from.Ends {
		spans[row] = native.Span{Offset: uint64(begin), Length: uint64(end - begin)}
		begin = end
	}
	elements.SetNull(absentRows(from.Elements.States[:count]))
	fillAnswer(elements, from.Elements, element)
}

func absentRows(states []expression.State) []int {
	var absent []int
	for row, state := range states {
		if state != expression.Present {
			absent = append(absent, row)
		}
	}
	return absent
}

func fillAnswer(a native.Answer, from *expression.Column, t plumbv1.Type) {
	switch t {
	case plumbv1.Type_BOOL:
		copy(native.Numbers[bool](a), from.Bools)
	case plumbv1.Type_INT32:
		narrow(native.Numbers[int32](a), from.Ints)
	case plumbv1.Type_INT64, plumbv1.Type_TIMESTAMP:
		copy(native.Numbers[int64](a), from.Ints)
	case plumbv1.Type_FLOAT32:
		narrow(native.Numbers[float32](a), from.Floats)
	case plumbv1.Type_FLOAT64:
		copy(native.Numbers[float64](a), from.Floats)
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		for row := range a.Rows() {
			if from.States[row] == expression.Present {
				a.SetText(row, from.Texts[row])
			}
		}
	}
}

func narrow[To int32 | float32, From int64 | float64](to []To, from []From) {
	for row := range to {
		to[row] = To(from[row])
	}
}
