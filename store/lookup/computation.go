package lookup

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// computation is a use of an on-demand view. It is evaluated for all rows at once, over the columns of the outputs that
// it reads and over those of the request.
type computation struct {
	view    string
	program *expression.Program
	inputs  []computedFrom
	// outputs has the position in Lookup.outputs for each output of the program.
	outputs []int
	// provenance does not change.
	provenance *plumbv1.ComputedProvenance
}

// computedFrom is where an input of a program is read from: one of these is not absent.
type computedFrom struct {
	// at is the input's position in the program.
	at int
	// output is a position in Lookup.outputs, key one in Lookup.keys, and input one in Lookup.inputs.
	output, key, input int
}

// compute evaluates a computation. What it evaluates is kept until the columns are released, since texts are in there.
func (c *columns) compute(r *rows, number int) {
	computed := &r.lookup.computations[number]
	e := computed.program.Begin(r.count)
	c.evaluations = append(c.evaluations, e)
	for _, input := range computed.inputs {
		to := e.Input(input.at)
		switch {
		case input.output != absent:
			c.all[input.output].fill(to, &r.lookup.outputs[input.output])
		case input.key != absent:
			key := r.given.keys.columns[input.key]
			fillFromWire(to, key.GetValues(), key.GetNulls())
		default:
			given := r.given.inputs[input.input]
			fillFromWire(to, given.GetValues(), given.GetNulls())
		}
	}
	if computed.program.ReadsTime() {
		times := e.Times()
		for i := range times {
			times[i] = int64(r.at)
		}
	}
	e.Run()
	counts := &r.seen[len(r.lookup.uses)+number].Values
	for i, output := range computed.outputs {
		to := &c.all[output]
		to.takeComputed(e.Output(i), &r.lookup.outputs[output])
		for _, status := range to.statuses {
			counts[status]++
		}
		for row := range to.events {
			to.events[row] = r.at
		}
	}
}

// fill hands the values of an output to a program. One that is INVALID stays so, and others that are not PRESENT are
// null (R26).
func (c *column) fill(to *expression.Column, o *output) {
	for row, status := range c.statuses {
		switch plumbv1.Status(status) {
		case plumbv1.Status_PRESENT:
		case plumbv1.Status_INVALID:
			to.States[row] = expression.Invalid
		default:
			to.States[row] = expression.Null
		}
	}
	if !o.array {
		appendScalars(to, o.scalar, c.values)
		return
	}
	to.Ends = resized(to.Ends, len(c.ends))
	for row, end := range c.ends {
		to.Ends[row] = int(end)
	}
	appendScalars(to.Elements, o.scalar, c.elements)
	to.Elements.States = resized(to.Elements.States, len(c.elements))
	for i, flag := range c.nulls {
		to.Elements.States[i] = nullIf(flag)
	}
}

func nullIf(flag byte) expression.State {
	if flag != 0 {
		return expression.Null
	}
	return expression.Present
}

// appendScalars replaces a program's values by those of rows. A value that is not there is a zero.
func appendScalars(to *expression.Column, t plumbv1.Type, raws [][]byte) {
	switch t {
	case plumbv1.Type_BOOL:
		to.Bools = to.Bools[:0]
		for _, raw := range raws {
			to.Bools = append(to.Bools, raw != nil && raw[0] != 0)
		}
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		to.Floats = to.Floats[:0]
		for _, raw := range raws {
			to.Floats = append(to.Floats, floatOf(raw))
		}
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		to.Texts = to.Texts[:0]
		for _, raw := range raws {
			to.Texts = append(to.Texts, unsafe.String(unsafe.SliceData(raw), len(raw)))
		}
	default:
		to.Ints = to.Ints[:0]
		for _, raw := range raws {
			to.Ints = append(to.Ints, integerOf(raw))
		}
	}
}

func floatOf(raw []byte) float64 {
	switch len(raw) {
	case 8:
		return math.Float64frombits(binary.BigEndian.Uint64(raw))
	case 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(raw)))
	}
	return 0
}

// integerOf is a whole number, or the microseconds of an instant; 0 if there is no value.
func integerOf(raw []byte) int64 {
	switch len(raw) {
	case 8:
		return int64(binary.BigEndian.Uint64(raw))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(raw)))
	}
	return 0
}

// fillFromWire hands a column of a request, which has been checked, to a program.
func fillFromWire(to *expression.Column, values *plumbv1.Values, nulls []byte) {
	for row, flag := range nulls {
		to.States[row] = nullIf(flag)
	}
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		to.Bools = append(to.Bools[:0], kind.Bools.GetValues()...)
	case *plumbv1.Values_Int32S:
		to.Ints = expression.Widened(to.Ints, kind.Int32S.GetValues())
	case *plumbv1.Values_Int64S:
		to.Ints = append(to.Ints[:0], kind.Int64S.GetValues()...)
	case *plumbv1.Values_Timestamps:
		to.Ints = append(to.Ints[:0], kind.Timestamps.GetMicros()...)
	case *plumbv1.Values_Float32S:
		to.Floats = expression.Widened(to.Floats, kind.Float32S.GetValues())
	case *plumbv1.Values_Float64S:
		to.Floats = append(to.Floats[:0], kind.Float64S.GetValues()...)
	case *plumbv1.Values_Strings:
		to.Texts = append(to.Texts[:0], kind.Strings.GetValues()...)
	case *plumbv1.Values_Bytes:
		to.Texts = to.Texts[:0]
		for _, raw := range kind.Bytes.GetValues() {
			to.Texts = append(to.Texts, unsafe.String(unsafe.SliceData(raw), len(raw)))
		}
	case *plumbv1.Values_Arrays:
		fillArrays(to, kind.Arrays)
	}
}

