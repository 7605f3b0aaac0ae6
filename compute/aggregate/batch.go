package aggregate

import "github.com/plumbstore/plumb/compute/expression"

// AddRows adds the events of some rows of a batch, each at its place. It does what Add does for each, and is faster: a
// processor waits for the memory of several places at once.
func AddRows(states States, places, rows []uint32, events *Events) {
	if batched, ok := states.(batched); ok {
		batched.addRows(places[:len(rows)], rows, events)
		return
	}
	for i, row := range rows {
		states.Add(int(places[i]), events, int(row))
	}
}

// batched are states that add many events faster than one by one. There are as many places as rows.
type batched interface {
	addRows(places, rows []uint32, events *Events)
}

func (s *rows) addRows(places, _ []uint32, _ *Events) {
	for _, place := range places {
		s.of[place]++
	}
}

func (s *counts) addRows(places, rows []uint32, events *Events) {
	states := events.Columns[s.column].States
	for i, row := range rows {
		switch states[row] {
		case expression.Present:
			s.of[places[i]].present++
		case expression.Invalid:
			s.of[places[i]].invalid++
		}
	}
}

func (s *integers) addRows(places, rows []uint32, events *Events) {
	column := events.Columns[s.column]
	for i, row := range rows {
		if column.States[row] == expression.Present {
			s.of[places[i]].Add(column.Ints[row])
		}
	}
}

func (s *doubles) addRows(places, rows []uint32, events *Events) {
	column := events.Columns[s.column]
	for i, row := range rows {
		if column.States[row] == expression.Present {
			s.Sums.Add(int(places[i]), column.Floats[row])
		}
	}
}

func (s *extremes[K]) addRows(places, rows []uint32, events *Events) {
	column := events.Columns[s.column]
	for i, row := range rows {
		if column.States[row] == expression.Present {
			s.offer(int(places[i]), s.codec.of(column, int(row)))
		}
	}
}
