package windows

import (
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
)

// Extent is what a window counts, as far as a state tells. The zero value says that it counts nothing.
type Extent struct {
	// Events is the number of events, or Untold.
	Events int64
	// First says what Earliest is.
	First First
	// Earliest is in microseconds.
	Earliest int64
}

// Untold is the number of events in tiles that do not tell it, because no aggregate of their level counts all events.
const Untold = -1

// First says what is known of the earliest event.
type First uint8

// What Extent.Earliest is.
const (
	// FirstUnknown is nothing: there are no events, or the earliest one is among all those up to a border.
	FirstUnknown First = iota
	// FirstEvent is the time of the earliest event.
	FirstEvent
	// FirstTile is the beginning of the earliest tile. The earliest event is later, by the length of the tile at most.
	FirstTile
)

// extent reads the extent of a window from a state.
type extent struct {
	Extent

	layout     *Layout
	start, end int64
	// rows is the position of the part that counts all events, and -1 if there is none.
	rows int
	// states have place 0 for the tiles that the window counts, and place 1 for others.
	states []aggregate.States
}

// Extent is that of one of the layout's windows at an instant. Before the floor of the state it is zero.
func (l *Layout) Extent(state []byte, at int64, span Span) (Extent, error) {
	h, c, err := l.readHeader(state)
	if err != nil || at < h.Floor {
		return Extent{}, err
	}
	x := &extent{layout: l, rows: slices.Index(l.parts, aggregate.Part{Kind: aggregate.PartRows, Column: aggregate.None,
		By: aggregate.None})}
	x.start, x.end = span.Bounds(at)
	recent, err := x.readRaws(&c, h)
	if err != nil {
		return Extent{}, err
	}
	if err := x.readTiles(&c, slices.Index(l.spans, span)); err != nil {
		return Extent{}, err
	}
	x.add(recent)
	return x.Extent, nil
}

// readRaws is the extent of the events that are kept one by one.
func (x *extent) readRaws(c *cursor, h header) (recent Extent, err error) {
	events, time := x.layout.newEvents(), h.Raw
	for range c.count() {
		time = c.after(time)
		x.layout.readRaw(c, events, time)
	}
	if c.bad {
		return Extent{}, fmt.Errorf("%w: an event is cut short", ErrCorrupt)
	}
	for _, time := range events.Times {
		if time > x.start && time <= x.end {
			recent.add(Extent{Events: 1, First: FirstEvent, Earliest: time})
		}
	}
	return recent, nil
}

// add adds an extent whose events are all later, or at the same time.
func (e *Extent) add(later Extent) {
	if e.Events == 0 {
		*e = later
	} else if e.Events != Untold {
		e.Events += later.Events
	}
}

// readTiles reads the tiles of all levels, since they have no lengths. Those that the window counts are in one level.
func (x *extent) readTiles(c *cursor, span int) error {
	x.states = make([]aggregate.States, len(x.layout.parts))
	for i, part := range x.layout.parts {
		x.states[i] = aggregate.NewStates(part)
		x.states[i].Grow(2)
	}
	var read tiles
	for i := range x.layout.levels {
		v := &x.layout.levels[i]
		if v.hop == 0 {
			continue
		}
		if err := read.read(c, v); err != nil {
			return err
		}
		runs := read.apart()
		if i == x.levelOf(span) {
			runs = x.count(v, &read)
		}
		if err := v.merge(c, x.states, runs, 1); err != nil {
			return err
		}
	}
	if c.bad || len(c.rest) > 0 {
		return fmt.Errorf("%w: it is cut short, or goes on behind its end", ErrCorrupt)
	}
	if x.Events == Untold && x.rows >= 0 && slices.Contains(x.layout.levels[x.levelOf(span)].parts, x.rows) {
		x.Events = aggregate.RowsOf(x.states[x.rows], 0)
	}
	return nil
}

func (x *extent) levelOf(span int) int {
	return slices.IndexFunc(x.layout.levels, func(v level) bool { return slices.Contains(v.spans, span) })
}

// count says which tiles of its level the window counts, and notes the first of them.
func (x *extent) count(v *level, t *tiles) []aggregate.Run {
	before := 0
	for before < len(t.numbers) && t.numbers[before]*v.hop < x.start {
		before++
	}
	counted := len(t.numbers) - before
	var runs []aggregate.Run
	switch {
	case t.hasBase: // Only a level of windows without a beginning has it, and they count it.
		x.Events, runs = Untold, appendRun(runs, 0, 1)
	case counted > 0:
		x.Events, x.First, x.Earliest = Untold, FirstTile, t.numbers[before]*v.hop
	}
	return appendRun(appendRun(runs, 1, before), 0, counted)
}

// apart are runs of tiles that the window does not count.
func (t *tiles) apart() []aggregate.Run {
	count := len(t.numbers)
	if t.hasBase {
		count++
	}
	return appendRun(nil, 1, count)
}