// fillArrays hands arrays to a program. A row that is null has no elements; see checkInput.
func fillArrays(to *expression.Column, arrays *plumbv1.ArrayValues) {
	end := 0
	for row, length := range arrays.GetLengths() {
		end += int(length)
		to.Ends[row] = end
	}
	to.Elements.States = resized(to.Elements.States, end)
	clear(to.Elements.States)
	fillFromWire(to.Elements, arrays.GetElements(), arrays.GetNulls())
}

// takeComputed takes the values of an output of a program.
func (c *column) takeComputed(from *expression.Column, o *output) {
	for row, state := range from.States {
		c.statuses[row] = byte(state.Status())
	}
	if !o.array {
		c.bits = takeBits(c.bits, c.values, from, o.scalar)
		return
	}
	c.takeComputedArrays(from, o)
}

// takeComputedArrays takes the arrays that are there, with their elements one after the other.
func (c *column) takeComputedArrays(from *expression.Column, o *output) {
	c.ends = resized(c.ends, len(from.Ends))
	count := 0
	if len(from.Ends) > 0 {
		count = from.Ends[len(from.Ends)-1]
	}
	c.elements, c.nulls, c.anyNull = resized(c.elements, count), resized(c.nulls, count), false
	for i, state := range from.Elements.States[:count] {
		c.nulls[i] = 0
		if state != expression.Present {
			c.nulls[i], c.anyNull = 1, true
		}
	}
	c.bits = takeBits(c.bits, c.elements, from.Elements, o.scalar)
	for row, end := range from.Ends {
		c.ends[row] = uint32(end)
		c.values[row] = nil
	}
}

// takeBits writes the values of a program as rows hold them, with nil for one that is not there, and returns the memory
// that they are in.
func takeBits(memory []byte, raws [][]byte, from *expression.Column, t plumbv1.Type) []byte {
	if isText(t) {
		for i := range raws {
			raws[i] = nil
			if from.States[i] == expression.Present {
				raws[i] = textBytes(from.Texts[i])
			}
		}
		return memory
	}
	width := packed.Width(t)
	memory = resized(memory, width*len(raws))
	for i := range raws {
		raws[i] = nil
		if from.States[i] == expression.Present {
			raws[i] = memory[i*width : (i+1)*width : (i+1)*width]
			putBits(raws[i], from, t, i)
		}
	}
	return memory
}

// textBytes is a text as bytes, which are not to be changed. An empty one is not nil.
func textBytes(text string) []byte {
	if text == "" {
		return []byte{}
	}
	return unsafe.Slice(unsafe.StringData(text), len(text))
}

func putBits(raw []byte, from *expression.Column, t plumbv1.Type, i int) {
	switch t {
	case plumbv1.Type_BOOL:
		raw[0] = 0
		if from.Bools[i] {
			raw[0] = 1
		}
	case plumbv1.Type_INT32:
		binary.BigEndian.PutUint32(raw, uint32(from.Ints[i]))
	case plumbv1.Type_FLOAT32:
		binary.BigEndian.PutUint32(raw, math.Float32bits(float32(from.Floats[i])))
	case plumbv1.Type_FLOAT64:
		binary.BigEndian.PutUint64(raw, math.Float64bits(from.Floats[i]))
	default:
		binary.BigEndian.PutUint64(raw, uint64(from.Ints[i]))
	}
}

// newComputations plans the use of each on-demand view. Places are the positions in l.outputs of stored columns.
func (l *Lookup) newComputations(selection *feature.Selection, places map[feature.StoredColumn]int) {
	l.computations = make([]computation, len(selection.Computations))
	for i, used := range selection.Computations {
		planned := &l.computations[i]
		*planned = computation{view: used.View.Name, program: used.Program, outputs: make([]int, len(used.Features)),
			provenance: newComputedProvenance(selection, &selection.Computations[i])}
		for number, at := range used.Program.Inputs() {
			from, input := used.Inputs[number], computedFrom{at: at, output: absent, key: absent, input: absent}
			if from.Label == "" {
				input.output = places[from.Stored]
			} else if input.key = positionOf(l.keys, from.Label); input.key == absent {
				input.input = positionOf(l.inputs, from.Label)
			}
			planned.inputs = append(planned.inputs, input)
		}
	}
	for i, output := range selection.Outputs {
		if column, ok := output.From.(feature.ComputedColumn); ok {
			l.computations[column.Computation].outputs[column.Feature] = i
		}
	}
}
