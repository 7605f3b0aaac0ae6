package expression_test

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// evaluate evaluates a tree for a row by the words of R25 and R26, slowly and with code of its own.
func (n *tree) evaluate(of row) any {
	switch n.op {
	case "input":
		return of[n.value.(string)]
	case "literal":
		return n.value
	case "?:":
		condition := n.args[0].evaluate(of)
		switch condition {
		case true:
			return n.args[1].evaluate(of)
		case false:
			return n.args[2].evaluate(of)
		}
		return condition
	case "&&", "||":
		return n.decide(of, n.op == "||")
	case "coalesce":
		for _, arg := range n.args {
			if value := arg.evaluate(of); value != nil {
				return value
			}
		}
		return nil
	case "null":
		value := n.args[0].evaluate(of)
		if value == any(invalid) {
			return invalid
		}
		return value == nil
	case "in":
		return n.in(of)
	case "index":
		return n.index(of)
	}
	return n.strict(of)
}

func (n *tree) decide(of row, deciding bool) any {
	var result any = !deciding
	for _, arg := range n.args {
		value := arg.evaluate(of)
		switch {
		case value == any(deciding):
			return deciding
		case value == any(invalid) || value == nil && result != any(invalid):
			result = value
		}
	}
	return result
}

// operands evaluates all operands. Its state is not Present if one of them is Invalid or null, in this order.
func (n *tree) operands(of row) ([]any, expression.State) {
	state := expression.Present
	values := make([]any, len(n.args))
	for i, arg := range n.args {
		values[i] = arg.evaluate(of)
		switch values[i] {
		case any(invalid):
			state = expression.Invalid
		case nil:
			state = max(state, expression.Null)
		}
	}
	return values, state
}

// in looks a value up in a list literal, whose elements may be null.
func (n *tree) in(of row) any {
	values, state := n.operands(of)
	switch {
	case state == expression.Invalid:
		return invalid
	case values[0] == nil:
		return nil
	}
	var result any = false
	for _, element := range values[1:] {
		switch element {
		case nil:
			result = nil
		case values[0]:
			return true
		}
	}
	return result
}

func (n *tree) index(of row) any {
	values, state := n.operands(of)
	at, is := values[2].(int64)
	switch {
	case state == expression.Invalid:
		return invalid
	case !is:
		return nil
	case at < 0 || at > 1:
		return invalid
	default:
		return values[at]
	}
}

func (n *tree) strict(of row) any {
	values, state := n.operands(of)
	switch state {
	case expression.Invalid:
		return invalid
	case expression.Null:
		return nil
	}
	switch first := values[0].(type) {
	case int64:
		return ofInts(n.op, values)
	case float64:
		return ofFloats(n.op, values)
	case string:
		return ofTexts(n.op, values)
	default:
		return ofBools(n.op, first.(bool), values)
	}
}

// narrowed is an exact integer if it is in INT64.
func narrowed(x *big.Int) any {
	if !x.IsInt64() {
		return invalid
	}
	return x.Int64()
}

func ofInts(op string, values []any) any {
	a := big.NewInt(values[0].(int64))
	b := new(big.Int)
	if len(values) > 1 {
		b.SetInt64(values[1].(int64))
	}
	switch op {
	case "+":
		return narrowed(a.Add(a, b))
	case "-":
		return narrowed(a.Sub(a, b))
	case "*":
		return narrowed(a.Mul(a, b))
	case "/", "%":
		if b.Sign() == 0 {
			return invalid
		}
		quotient, rest := new(big.Int).QuoRem(a, b, new(big.Int))
		if op == "/" || !quotient.IsInt64() {
			return narrowed(quotient)
		}
		return narrowed(rest)
	case "negate":
		return narrowed(a.Neg(a))
	case "abs":
		return narrowed(a.Abs(a))
	case "least":
		return min(values[0].(int64), values[1].(int64))
	case "double":
		x, _ := new(big.Float).SetInt(a).Float64()
		return x
	case "string":
		return a.String()
	}
	return ordered(op, a.Cmp(b))
}

