package aggregate

import (
	"github.com/plumbstore/plumb/compute/exact"
	"github.com/plumbstore/plumb/compute/expression"
)

// AddRows adds the events of a batch, row by row, each at the place that places has for the row. A row whose place is
// negative is left out. It does what Add does for each, and is faster: a processor waits for the memory of several
// places at once.
func AddRows(states States, places []int32, events *Events) {
	if batched, ok := states.(batched); ok {
		batched.addRows(places, events)
		return
	}
	for row, place := range places {
		if place >= 0 {
			states.Add(int(place), events, row)
		}
	}
}

// batched are states that add many events faster than one by one.
type batched interface {
	addRows(places []int32, events *Events)
}

func (s *rows) addRows(places []int32, _ *Events) {
	for _, place := range places {
		if place >= 0 {
			s.of[place]++
		}
	}
}

func (s *counts) addRows(places []int32, events *Events) {
	states := events.Columns[s.column].States[:len(places)]
	for row, place := range places {
		if place < 0 {
			continue
		}
		switch states[row] {
		case expression.Present:
			s.of[place].present++
		case expression.Invalid:
			s.of[place].invalid++
		}
	}
}

func (s *integers) addRows(places []int32, events *Events) {
	column := events.Columns[s.column]
	states, values := column.States[:len(places)], column.Ints[:len(places)]
	for row, place := range places {
		if place >= 0 && states[row] == expression.Present {
			s.of[place].Add(values[row])
		}
	}
}

func (s *doubles) addRows(places []int32, events *Events) {
	column := events.Columns[s.column]
	addDoubles(s.Sums, places, column.States[:len(places)], column.Floats[:len(places)])
}

func addDoubles(sums *exact.Sums, places []int32, states []expression.State, values []float64) {
	for row, place := range places {
		if place >= 0 && states[row] == expression.Present {
			sums.Add(int(place), values[row])
		}
	}
}

func (s *extremes[K]) addRows(places []int32, events *Events) {
	column := events.Columns[s.column]
	states := column.States[:len(places)]
	for row, place := range places {
		if place >= 0 && states[row] == expression.Present {
			s.offer(int(place), s.codec.of(column, row))
		}
	}
}
