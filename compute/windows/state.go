package windows

import (
	"encoding/binary"
	"fmt"
	"math"
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
//	         1 and the parts of all events up to the border, or 0 if there are none; only if its windows have no
//	         beginning
//	         how many tiles; for each its number, at first signed and then what it is more than the one before, and its
//	         parts
//
// Numbers are varints, signed ones zigzag, and times microseconds. Parts are as aggregate.States.Append writes them, in
// the order of the layout. Tiles without events are left out. The bytes are a function of the horizon and of the
// multiset of events (R20), and durable.
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

// tiles walks the tiles of a level that has a hop, which the cursor has to be at. For each it calls place, with the
// number of the tile, or with isBase for that of all events up to the border, which comes first. What place returns is
// where merge then adds the parts of the tile, which leaves them out of the cursor.
func (l *Layout) tiles(c *cursor, v *level, place func(tile int64, isBase bool) int,
	merge func(c *cursor, v *level, place int) error,
) error {
	if v.lifetime && c.flag() {
		if err := merge(c, v, place(0, true)); err != nil {
			return err
		}
	}
	tile := int64(0)
	for i := range c.count() {
		if i == 0 {
			tile = c.varint()
		} else {
			step := c.uvarint()
			c.require(step > 0)
			tile = int64(uint64(tile) + step)
		}
		// The bounds of the tile, in microseconds, have to be instants.
		c.require(tile > math.MinInt64/v.hop && tile < math.MaxInt64/v.hop)
		if c.bad {
			break
		}
		if err := merge(c, v, place(tile, false)); err != nil {
			return err
		}
	}
	if c.bad {
		return fmt.Errorf("%w: a tile is cut short", ErrCorrupt)
	}
	return nil
}
