//go:build !race

// The race detector drops what a pool keeps; make test runs this file without it.

package expression_test

import (
	"testing"

	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestAProgramAllocatesNothingInSteadyState(t *testing.T) {
	program := compile(t,
		expression.Output{Name: "out_a", Type: integer, Expression: "coalesce(i, j, 3) + size(s) * hash64(s)"},
		expression.Output{Name: "out_b", Type: boolean,
			Expression: "p || s == z || t > request_time || s.contains('a') || i == null"},
		expression.Output{Name: "out_c", Type: plumbv1.Type_FLOAT32,
			Expression: "clamp(exp(x) / pow(y, 0.5), -1.0, sum(xs))"},
		expression.Output{Name: "out_d", Type: float, Expression: "haversine(x, y, 1.0, 2.0) + cosine(xs, ys)"},
		expression.Output{Name: "out_e", Type: integer,
			Expression: "bucketize(x, [1.0, 2.0]) + t.getHours('Europe/Berlin')"},
		expression.Output{Name: "out_f", Type: boolean, Expression: "s in ['a', 'b'] && substring(s, 0, 0) == ''"})
	evaluate := func() {
		e := program.Begin(2500)
		e.Input(0).States[3], e.Input(2).States[2000] = expression.Null, expression.Invalid
		e.Run()
		e.Release()
	}
	evaluate()
	if allocations := testing.AllocsPerRun(20, evaluate); allocations > 0 {
		t.Errorf("%v allocations for a batch", allocations)
	}
}
