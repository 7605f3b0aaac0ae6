package windows

import (
	"fmt"
	"sync"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Reader computes some of a layout's aggregates from states. It does not change, and may be used by several
// goroutines at a time.
type Reader struct {
	layout *Layout
	wanted []int
	pool   sync.Pool
}

// NewReader returns a reader for aggregates at those positions.
func NewReader(l *Layout, wanted []int) *Reader {
	r := &Reader{layout: l, wanted: wanted}
	r.pool.New = func() any { return newEvaluation(r) }
	return r
}

// Evaluation computes aggregates for some rows, whose states are handed to it in order. It belongs to one goroutine,
// and to nobody once released.
type Evaluation struct {
	reader *Reader
	// states have a place for each window, and one more for what no window counts.
	states []aggregate.States
	// bounds are those of the windows at the instant at. All rows of a look-up have the same.
	bounds []bounds
	at     int64
	events *aggregate.Events
	// columns has the results of each wanted aggregate.
	columns [][]*expression.Column
	// outcomes write those.
	outcomes []*aggregate.Outcome
	row      int
	// cursor is where the state is read.
	cursor cursor
	// tiles are those of the level that is being read, and runs where they go.
	tiles tiles
	runs  []aggregate.Run
}

type bounds struct{ start, end int64 }

// Sight is what a state shows at an instant.
type Sight struct {
	// BeforeFloor says that the state is complete only at later instants, so that nothing can be said of this one (R27).
	BeforeFloor bool
	// Found says that an event counts in some window of the layout, wanted or not, and Event is the latest such event's
	// time (R22).
	Found bool
	Event int64
}

func newEvaluation(r *Reader) *Evaluation {
	l := r.layout
	e := &Evaluation{reader: r, states: make([]aggregate.States, len(l.parts)), bounds: make([]bounds, len(l.spans)),
		events: l.newEvents(), columns: make([][]*expression.Column, len(r.wanted))}
	for i, part := range l.parts {
		e.states[i] = aggregate.NewStates(part)
		e.states[i].Grow(len(l.spans) + 1)
	}
	for i, wanted := range r.wanted {
		for _, t := range l.aggregates[wanted].Spec.Results() {
			e.columns[i] = append(e.columns[i], aggregate.NewResult(t, 0))
		}
		e.outcomes = append(e.outcomes, l.plan.Outcome(wanted, e.states, l.spanOf[wanted], e.columns[i]))
	}
	e.moveTo(0)
	return e
}

// Begin starts an evaluation of that many rows. Its caller releases it.
func (r *Reader) Begin(rows int) *Evaluation {
	e := r.pool.Get().(*Evaluation)
	e.row = 0
	for _, columns := range e.columns {
		for _, column := range columns {
			resize(column, rows)
		}
	}
	return e
}

// resize gives a column of results room for rows, and no elements.
func resize(c *expression.Column, rows int) {
	c.States = resized(c.States, rows)
	switch {
	case c.Elements != nil:
		c.Ends = resized(c.Ends, rows)
		truncate(c.Elements)
	case c.Type == plumbv1.Type_BOOL:
		c.Bools = resized(c.Bools, rows)
	case c.Type == plumbv1.Type_FLOAT32, c.Type == plumbv1.Type_FLOAT64:
		c.Floats = resized(c.Floats, rows)
	case c.Type == plumbv1.Type_STRING, c.Type == plumbv1.Type_BYTES:
		c.Texts = resized(c.Texts, rows)
	default:
		c.Ints = resized(c.Ints, rows)
	}
}

func truncate(c *expression.Column) {
	c.States, c.Bools, c.Ints, c.Floats, c.Texts = c.States[:0], c.Bools[:0], c.Ints[:0], c.Floats[:0], c.Texts[:0]
}

func resized[T any](slice []T, size int) []T {
	if cap(slice) < size {
		return make([]T, size)
	}
	return slice[:size]
}

// Columns are the results of a wanted aggregate, by its position among those that are wanted. They are complete once
// each row was handed over, and valid until Release. Texts may be in the memory of the states.
func (e *Evaluation) Columns(wanted int) []*expression.Column { return e.columns[wanted] }

// Release ends the evaluation.
func (e *Evaluation) Release() { e.reader.pool.Put(e) }

// None says that there is no state for the next row, which is null.
func (e *Evaluation) None() {
	for _, columns := range e.columns {
		for _, column := range columns {
			column.States[e.row] = expression.Null
			if column.Elements != nil {
				column.Ends[e.row] = len(column.Elements.States)
			}
		}
	}
	e.row++
}

// Floor is the first instant at which a state can be looked up.
func (e *Evaluation) Floor(state []byte) (int64, error) {
	h, _, err := e.reader.layout.readHeader(state)
	return h.Floor, err
}

// Add computes the next row from its state at an instant. Unless something is found the row is null.
func (e *Evaluation) Add(state []byte, at int64) (Sight, error) {
	l := e.reader.layout
	h, begun, err := l.readHeader(state)
	if err != nil {
		return Sight{}, err
	}
	e.cursor = begun
	c := &e.cursor
	if at < h.Floor {
		e.None()
		return Sight{BeforeFloor: true}, nil
	}
	if at != e.at {
		e.moveTo(at)
	}
	if err := e.readRaws(c, h); err != nil {
		return Sight{}, err
	}
	sight := e.sight(h)
	if !sight.Found {
		e.None()
		return sight, nil
	}
	for i := range l.levels {
		if err := e.readLevel(c, &l.levels[i]); err != nil {
			return Sight{}, err
		}
	}
	if c.bad || len(c.rest) > 0 {
		return Sight{}, fmt.Errorf("%w: it is cut short, or goes on behind its end", ErrCorrupt)
	}
	for _, outcome := range e.outcomes {
		outcome.Write(e.row)
	}
	e.row++
	return sight, nil
}

func (e *Evaluation) moveTo(at int64) {
	e.at = at
	for i, span := range e.reader.layout.spans {
		e.bounds[i].start, e.bounds[i].end = span.Bounds(at)
	}
}

func (e *Evaluation) readRaws(c *cursor, h header) error {
	l := e.reader.layout
	l.resetEvents(e.events)
	time := h.Raw
	for range c.count() {
		time = c.after(time)
		l.readRaw(c, e.events, time)
	}
	if c.bad {
		return fmt.Errorf("%w: an event is cut short", ErrCorrupt)
	}
	return nil
}

// sight finds the latest event that counts. Events up to h.Raw are not later than the end of any window, so the
// latest of them counts if any does.
func (e *Evaluation) sight(h header) Sight {
	s := Sight{Event: none}
	for i := range e.bounds {
		b := &e.bounds[i]
		if h.latest > b.start {
			s.Event = max(s.Event, h.latest)
		}
		for _, time := range e.events.Times {
			if time > b.start && time <= b.end {
				s.Event = max(s.Event, time)
			}
		}
	}
	s.Found = s.Event > none
	return s
}

// readLevel brings the windows of a level together. A tile that begins between the starts of two windows counts in the
// earlier ones: it is added to the last of these alone, and then each window is added to the one before it.
func (e *Evaluation) readLevel(c *cursor, v *level) error {
	for _, part := range v.parts {
		for _, span := range v.spans {
			e.states[part].Reset(span)
		}
	}
	if v.hop > 0 {
		if err := e.readTiles(c, v); err != nil {
			return err
		}
		for i := len(v.spans) - 1; i > 0; i-- {
			for _, part := range v.parts {
				e.states[part].Merge(v.spans[i-1], e.states[part], v.spans[i])
			}
		}
	}
	for row, time := range e.events.Times {
		for _, span := range v.spans {
			if b := &e.bounds[span]; time > b.start && time <= b.end {
				e.addEvent(v, span, row)
			}
		}
	}
	return nil
}

func (e *Evaluation) addEvent(v *level, span, row int) {
	for _, part := range v.parts {
		e.states[part].Add(span, e.events, row)
	}
}

func (e *Evaluation) readTiles(c *cursor, v *level) error {
	if err := e.tiles.read(c, v); err != nil {
		return err
	}
	e.placeTiles(v)
	return v.merge(c, e.states, e.runs, e.scratch())
}

// placeTiles places each tile at the last window that counts it. Neither the starts of the windows nor the tiles
// descend, so those come first that no window counts any more.
func (e *Evaluation) placeTiles(v *level) {
	e.runs = e.runs[:0]
	if e.tiles.hasBase { // Windows without a beginning count it.
		e.runs = append(e.runs, aggregate.Run{Place: v.spans[len(v.spans)-1], Count: 1})
	}
	place, rest := e.scratch(), e.tiles.numbers
	for _, span := range v.spans {
		before := 0
		for before < len(rest) && rest[before]*v.hop < e.bounds[span].start {
			before++
		}
		e.runs = appendRun(e.runs, place, before)
		place, rest = span, rest[before:]
	}
	e.runs = appendRun(e.runs, place, len(rest))
}

// appendRun appends a run unless it is empty.
func appendRun(runs []aggregate.Run, place, count int) []aggregate.Run {
	if count == 0 {
		return runs
	}
	return append(runs, aggregate.Run{Place: place, Count: count})
}

// scratch is the place of what no window counts any more.
func (e *Evaluation) scratch() int { return len(e.bounds) }
