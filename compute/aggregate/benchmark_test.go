package aggregate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/plumbstore/plumb/compute/aggregate"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// BenchmarkAdd adds events to random places of an array, which is greater than the caches of a processor.
func BenchmarkAdd(b *testing.B) {
	const places, batch = 1 << 20, 1 << 14
	random := rand.New(rand.NewPCG(1, 2))
	events := &aggregate.Events{Times: make([]int64, batch), Created: make([]int64, batch)}
	column := aggregate.NewResult(plumbv1.Type_FLOAT64, batch)
	for row := range batch {
		events.Times[row] = random.Int64N(1e15)
		column.Floats[row] = random.ExpFloat64() * 30
	}
	events.Columns = append(events.Columns, column)
	targets, rows := make([][]uint32, 16), make([]uint32, batch)
	for i := range targets {
		for range batch {
			targets[i] = append(targets[i], random.Uint32N(places))
		}
	}
	for row := range rows {
		rows[row] = uint32(row)
	}
	naive := make([]float64, places)
	for i := range naive {
		naive[i] = 1
	}
	b.Run("naive sum", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			for row, place := range targets[i%len(targets)] {
				naive[place] += column.Floats[row]
			}
		}
		perEvent(b, batch)
	})
	for _, function := range []aggregate.Function{aggregate.Rows, aggregate.Sum, aggregate.Max, aggregate.Stddev,
		aggregate.Last} {
		plan := aggregate.NewPlan([]aggregate.Spec{{Function: function, Type: plumbv1.Type_FLOAT64, By: aggregate.None}})
		for i, part := range plan.Parts() {
			if function == aggregate.Max && i == 0 || function == aggregate.Stddev && i < 2 {
				continue
			}
			states := aggregate.NewStates(part)
			states.Grow(places)
			for place := range places {
				states.Add(place, events, place%batch)
			}
			b.Run(names[part.Kind], func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					aggregate.AddRows(states, targets[i%len(targets)], rows, events)
				}
				perEvent(b, batch)
			})
		}
	}
}

func perEvent(b *testing.B, events int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*events), "ns/event")
}
