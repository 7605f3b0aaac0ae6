package expression

import "github.com/plumbstore/plumb/compute/exact"

// kernel computes one operation for the rows of a chunk. It never panics, whatever the values: branches that a row does
// not choose are computed too, and what they give is not read.
type kernel func(c *call, rows int)

// call is one operation of an evaluation.
type call struct {
	kernel kernel
	// lax says that the kernel decides the states of its result. Before any other kernel runs, they are merged from
	// those of the operands.
	lax  bool
	out  *vector
	args []*vector
	// chosen and exact are room for kernels that need it.
	chosen []bool
	exact  *exact.Sum
}

func (c *call) run(rows int) {
	if !c.lax {
		c.out.merge(c.args, rows)
	}
	c.kernel(c, rows)
}

// invalid says that a row has no value (R26). A row that is null stays so: its operands are not values.
func (c *call) invalid(row, rows int) {
	if c.out.at(row) == Present {
		c.out.put(row, rows, Invalid)
	}
}

func boolsOf(v *vector) []bool     { return v.bools }
func intsOf(v *vector) []int64     { return v.ints }
func floatsOf(v *vector) []float64 { return v.floats }
func textsOf(v *vector) []string   { return v.texts }

// values selects the slice of a vector that has the values of a type.
type values[T any] func(*vector) []T

// mapOne applies a function that has a value everywhere.
func mapOne[A, R any](from values[A], to values[R], f func(A) R) kernel {
	return func(c *call, rows int) {
		a, out := from(c.args[0])[:rows], to(c.out)[:rows]
		for i, x := range a {
			out[i] = f(x)
		}
	}
}

// tryOne applies a function that has no value for some operands, which it says by false.
func tryOne[A, R any](from values[A], to values[R], f func(A) (R, bool)) kernel {
	return func(c *call, rows int) {
		a, out := from(c.args[0])[:rows], to(c.out)[:rows]
		for i, x := range a {
			if c.out.at(i) != Present {
				continue
			}
			y, ok := f(x)
			out[i] = y
			if !ok {
				c.invalid(i, rows)
			}
		}
	}
}

// mapTwo applies a function of two operands that has a value everywhere.
func mapTwo[A, B, R any](first values[A], second values[B], to values[R], f func(A, B) R) kernel {
	return func(c *call, rows int) {
		a, b, out := first(c.args[0])[:rows], second(c.args[1])[:rows], to(c.out)[:rows]
		for i, x := range a {
			out[i] = f(x, b[i])
		}
	}
}

// mapTwoPresent is mapTwo for functions that should not see what is in rows without a value, because it may be large.
func mapTwoPresent[A, B, R any](first values[A], second values[B], to values[R], f func(A, B) R) kernel {
	return func(c *call, rows int) {
		a, b, out := first(c.args[0])[:rows], second(c.args[1])[:rows], to(c.out)[:rows]
		for i, x := range a {
			if c.out.at(i) == Present {
				out[i] = f(x, b[i])
			}
		}
	}
}