// ordered turns the order of two values into the answer of a comparison.
func ordered(op string, order int) any {
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	case ">=":
		return order >= 0
	case "==":
		return order == 0
	case "!=":
		return order != 0
	}
	return "the reference has no " + op
}

func ofFloats(op string, values []any) any {
	a, b := values[0].(float64), 0.0
	if len(values) > 1 {
		b = values[1].(float64)
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "negate":
		return -a
	case "abs":
		return math.Abs(a)
	case "floor":
		return math.Floor(a)
	case "least":
		// math.Min(NaN, -Inf) is -Inf.
		if math.IsNaN(a) || math.IsNaN(b) {
			return nan
		}
		return math.Min(a, b)
	case "string":
		return strconv.FormatFloat(a, 'g', -1, 64)
	case "int":
		if math.IsNaN(a) || math.IsInf(a, 0) {
			return invalid
		}
		whole, _ := new(big.Float).SetFloat64(a).Int(nil)
		return narrowed(whole)
	}
	if math.IsNaN(a) || math.IsNaN(b) {
		return op == "!="
	}
	return ordered(op, new(big.Float).SetFloat64(a).Cmp(new(big.Float).SetFloat64(b)))
}

func ofTexts(op string, values []any) any {
	a := values[0].(string)
	switch op {
	case "size":
		return int64(utf8.RuneCountInString(a))
	case "substring":
		points, from, to := []rune(a), values[1].(int64), values[2].(int64)
		if from < 0 || to < from || to > int64(len(points)) {
			return invalid
		}
		return string(points[from:to])
	}
	b := values[1].(string)
	switch op {
	case "+":
		return a + b
	case "contains":
		return strings.Contains(a, b)
	case "startsWith":
		return strings.HasPrefix(a, b)
	}
	return ordered(op, strings.Compare(a, b))
}

func ofBools(op string, a bool, values []any) any {
	switch op {
	case "!":
		return !a
	case "string":
		return fmt.Sprint(a)
	}
	number := map[bool]int{true: 1}
	return ordered(op, number[a]-number[values[1].(bool)])
}

// drawRow draws a value of each input, and where that is wanted nulls and rows without a value.
func drawRow(t *rapid.T, gaps bool) row {
	result := row{}
	for _, typ := range []plumbv1.Type{boolean, integer, float, text} {
		for _, name := range names[typ] {
			switch gap := rapid.IntRange(0, 9).Draw(t, "gap"); {
			case gaps && gap == 0:
				result[name] = invalid
			case gaps && gap < 3:
				result[name] = nil
			default:
				result[name] = drawValue(t, typ)
			}
		}
	}
	return result
}

// canonical replaces the NaNs that processors make.
func canonical(value any) any {
	if x, is := value.(float64); is && math.IsNaN(x) {
		return nan
	}
	return value
}

func TestR25_R26_RandomExpressionsAgreeWithAReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := rapid.SampledFrom([]plumbv1.Type{boolean, integer, float, text}).Draw(t, "type")
		expressions := []*tree{drawTree(t, typ, 4, false), drawTree(t, typ, 4, false)}
		var outputs []expression.Output
		for i, e := range expressions {
			outputs = append(outputs, expression.Output{Name: fmt.Sprint("out", i), Type: typ, Expression: e.String()})
		}
		program, problems := expression.Compile(inputs, outputs)
		if len(problems) > 0 {
			t.Fatalf("%v has problems: %v", outputs, problems)
		}
		var rows []row
		for range 12 {
			rows = append(rows, drawRow(t, true))
		}
		for k, got := range run(program, len(outputs), rows) {
			for i, e := range expressions {
				if want := canonical(e.evaluate(rows[k])); !same(got[i], want) {
					t.Fatalf("%s of %v is %v, not %v", e, rows[k], got[i], want)
				}
			}
		}
	})
}
