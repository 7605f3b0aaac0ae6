package expression_test

import (
	"math"
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// noValue is the value of an Invalid row in tests. A null is nil, a list is []any, and BYTES are a Go string.
type noValue struct{}

var invalid = noValue{}

// set gives a row of a column a value. Rows are set in order.
func set(c *expression.Column, row int, value any) {
	switch x := value.(type) {
	case nil:
		c.States[row] = expression.Null
	case noValue:
		c.States[row] = expression.Invalid
	case bool:
		c.Bools[row] = x
	case int64:
		c.Ints[row] = x
	case int:
		c.Ints[row] = int64(x)
	case float64:
		c.Floats[row] = x
	case string:
		c.Texts[row] = x
	case []any:
		for _, element := range x {
			addElement(c.Elements, element)
		}
	}
	if c.Elements != nil {
		c.Ends[row] = len(c.Elements.States)
	}
}

// addElement makes room for an element and sets it.
func addElement(c *expression.Column, value any) {
	c.States = append(c.States, expression.Present)
	c.Bools = append(c.Bools, false)
	c.Ints = append(c.Ints, 0)
	c.Floats = append(c.Floats, 0)
	c.Texts = append(c.Texts, "")
	set(c, len(c.States)-1, value)
}

// get is the opposite of set.
func get(c *expression.Column, row int) any {
	switch c.States[row] {
	case expression.Null:
		return nil
	case expression.Invalid:
		return invalid
	}
	switch {
	case c.Elements != nil:
		begin := 0
		if row > 0 {
			begin = c.Ends[row-1]
		}
		list := []any{}
		for i := begin; i < c.Ends[row]; i++ {
			list = append(list, get(c.Elements, i))
		}
		return list
	case c.Type == plumbv1.Type_BOOL:
		return c.Bools[row]
	case c.Type == plumbv1.Type_FLOAT32, c.Type == plumbv1.Type_FLOAT64:
		return c.Floats[row]
	case c.Type == plumbv1.Type_STRING, c.Type == plumbv1.Type_BYTES:
		return c.Texts[row]
	default:
		return c.Ints[row]
	}
}

// inputs are what the expressions of tests may read.
var inputs = []expression.Input{
	{Name: "i", Type: plumbv1.Type_INT64}, {Name: "j", Type: plumbv1.Type_INT64}, {Name: "x", Type: plumbv1.Type_FLOAT64},
	{Name: "y", Type: plumbv1.Type_FLOAT64}, {Name: "p", Type: plumbv1.Type_BOOL}, {Name: "q", Type: plumbv1.Type_BOOL},
	{Name: "s", Type: plumbv1.Type_STRING}, {Name: "z", Type: plumbv1.Type_STRING}, {Name: "b", Type: plumbv1.Type_BYTES},
	{Name: "t", Type: plumbv1.Type_TIMESTAMP}, {Name: "u", Type: plumbv1.Type_TIMESTAMP},
	{Name: "is", Type: plumbv1.Type_INT64_ARRAY}, {Name: "xs", Type: plumbv1.Type_FLOAT64_ARRAY},
	{Name: "ys", Type: plumbv1.Type_FLOAT64_ARRAY}, {Name: "ss", Type: plumbv1.Type_STRING_ARRAY},
	{Name: "ps", Type: plumbv1.Type_BOOL_ARRAY}, {Name: "view.f", Type: plumbv1.Type_FLOAT64},
	{Name: "n", Type: plumbv1.Type_INT32}, {Name: "ts", Type: plumbv1.Type_TIMESTAMP_ARRAY},
}

// row has values of inputs by name. An input without one is null.
type row map[string]any

func compile(t testing.TB, outputs ...expression.Output) *expression.Program {
	t.Helper()
	program, problems := expression.Compile(inputs, outputs)
	if len(problems) > 0 {
		t.Fatalf("%v has problems: %v", outputs, problems)
	}
	return program
}

// run evaluates a program over rows, and returns the values of each row's outputs.
func run(program *expression.Program, outputs int, rows []row) [][]any {
	e := program.Begin(len(rows))
	defer e.Release()
	for _, i := range program.Inputs() {
		for k, values := range rows {
			set(e.Input(i), k, values[inputs[i].Name])
		}
	}
	if program.ReadsTime() {
		for k, values := range rows {
			e.Times()[k] = values["request_time"].(int64)
		}
	}
	e.Run()
	results := make([][]any, len(rows))
	for k := range rows {
		for i := range outputs {
			results[k] = append(results[k], get(e.Output(i), k))
		}
	}
	return results
}

// evaluate evaluates one expression for one row.
func evaluate(t testing.TB, text string, of plumbv1.Type, values row) any {
	t.Helper()
	return run(compile(t, expression.Output{Name: "out", Type: of, Expression: text}), 1, []row{values})[0][0]
}

// same compares values by their bits, so that -0.0 is not 0.0 and NaN is itself.
func same(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, is := b.(float64)
		return is && math.Float64bits(x) == math.Float64bits(y)
	case []any:
		y, is := b.([]any)
		if !is || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	default:
		return a == b
	}
}

// typeFor is the type of a value in a table of tests.
func typeFor(value any) plumbv1.Type {
	switch x := value.(type) {
	case bool:
		return plumbv1.Type_BOOL
	case float64:
		return plumbv1.Type_FLOAT64
	case string:
		return plumbv1.Type_STRING
	case []any:
		return plumbv1.Type_FLOAT64_ARRAY + (typeFor(x[0]) - plumbv1.Type_FLOAT64)
	default:
		return plumbv1.Type_INT64
	}
}

// expect is one expression, the row that it is evaluated for, and what it gives. The type of the output is that of want
// unless there is one.
type expect struct {
	text string
	row  row
	want any
	typ  plumbv1.Type
}

func check(t *testing.T, cases []expect) {
	t.Helper()
	for _, c := range cases {
		of := c.typ
		if of == plumbv1.Type_TYPE_UNSPECIFIED {
			of = typeFor(c.want)
		}
		if got := evaluate(t, c.text, of, c.row); !same(got, c.want) {
			t.Errorf("%s of %v is %v (%T), not %v", c.text, c.row, got, got, c.want)
		}
	}
}
