// Package native lets DuckDB call functions of our own, and hands over the rows of a running query.
//
// The driver calls such functions with boxed values, one row at a time, which for tens of millions of rows costs more
// than the work that they do. DuckDB itself calls them with columns. So this package goes below the driver: a function
// gets the memory of its arguments, and writes into that of its answer.
//
// A function that doubles whole numbers:
//
//	connection.Register(native.Function{
//		Name: "_plumb_double", Parameters: []mapping.Type{mapping.TypeBigInt},
//		Result: native.Result{Single: mapping.TypeBigInt},
//		Call: func(arguments native.Columns, answer native.Answer) {
//			doubled := native.Numbers[int64](answer)
//			for row, number := range native.Values[int64](&arguments, 0) {
//				doubled[row] = 2 * number
//			}
//		},
//	})
//
// DuckDB calls a function on many threads at once, and may hold it after its session has been closed. Arguments and
// answer are valid during the call alone. A panic becomes an error of the statement.
package native
