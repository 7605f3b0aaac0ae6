package expression

import (
	"slices"
	"sync"
)

// Program is what the expressions of some outputs were compiled to. It does not change, and may be used by several
// goroutines at a time.
type Program struct {
	inputs  []Input
	outputs []Output
	// nodes are the operations, operands before what reads them. Expressions that are the same have one node.
	nodes []node
	// roots are the nodes of the outputs.
	roots     []int
	used      []int
	readsTime bool
	pool      sync.Pool
}

// node is one value of a row.
type node struct {
	source source
	typ    valueType
	// input is a position among the inputs.
	input int
	// constant has one row.
	constant *vector
	kernel   kernel
	lax      bool
	args     []int
}

// source says where the value of a node comes from.
type source uint8

const (
	fromInput source = iota
	fromTime
	fromConstant
	fromCall
)

// newProgram makes a program of those nodes that the roots need.
func newProgram(inputs []Input, outputs []Output, nodes []node, roots []int) *Program {
	p := &Program{inputs: inputs, outputs: outputs}
	needed := make([]bool, len(nodes))
	for _, root := range roots {
		needed[root] = true
	}
	for i := range slices.Backward(nodes) {
		if needed[i] {
			for _, arg := range nodes[i].args {
				needed[arg] = true
			}
		}
	}
	place := make([]int, len(nodes))
	for i, n := range nodes {
		if !needed[i] {
			continue
		}
		place[i] = len(p.nodes)
		n.args = moved(n.args, place)
		p.nodes = append(p.nodes, n)
		switch n.source {
		case fromInput:
			p.used = append(p.used, n.input)
		case fromTime:
			p.readsTime = true
		}
	}
	slices.Sort(p.used)
	p.roots = moved(roots, place)
	p.pool.New = func() any { return newEvaluation(p) }
	return p
}

func moved(nodes, place []int) []int {
	result := make([]int, len(nodes))
	for i, n := range nodes {
		result[i] = place[n]
	}
	return result
}

// Select returns a program of some of the outputs, in the order given. It computes only what they need.
func (p *Program) Select(outputs []int) *Program {
	selected, roots := make([]Output, len(outputs)), make([]int, len(outputs))
	for i, output := range outputs {
		selected[i], roots[i] = p.outputs[output], p.roots[output]
	}
	return newProgram(p.inputs, selected, p.nodes, roots)
}

// Inputs returns the inputs that the outputs need, directly or through other outputs: ascending positions among those
// that were given to Compile.
func (p *Program) Inputs() []int { return slices.Clone(p.used) }

// ReadsTime says whether an output needs request_time.
func (p *Program) ReadsTime() bool { return p.readsTime }

// Begin starts an evaluation of some rows. Its caller releases it.
func (p *Program) Begin(rows int) *Evaluation {
	e := p.pool.Get().(*Evaluation)
	e.begin(rows)
	return e
}

// lastReaders says, for each node, the last node that reads it. What an output shows is read at the end.
func (p *Program) lastReaders() []int {
	last := make([]int, len(p.nodes))
	for i, n := range p.nodes {
		for _, arg := range n.args {
			last[arg] = i
		}
	}
	for _, root := range p.roots {
		last[root] = len(p.nodes)
	}
	return last
}
