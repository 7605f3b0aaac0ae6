// Package expression checks expressions over the inputs of an on-demand view, and evaluates them over columns of values
// (R25, R26). It does no I/O and knows nothing of stores.
//
// An expression is CEL: cel-go parses and checks it. What evaluates it is our own, since the same code has to serve
// batches of millions of rows and single look-ups with the same bits:
//
//	program, problems := expression.Compile(
//		[]expression.Input{{"amount", plumbv1.Type_FLOAT64}, {"spend.mean_30d", plumbv1.Type_FLOAT64}},
//		[]expression.Output{{"ratio", plumbv1.Type_FLOAT64, "amount / coalesce(spend.mean_30d, amount)"}})
//	e := program.Begin(rows)
//	defer e.Release()
//	e.Input(0).Floats[0], e.Input(1).States[0] = 12.5, expression.Null
//	e.Run()
//	// e.Output(0).Floats[0] is 1, and e.Output(0).States[0] is expression.Present.
package expression
