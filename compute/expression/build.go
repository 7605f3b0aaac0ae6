package expression

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// build makes the nodes of an output and of those that it reads. It returns false if one of them has a problem, which
// is then reported.
func (c *compiler) build(output int) bool {
	if c.built[output] != unbuilt {
		return c.built[output] >= 0
	}
	c.built[output] = failed
	tree := c.checked[output]
	if tree == nil {
		return false
	}
	c.built[output] = building
	c.path = append(c.path, output)
	b := &builder{compiler: c, output: output, tree: tree}
	root, ok := b.part(tree.Expr())
	c.path = c.path[:len(c.path)-1]
	if !ok {
		c.built[output] = failed
		return false
	}
	c.built[output] = c.declared(root, c.outputs[output].Type)
	return true
}

// declared brings a node to the declared type of an output where that has fewer values than the type it has within
// expressions.
func (c *compiler) declared(root int, t plumbv1.Type) int {
	switch t {
	case plumbv1.Type_FLOAT32:
		return c.call("@float32", overload{kernel: mapOne(floatsOf, floatsOf, toFloat32)}, typeOf(t), root)
	case plumbv1.Type_INT32:
		return c.call("@int32", overload{kernel: tryOne(intsOf, intsOf, toInt32)}, typeOf(t), root)
	case plumbv1.Type_FLOAT32_ARRAY:
		return c.call("@float32s", overload{kernel: roundList}, typeOf(t), root)
	case plumbv1.Type_INT32_ARRAY:
		return c.call("@int32s", overload{kernel: narrowList}, typeOf(t), root)
	default:
		return root
	}
}

// node returns the number of a node. Nodes of one key are one node: expressions that are the same are computed once.
func (c *compiler) node(key string, create func() node) int {
	if at, is := c.known[key]; is {
		return at
	}
	c.nodes = append(c.nodes, create())
	c.known[key] = len(c.nodes) - 1
	return len(c.nodes) - 1
}

// call returns the node of a call, which is a constant if its operands are.
func (c *compiler) call(id string, o overload, t valueType, args ...int) int {
	return c.node(fmt.Sprint(id, args), func() node {
		n := node{source: fromCall, typ: t, kernel: o.kernel, lax: o.lax, args: args}
		isConstant := func(arg int) bool { return c.nodes[arg].source == fromConstant }
		for _, arg := range args {
			if !isConstant(arg) {
				return n
			}
		}
		folded := call{kernel: o.kernel, lax: o.lax, out: newVector(t, 1)}
		for _, arg := range args {
			folded.args = append(folded.args, c.nodes[arg].constant)
		}
		folded.run(1)
		return node{source: fromConstant, typ: t, constant: folded.out}
	})
}

// builder makes the nodes of one expression.
type builder struct {
	*compiler
	output int
	tree   *ast.AST
}

func (b *builder) problem(e ast.Expr, message string) (int, bool) {
	b.reportAt(b.output, b.tree.SourceInfo(), e.ID(), message)
	return 0, false
}

// part returns the node of a part of the expression.
func (b *builder) part(e ast.Expr) (int, bool) {
	t := fromCEL(b.tree.GetType(e.ID()))
	if t.kind == noKind {
		return b.problem(e, "this list has no type that is known; there are no lists of lists, and an empty list has to "+
			"be compared with or chosen against one of a known type")
	}
	switch e.Kind() {
	case ast.LiteralKind:
		return b.literal(e, t), true
	case ast.IdentKind:
		return b.name(e)
	case ast.ListKind:
		args, ok := b.parts(e.AsList().Elements())
		if !ok {
			return 0, false
		}
		return b.call("@list "+t.word(), overload{kernel: makeList, lax: true}, t, args...), true
	default:
		return b.callOf(e, t)
	}
}

// parts returns the nodes of several parts. All of them are built, so that all of their problems are reported.
func (b *builder) parts(parts []ast.Expr) ([]int, bool) {
	nodes, all := make([]int, len(parts)), true
	for i, part := range parts {
		at, ok := b.part(part)
		nodes[i], all = at, all && ok
	}
	return nodes, all
}

func (b *builder) literal(e ast.Expr, t valueType) int {
	constant := newVector(t, 1)
	key := ""
	switch value := e.AsLiteral().(type) {
	case types.Bool:
		constant.bools[0] = bool(value)
		key = fmt.Sprint(value)
	case types.Int:
		constant.ints[0] = int64(value)
		key = fmt.Sprint(value)
	case types.Double:
		constant.floats[0] = float64(value)
		key = fmt.Sprint(math.Float64bits(float64(value)))
	case types.String:
		constant.texts[0] = string(value)
		key = string(value)
	case types.Bytes:
		constant.texts[0] = string(value)
		key = string(value)
	}
	return b.node("literal "+t.word()+" "+key, func() node {
		return node{source: fromConstant, typ: t, constant: constant}
	})
}

// name returns the node of what a name stands for.
func (b *builder) name(e ast.Expr) (int, bool) {
	name := strings.TrimPrefix(e.AsIdent(), ".")
	of := b.names[name]
	if of.source != fromCall {
		return b.node("name "+name, func() node { return node{source: of.source, typ: of.typ, input: of.index} }), true
	}
	if b.built[of.index] == building {
		return b.problem(e, fmt.Sprintf("features read each other in a circle: %s; take one of them out of it",
			b.circle(of.index)))
	}
	ok := b.build(of.index)
	return b.built[of.index], ok
}

// circle writes the outputs from one that is being built to itself.
func (b *builder) circle(output int) string {
	path := b.path[slices.Index(b.path, output):]
	var text strings.Builder
	for _, on := range path {
		text.WriteString(b.outputs[on].Name + " -> ")
	}
	return text.String() + b.outputs[output].Name
}

func (b *builder) callOf(e ast.Expr, t valueType) (int, bool) {
	call := e.AsCall()
	parts := call.Args()
	if call.IsMemberFunction() {
		parts = append([]ast.Expr{call.Target()}, parts...)
	}
	args, ok := b.parts(parts)
	if !ok {
		return 0, false
	}
	id := b.tree.GetOverloadIDs(e.ID())[0]
	o := b.overloads[id]
	if o.same {
		return args[0], true
	}
	if o.choose != nil {
		var err error
		if o.kernel, err = o.choose(b.site(args)); err != nil {
			return b.problem(e, err.Error())
		}
	}
	at := b.call(id, o, t, args...)
	if constant := b.nodes[at].constant; o.mustHold != "" && constant != nil && constant.at(0) == Invalid {
		return b.problem(e, o.mustHold)
	}
	return at, true
}

func (b *builder) site(args []int) site {
	s := site{types: make([]valueType, len(args)), constants: make([]*vector, len(args))}
	for i, arg := range args {
		s.types[i], s.constants[i] = b.nodes[arg].typ, b.nodes[arg].constant
	}
	return s
}
