package expression

import (
	"slices"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Evaluation computes a program's outputs for some rows. It belongs to one goroutine, and to nobody once released.
type Evaluation struct {
	program *Program
	rows    int
	// inputs and times are the callers' columns, in the numbering of Compile. Those that the program does not need are
	// nil.
	inputs  []*Column
	times   []int64
	outputs []Column
	// vectors are those of the nodes. Nodes that are not needed at the same time share one.
	vectors []*vector
	calls   []call
}

func newEvaluation(p *Program) *Evaluation {
	e := &Evaluation{
		program: p, inputs: make([]*Column, len(p.inputs)), outputs: make([]Column, len(p.outputs)),
		vectors: make([]*vector, len(p.nodes)),
	}
	for _, i := range p.used {
		column := newColumn(p.inputs[i].Type)
		e.inputs[i] = &column
	}
	for i, output := range p.outputs {
		e.outputs[i] = newColumn(output.Type)
	}
	e.allot()
	return e
}

// allot gives each node a vector. The one of an operation that nothing reads any more goes to the next operation of its
// type, so that few vectors stay in the cache.
func (e *Evaluation) allot() {
	free := map[valueType][]*vector{}
	last := e.program.lastReaders()
	for i, n := range e.program.nodes {
		spare := free[n.typ]
		if n.source == fromCall && len(spare) > 0 {
			e.vectors[i], free[n.typ] = spare[len(spare)-1], spare[:len(spare)-1]
		} else {
			e.vectors[i] = newVector(n.typ, 0)
		}
		if n.source != fromCall {
			continue
		}
		c := call{kernel: n.kernel, lax: n.lax, out: e.vectors[i]}
		for k, arg := range n.args {
			c.args = append(c.args, e.vectors[arg])
			of := e.program.nodes[arg]
			if last[arg] == i && of.source == fromCall && !slices.Contains(n.args[:k], arg) {
				free[of.typ] = append(free[of.typ], e.vectors[arg])
			}
		}
		e.calls = append(e.calls, c)
	}
}

func newColumn(t plumbv1.Type) Column {
	column := Column{Type: t}
	if typeOf(t).list {
		elements := newColumn(elementOf(t))
		column.Elements = &elements
	}
	return column
}

// begin makes room for rows, all of them Present until the caller says otherwise.
func (e *Evaluation) begin(rows int) {
	e.rows = rows
	for _, i := range e.program.used {
		e.inputs[i].resize(rows)
	}
	if e.program.readsTime {
		e.times = resized(e.times, rows)
	}
	for i := range e.outputs {
		e.outputs[i].resize(rows)
	}
	room := min(rows, chunk)
	for i, n := range e.program.nodes {
		v := e.vectors[i]
		if len(v.states) >= room || n.source == fromInput || n.source == fromTime {
			continue
		}
		v.grow(room)
		if n.source == fromConstant {
			v.repeat(n.constant)
		}
	}
}

// resize gives a column rows that are Present, and no elements.
func (c *Column) resize(rows int) {
	c.States = resized(c.States, rows)
	clear(c.States)
	t := typeOf(c.Type)
	switch t.class() {
	case boolClass:
		c.Bools = resized(c.Bools, rows)
	case intClass:
		c.Ints = resized(c.Ints, rows)
	case floatClass:
		c.Floats = resized(c.Floats, rows)
	case textClass:
		c.Texts = resized(c.Texts, rows)
	case listClass:
		c.Ends = resized(c.Ends, rows)
		clear(c.Ends)
		c.Elements.resize(0)
	}
}

func resized[T any](values []T, size int) []T {
	if cap(values) < size {
		return make([]T, size)
	}
	return values[:size]
}

// Input returns the column of an input, to be filled by the caller: its position among the inputs given to Compile. It
// is nil if the program does not need it. For arrays, the caller appends to the States and the values of Elements, and
// sets Ends of every row.
func (e *Evaluation) Input(i int) *Column { return e.inputs[i] }

// Times returns the request time of each row, in microseconds since 1970, to be filled if the program reads it.
func (e *Evaluation) Times() []int64 { return e.times }

// Output returns the column of an output, which is filled by Run and the evaluation's until Release.
func (e *Evaluation) Output(i int) *Column { return &e.outputs[i] }

// Run computes the outputs from the inputs.
func (e *Evaluation) Run() {
	for from := 0; from < e.rows; from += chunk {
		to := min(from+chunk, e.rows)
		e.view(from, to)
		for i := range e.calls {
			e.calls[i].run(to - from)
		}
		for i, root := range e.program.roots {
			e.outputs[i].take(e.vectors[root], from, to)
		}
	}
}

// view shows the rows of a chunk to the nodes that are inputs.
func (e *Evaluation) view(from, to int) {
	for i, n := range e.program.nodes {
		switch n.source {
		case fromInput:
			e.vectors[i].view(e.inputs[n.input], from, to)
		case fromTime:
			e.vectors[i].ints = e.times[from:to]
		}
	}
}

// take copies the rows of a chunk into an output.
func (c *Column) take(v *vector, from, to int) {
	if !v.present {
		copy(c.States[from:to], v.states)
	}
	switch v.class {
	case boolClass:
		copy(c.Bools[from:to], v.bools)
	case intClass:
		copy(c.Ints[from:to], v.ints)
	case floatClass:
		takeFloats(c.Floats[from:to], v.floats)
	case textClass:
		copy(c.Texts[from:to], v.texts)
	case listClass:
		c.takeLists(v, from, to)
	}
}

// takeFloats copies doubles, and makes all NaNs the same.
func takeFloats(out, in []float64) {
	for i := range out {
		x := in[i]
		if x != x {
			x = canonicalNaN
		}
		out[i] = x
	}
}

func (c *Column) takeLists(v *vector, from, to int) {
	elements := c.Elements
	for row := from; row < to; row++ {
		if v.at(row-from) == Present {
			elements.add(v.elements, v.begins[row-from], v.ends[row-from])
		}
		c.Ends[row] = len(elements.States)
	}
}

func (c *Column) add(v *vector, begin, end int) {
	for i := begin; i < end; i++ {
		c.States = append(c.States, v.at(i))
	}
	switch v.class {
	case boolClass:
		c.Bools = append(c.Bools, v.bools[begin:end]...)
	case intClass:
		c.Ints = append(c.Ints, v.ints[begin:end]...)
	case floatClass:
		size := len(c.Floats)
		c.Floats = append(c.Floats, v.floats[begin:end]...)
		takeFloats(c.Floats[size:], c.Floats[size:])
	default:
		c.Texts = append(c.Texts, v.texts[begin:end]...)
	}
}

// Release gives the evaluation back. It keeps no text of the caller's alive.
func (e *Evaluation) Release() {
	for _, i := range e.program.used {
		e.inputs[i].forget()
	}
	for i := range e.outputs {
		e.outputs[i].forget()
	}
	for i, n := range e.program.nodes {
		if n.source == fromCall {
			e.vectors[i].forget()
		}
	}
	e.program.pool.Put(e)
}

func (v *vector) forget() {
	clear(v.texts)
	if v.elements != nil {
		clear(v.elements.texts)
	}
}

func (c *Column) forget() {
	clear(c.Texts)
	if c.Elements != nil {
		clear(c.Elements.Texts)
	}
}
