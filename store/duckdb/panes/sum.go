package panes

import "github.com/plumbstore/plumb/compute/aggregate"

// sum keeps the state of a part for a window that slides over the panes of a key.
type sum interface {
	// begin takes the panes of a key, by their places.
	begin(panes []int)
	// move makes the state that of the panes from and up to some. Neither is ever less than before.
	move(from, to int)
}

// difference adds the panes that the window comes to, and subtracts those that it leaves.
type difference struct {
	panes, window aggregate.States
	places        []int
	from, to      int
}

func (d *difference) begin(panes []int) {
	d.places, d.from, d.to = panes, 0, 0
	d.window.Reset(0)
}

func (d *difference) move(from, to int) {
	if from-d.from+to-d.to >= to-from { // To begin anew is not more work than the change.
		d.window.Reset(0)
		d.from, d.to = from, from
	}
	for ; d.to < to; d.to++ {
		d.window.Merge(0, d.panes, d.places[d.to])
	}
	for ; d.from < from; d.from++ {
		d.window.Subtract(0, d.panes, d.places[d.from])
	}
}

// twoStacks merges two states: that of the newest panes, to which new ones are added, and that of the older ones. Of
// these there is a state for each pane with all that follow it. So nothing is ever taken away from a state, and each
// pane is merged three times at most.
type twoStacks struct {
	panes, window aggregate.States
	places        []int
	// front has the states of the panes up to middle, where that of a pane p is at the place middle-1-p; back has that of
	// the panes from middle up to to.
	front, back      aggregate.States
	from, middle, to int
	grown            int
}

func (s *twoStacks) begin(panes []int) {
	s.places, s.from, s.middle, s.to = panes, 0, 0, 0
	s.window.Reset(0)
	s.back.Reset(0)
}

func (s *twoStacks) move(from, to int) {
	if from == s.from && to == s.to {
		return
	}
	s.from = from
	if from > s.middle {
		s.turn(to)
	}
	for ; s.to < to; s.to++ {
		s.back.Merge(0, s.panes, s.places[s.to])
	}
	s.window.Reset(0)
	if from < s.middle {
		s.window.Merge(0, s.front, s.middle-1-from)
	}
	if s.middle < s.to {
		s.window.Merge(0, s.back, 0)
	}
}

// turn makes the panes of the window the older ones.
func (s *twoStacks) turn(to int) {
	s.back.Reset(0)
	s.middle, s.to = to, to
	if size := to - s.from; size > s.grown {
		s.front.Grow(size)
		s.grown = size
	}
	for p := to - 1; p >= s.from; p-- {
		at := s.middle - 1 - p
		s.front.Reset(at)
		s.front.Merge(at, s.panes, s.places[p])
		if at > 0 {
			s.front.Merge(at, s.front, at-1)
		}
	}
}
