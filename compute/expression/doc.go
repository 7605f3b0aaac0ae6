// Package expression checks expressions over the inputs of an on-demand view, and evaluates them over columns of values
// (R25, R26). It does no I/O and knows nothing of stores.
//
// An expression is CEL: cel-go parses and checks it. What evaluates it is our own, since the same code has to serve
// batches of millions of rows and single look-ups with the same bits:
//
//	const ratio = "amount / coalesce(spend.mean_30d, amount)"
//	program, problems := expression.Compile(
//		[]expression.Input{{"amount", plumbv1.Type_FLOAT64}, {"spend.mean_30d", plumbv1.Type_FLOAT64}},
//		[]expression.Output{{Name: "ratio", Type: plumbv1.Type_FLOAT64, Expression: ratio}})
//	e := program.Begin(rows)
//	defer e.Release()
//	e.Input(0).Floats[0], e.Input(1).States[0] = 12.5, expression.Null
//	e.Run()
//	// e.Output(0).Floats[0] is 1, and e.Output(0).States[0] is expression.Present.
//
// The way of an expression: compile.go has it parsed and checked, names.go and messages.go say what is wrong with it,
// and build.go turns it into nodes, of which a program (program.go) is made. An evaluation (evaluation.go) runs the
// kernel of each node over up to 1,024 rows at a time. function.go has the form of functions, and arithmetic.go,
// compare.go, logic.go, conversions.go, numeric.go, textual.go, temporal.go and listing.go have the functions and their
// kernels.
//
// What is not obvious:
//
//   - Every kernel computes every row, also branches that a row does not choose and rows without a value. So kernels
//     take any values, and states are what decides.
//   - The result of a kernel is stored before the next one reads it. That is what keeps products from being fused with
//     sums, whose bits would depend on the processor.
//   - The states are numbered so that merging them is an operation on bits.
//   - No function of package math is used that is assembly on some architecture and not exact; see elementary.
package expression
