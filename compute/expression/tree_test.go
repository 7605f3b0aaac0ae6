package expression_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"pgregory.net/rapid"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// tree is a random expression. Its text is what Compile gets; the reference evaluates the tree itself.
type tree struct {
	op   string
	typ  plumbv1.Type
	args []*tree
	// value is that of a literal, whose op is "literal". The op of an input is "input", and its name is the value.
	value any
}

// form is an operator of trees: the types of its operands, and its text with %s for each of them. A form is standard if
// CEL has it too.
type form struct {
	op       string
	result   plumbv1.Type
	args     []plumbv1.Type
	text     string
	standard bool
}

func forms() []form {
	var all []form
	add := func(op string, result plumbv1.Type, text string, standard bool, args ...plumbv1.Type) {
		all = append(all, form{op, result, args, text, standard})
	}
	for _, op := range []string{"+", "-", "*", "/"} {
		add(op, integer, "(%s "+op+" %s)", true, integer, integer)
		add(op, float, "(%s "+op+" %s)", true, float, float)
	}
	add("%", integer, "(%s %% %s)", true, integer, integer)
	add("+", text, "(%s + %s)", true, text, text)
	scalars := []plumbv1.Type{boolean, integer, float, text}
	for _, typ := range scalars {
		for _, op := range []string{"<", "<=", ">", ">=", "==", "!="} {
			add(op, boolean, "(%s "+op+" %s)", true, typ, typ)
		}
		add("?:", typ, "(%s ? %s : %s)", true, boolean, typ, typ)
		add("coalesce", typ, "coalesce(%s, %s, %s)", false, typ, typ, typ)
		add("null", boolean, "(%s == null)", false, typ)
		add("in", boolean, "(%s in [%s, %s])", true, typ, typ, typ)
		add("index", typ, "[%s, %s][%s]", true, typ, typ, integer)
		if typ != text {
			add("string", text, "string(%s)", true, typ)
		}
	}
	for _, op := range []string{"&&", "||"} {
		add(op, boolean, "(%s "+op+" %s)", true, boolean, boolean)
	}
	add("!", boolean, "!(%s)", true, boolean)
	for _, typ := range []plumbv1.Type{integer, float} {
		add("negate", typ, "-(%s)", true, typ)
		add("abs", typ, "abs(%s)", false, typ)
		add("least", typ, "least(%s, %s)", false, typ, typ)
	}
	add("int", integer, "int(%s)", true, float)
	add("double", float, "double(%s)", true, integer)
	add("size", integer, "size(%s)", true, text)
	add("contains", boolean, "%s.contains(%s)", true, text, text)
	add("startsWith", boolean, "%s.startsWith(%s)", true, text, text)
	add("substring", text, "substring(%s, %s, %s)", false, text, integer, integer)
	add("floor", float, "floor(%s)", false, float)
	return all
}

var allForms = forms()

// names of the inputs of trees, by type.
var names = map[plumbv1.Type][]string{boolean: {"p", "q"}, integer: {"i", "j"}, float: {"x", "y"}, text: {"s", "z"}}

var (
	ints   = []int64{0, 1, -1, 2, 3, 7, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 1 << 31, 1 << 32, -(1 << 53)}
	floats = []float64{0, minus0, 1, -1, 0.1, 2.5, 1e300, -1e300, 5e-324, 0x1p63, -0x1p62, 3, inf, -inf, nan}
	texts  = []string{"", "a", "ab", "ä", "b", "aäb", "zz"}
)

// values draws a value of a type.
func drawValue(t *rapid.T, typ plumbv1.Type) any {
	switch typ {
	case boolean:
		return rapid.Bool().Draw(t, "bool")
	case integer:
		return rapid.OneOf(rapid.SampledFrom(ints), rapid.Int64Range(-9, 9), rapid.Int64()).Draw(t, "int")
	case float:
		return rapid.OneOf(rapid.SampledFrom(floats), rapid.Float64Range(-9, 9), rapid.Float64()).Draw(t, "float")
	default:
		return rapid.SampledFrom(texts).Draw(t, "text")
	}
}

// drawTree draws an expression of a type.
func drawTree(t *rapid.T, typ plumbv1.Type, depth int, standard bool) *tree {
	if depth == 0 || rapid.IntRange(0, 9).Draw(t, "leaf") == 0 {
		if rapid.IntRange(0, 3).Draw(t, "literal") > 0 {
			return &tree{op: "input", typ: typ, value: rapid.SampledFrom(names[typ]).Draw(t, "name")}
		}
		value := drawValue(t, typ)
		if x, is := value.(float64); is && (math.IsNaN(x) || math.IsInf(x, 0)) {
			value = 2.0 // these have no literal
		}
		return &tree{op: "literal", typ: typ, value: value}
	}
	var possible []form
	for _, f := range allForms {
		if f.result == typ && (f.standard || !standard) {
			possible = append(possible, f)
		}
	}
	f := rapid.SampledFrom(possible).Draw(t, "form")
	node := &tree{op: f.op, typ: typ, value: f.text}
	for _, arg := range f.args {
		node.args = append(node.args, drawTree(t, arg, depth-1, standard))
	}
	return node
}

func (n *tree) String() string {
	switch n.op {
	case "input":
		return n.value.(string)
	case "literal":
		return literal(n.value)
	}
	args := make([]any, len(n.args))
	for i, arg := range n.args {
		args[i] = arg
	}
	return fmt.Sprintf(n.value.(string), args...)
}

func literal(value any) string {
	switch x := value.(type) {
	case string:
		return strconv.Quote(x)
	case float64:
		shown := strconv.FormatFloat(x, 'g', -1, 64)
		if !strings.ContainsAny(shown, ".e") {
			shown += ".0"
		}
		return "(" + shown + ")"
	case int64:
		return "(" + strconv.FormatInt(x, 10) + ")"
	default:
		return fmt.Sprint(x)
	}
}
