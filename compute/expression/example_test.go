package expression_test

import (
	"fmt"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func ExampleCompile() {
	program, problems := expression.Compile(
		[]expression.Input{
			{Name: "amount", Type: plumbv1.Type_FLOAT64}, {Name: "spend.mean_30d", Type: plumbv1.Type_FLOAT64},
		},
		[]expression.Output{
			{Name: "ratio", Type: plumbv1.Type_FLOAT64, Expression: "amount / coalesce(spend.mean_30d, amount)"},
			{Name: "high", Type: plumbv1.Type_BOOL, Expression: "ratio > 3.0"},
		})
	if len(problems) > 0 {
		fmt.Println(problems)
		return
	}
	e := program.Begin(2)
	defer e.Release()
	copy(e.Input(0).Floats, []float64{12.5, 80})
	e.Input(1).States[0] = expression.Null
	e.Input(1).Floats[1] = 20
	e.Run()
	fmt.Println(e.Output(0).Floats, e.Output(1).Bools)
	// Output: [1 4] [false true]
}

// Every mistake of every expression is reported at once, with its place.
func ExampleProblem() {
	_, problems := expression.Compile(
		[]expression.Input{{Name: "amount", Type: plumbv1.Type_FLOAT64}, {Name: "count", Type: plumbv1.Type_INT64}},
		[]expression.Output{
			{Name: "ratio", Type: plumbv1.Type_FLOAT64, Expression: "amont * 2.0"},
			{Name: "each", Type: plumbv1.Type_FLOAT64, Expression: "log(count)"},
		})
	for _, p := range problems {
		fmt.Printf("feature %d, line %d, column %d: %s\n", p.Output, p.Line, p.Column, p.Message)
	}
	// Output:
	// feature 0, line 1, column 1: unknown input "amont"; did you mean "amount"?
	// feature 1, line 1, column 1: log cannot be applied to an INT64; convert it with double(...)
}
