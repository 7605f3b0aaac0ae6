//go:build !race

// The race detector changes what is allocated; make test runs this file without it.

package aggregate_test

import (
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

func TestAddingNumbersAllocatesNothing(t *testing.T) {
	for _, of := range []plumbv1.Type{plumbv1.Type_FLOAT64, plumbv1.Type_INT64, plumbv1.Type_FLOAT32, plumbv1.Type_INT32} {
		var specs []aggregate.Spec
		for _, function := range []aggregate.Function{aggregate.Rows, aggregate.Stddev, aggregate.Min, aggregate.Max,
			aggregate.First, aggregate.Last} {
			specs = append(specs, aggregate.Spec{Function: function, Type: of, By: aggregate.None})
		}
		w := newWorld(aggregate.NewPlan(specs), 1000)
		events := &aggregate.Events{Times: make([]int64, 1000)}
		column := aggregate.NewResult(of, 1000)
		for row := range 1000 {
			events.Times[row] = int64(row * 37 % 1000)
			if column.Floats != nil {
				column.Floats[row] = float64(float32(row%10) * 1.37)
			} else {
				column.Ints[row] = int64(row % 10)
			}
		}
		events.Columns = append(events.Columns, column)
		allocations := testing.AllocsPerRun(5, func() {
			for row := range 1000 {
				w.add(row*row%1000, events, row)
			}
		})
		if allocations > 0 {
			t.Errorf("%v allocations for 1000 events of %s", allocations, of)
		}
		var buffer []byte
		allocations = testing.AllocsPerRun(5, func() {
			for place := range 999 {
				for _, states := range w.parts {
					buffer = states.Append(buffer[:0], place)
					if _, err := states.MergeBytes(999, buffer); err != nil {
						t.Fatal(err)
					}
					states.Merge(999, states, place)
				}
			}
		})
		if allocations > 0 {
			t.Errorf("%v allocations for storing 999 states of %s", allocations, of)
		}
	}
}

func TestAResultOfNumbersAllocatesNothing(t *testing.T) {
	var specs []aggregate.Spec
	for _, function := range []aggregate.Function{aggregate.Rows, aggregate.Count, aggregate.Sum, aggregate.Mean,
		aggregate.Min, aggregate.Max, aggregate.First, aggregate.Last, aggregate.Distinct, aggregate.Percentile} {
		specs = append(specs, specOf(function, plumbv1.Type_FLOAT64))
	}
	plan := aggregate.NewPlan(specs)
	w := newWorld(plan, 1)
	events := columnOf(plumbv1.Type_FLOAT64, 1.5, -0.1, nil)
	for row := range events.Times {
		w.add(0, events, row)
	}
	for i, s := range specs {
		out := []*expression.Column{aggregate.NewResult(s.Results()[0], 1)}
		if allocations := testing.AllocsPerRun(5, func() { plan.Result(i, w.parts, 0, out, 0) }); allocations > 0 {
			t.Errorf("%v allocations for %s", allocations, s.Function)
		}
	}
}
