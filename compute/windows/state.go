package windows

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
)

// A state is what is kept of the events of one entity:
//
//	version  1 byte
//	layout   4 bytes, the layout's mark
//	through  signed: up to when the state is complete
//	floor    how long before that the first look-up may be
//	raw      how long before the floor events are kept one by one
//	border   only if some window has no beginning: how long before raw the border is (Horizon)
//	latest   0 if no event up to raw can count, or else 1 and how long before raw the latest such event is
//	events   how many are kept one by one; for each how long after the one before, at first after raw, and what
//	         rawevent.go says. They ascend, those of one instant by their bytes
//	levels   for each that has tiles:
//	         1 if there is a tile of all events up to the border, which is then the first one, or 0 if there is none;
//	         only if its windows have no beginning
//	         how many other tiles; unless there are none, the number of the first, signed, and then 1 if the others
//	         follow it without a gap, or else 0 and of each other what its number is more than the one before
//	         for each part of the level the column of the tiles' states, as aggregate.AppendColumn writes it
//
// Numbers are varints, signed ones zigzag, and times microseconds. Tiles without events are left out. The bytes are a
// function of the horizon and of the multiset of events (R20), and durable.
const stateVersion = 1

const markSize = 4

// header is what a state begins with.
type header struct {
	Horizon

	// latest is the latest event up to Raw that can count at the floor or later; math.MinInt64 if there is none.
	latest int64
}

// none is the time of no event.
const none = math.MinInt64

func (l *Layout) appendHeader(dst []byte, h header) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, stateVersion), l.mark)
	dst = binary.AppendVarint(dst, h.Through)
	dst = appendDistance(dst, h.Floor, h.Through)
	dst = appendDistance(dst, h.Raw, h.Floor)
	if l.hasLifetime() {
		dst = appendDistance(dst, h.Border, h.Raw)
	}
	if h.latest == none {
		return append(dst, 0)
	}
	return appendDistance(append(dst, 1), h.latest, h.Raw)
}

func appendDistance(dst []byte, from, to int64) []byte {
	return binary.AppendUvarint(dst, uint64(to)-uint64(from))
}

func (l *Layout) hasLifetime() bool {
	for i := range l.levels {
		if l.levels[i].lifetime {
			return true
		}
	}
	return false
}

// readHeader leaves the cursor at the events that are kept one by one.
func (l *Layout) readHeader(state []byte) (header, cursor, error) {
	if len(state) <= markSize {
		return header{}, cursor{}, fmt.Errorf("%w: it has %d bytes", ErrCorrupt, len(state))
	}
	if state[0] != stateVersion {
		return header{}, cursor{}, fmt.Errorf("the stored state has format %d, which this version does not know; upgrade it",
			state[0])
	}
	if mark := binary.BigEndian.Uint32(state[1:]); mark != l.mark {
		return header{}, cursor{}, fmt.Errorf("%w: it is of other aggregations", ErrCorrupt)
	}
	c := cursor{rest: state[1+markSize:]}
	h := header{latest: none}
	h.Through = c.varint()
	h.Floor = c.before(h.Through)
	h.Raw = c.before(h.Floor)
	if l.hasLifetime() {
		h.Border = c.before(h.Raw)
	}
	if c.flag() {
		h.latest = c.before(h.Raw)
	}
	if c.bad {
		return header{}, cursor{}, fmt.Errorf("%w: its beginning is cut short", ErrCorrupt)
	}
	return h, c, nil
}

// tiles are those of a level that a state has: whether there is one of all events up to the border, and the numbers of
// the others, which ascend.
type tiles struct {
	hasBase bool
	numbers []int64
}

// read reads the tiles of a level that has a hop, which the cursor has to be at. It leaves the cursor at their columns.
func (t *tiles) read(c *cursor, v *level) error {
	t.hasBase = v.lifetime && c.flag()
	t.numbers = t.numbers[:0]
	if count := c.count(); count > 0 {
		first, isDense := c.varint(), c.flag()
		c.require(first > v.least && first < v.most-int64(count))
		switch {
		case c.bad:
		case isDense:
			t.fill(first, count)
		default:
			t.step(c, first, count, v.most)
		}
	}
	if c.bad {
		return fmt.Errorf("%w: the tiles of a level are cut short", ErrCorrupt)
	}
	return nil
}

// fill has tiles that follow each other.
func (t *tiles) fill(first int64, count int) {
	t.numbers = slices.Grow(t.numbers, count)[:count]
	for i := range t.numbers {
		t.numbers[i] = first + int64(i)
	}
}

// step reads how many numbers there are from each tile to the next. All tiles are below most.
func (t *tiles) step(c *cursor, first int64, count int, most int64) {
	t.numbers = append(t.numbers, first)
	for range count - 1 {
		step := c.uvarint()
		if step == 0 || step >= uint64(most-first) {
			c.require(false)
			return
		}
		first += int64(step)
		t.numbers = append(t.numbers, first)
	}
}

// merge adds the columns of tiles that were read, each tile at its place in states. What is to be passed over goes to
// the place spare. It leaves the cursor behind the columns.
func (v *level) merge(c *cursor, states []aggregate.States, runs []aggregate.Run, spare int) (err error) {
	for _, part := range v.parts {
		if c.rest, err = aggregate.MergeColumn(states[part], runs, spare, c.rest); err != nil {
			return fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	return nil
}
