package windows

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
)

// ErrNotMergeable says that a state cannot be continued, although it may be looked up: all events have to be read
// again.
var ErrNotMergeable = errors.New("the stored state cannot be continued; all events have to be read again")

// Builder makes the state of one key after the other:
//
//	b.Begin(horizon)
//	b.Merge(stored, before)  // if there is a state that is to be continued
//	b.Add(events, row)       // for each event, by time
//	state, err := b.Append(nil)
//
// A state that continues another has the same bytes as one of all events at once.
type Builder struct {
	layout  *Layout
	horizon Horizon
	// states has the places of all tiles, for each part. Of a place only the parts of its level are in use.
	states []aggregate.States
	// places are in use, of grown that there are. Place 0 takes what is read and not needed.
	places, grown int
	levels        []tileList
	latest        int64
	// before is what events have to be later than to be added, and needed the time of an event that has to be among them.
	before, needed int64
	newest         int64
	raws           []rawEvent
	rawBytes       []byte
	events         *aggregate.Events
	// read are the tiles of a level of the state that is continued, and runs where they go.
	read tiles
	runs []aggregate.Run
	// written are the places of the tiles that are being written.
	written []int
}

// tileList has the tiles of a level in ascending order.
type tileList struct {
	// base is the place of all events up to the border; 0 if there are none.
	base  int
	tiles []placedTile
}

type placedTile struct {
	number int64
	place  int
}

// rawEvent is an event that is kept alone; its bytes are in Builder.rawBytes.
type rawEvent struct {
	time     int64
	from, to int
}

// NewBuilder returns a builder, which belongs to one goroutine.
func NewBuilder(l *Layout) *Builder {
	b := &Builder{layout: l, states: make([]aggregate.States, len(l.parts)), levels: make([]tileList, len(l.levels)),
		events: l.newEvents()}
	for i, part := range l.parts {
		b.states[i] = aggregate.NewStates(part)
	}
	return b
}

// Begin begins the state of another key.
func (b *Builder) Begin(h Horizon) {
	b.horizon, b.places, b.latest = h, 0, none
	b.before, b.needed, b.newest = math.MinInt64, none, none
	for i := range b.levels {
		b.levels[i] = tileList{tiles: b.levels[i].tiles[:0]}
	}
	b.raws, b.rawBytes = b.raws[:0], b.rawBytes[:0]
	b.place(nil)
}

// place returns a place that is empty in the parts of a level.
func (b *Builder) place(parts []int) int {
	at := b.places
	b.places++
	if b.places > b.grown {
		b.grown = max(2*b.grown, 16)
		for _, states := range b.states {
			states.Grow(b.grown)
		}
	}
	for _, part := range parts {
		b.states[part].Reset(at)
	}
	return at
}

// Through is up to when a state is complete.
func (l *Layout) Through(state []byte) (int64, error) {
	h, _, err := l.readHeader(state)
	return h.Through, err
}

// Boundary is where a state can be cut that is complete through an instant: later events are read again, since they may
// have come late or lie among those that are kept one by one.
func (l *Layout) Boundary(through, skew, lookback int64) int64 {
	return l.Horizon(through, skew, lookback).Border
}

// Merge takes over what a state has of the events up to an instant, which is a Boundary: later ones are to be added
// again, through the end of the horizon. latest is the latest instant that the state may be cut at, also a Boundary; if
// it was cut later already, it cannot be continued. Events that the state has and that were to be added are left out by
// Add.
//
// It returns an error that wraps ErrNotMergeable, or one for bytes that are no state of the layout.
func (b *Builder) Merge(state []byte, before, latest int64) error {
	l := b.layout
	h, c, err := l.readHeader(state)
	if err != nil {
		return err
	}
	if l.hasLifetime() {
		if h.Border > latest {
			return fmt.Errorf("%w: events up to its border are together already", ErrNotMergeable)
		}
		before = max(before, h.Border)
	}
	b.before = before
	if h.latest > before {
		b.needed = h.latest
	} else {
		b.sawCounted(h.latest)
	}
	folded, err := b.mergeRaws(&c, h)
	if err != nil {
		return err
	}
	for i := range l.levels {
		if err := b.mergeLevel(&c, i); err != nil {
			return err
		}
	}
	if c.bad || len(c.rest) > 0 {
		return fmt.Errorf("%w: it is cut short, or goes on behind its end", ErrCorrupt)
	}
	// They come after the tiles, since they are later.
	for row := range folded {
		b.count(b.events, row)
	}
	return nil
}

// mergeRaws reads the events that are kept one by one. Those that are not added again are in b.events.
func (b *Builder) mergeRaws(c *cursor, h header) (folded int, err error) {
	b.layout.resetEvents(b.events)
	time := h.Raw
	for range c.count() {
		time = c.after(time)
		b.layout.readRaw(c, b.events, time)
		if time <= b.before {
			folded = len(b.events.Times)
		} else {
			b.needed = max(b.needed, time)
		}
	}
	if c.bad {
		return 0, fmt.Errorf("%w: an event is cut short", ErrCorrupt)
	}
	return folded, nil
}

func (b *Builder) mergeLevel(c *cursor, at int) error {
	v, list := &b.layout.levels[at], &b.levels[at]
	if v.hop == 0 {
		return nil
	}
	if err := b.read.read(c, v); err != nil {
		return err
	}
	b.runs = b.runs[:0]
	if b.read.hasBase {
		b.runs = append(b.runs, aggregate.Run{Place: b.base(v, list), Count: 1})
	}
	for _, tile := range b.read.numbers {
		b.runs = append(b.runs, aggregate.Run{Place: b.mergedPlace(v, list, tile), Count: 1})
	}
	return v.merge(c, b.states, b.runs, 0)
}

// mergedPlace is the place of a tile of the state that is continued.
func (b *Builder) mergedPlace(v *level, list *tileList, tile int64) int {
	if tile*v.hop >= b.before {
		return 0
	}
	return b.tile(v, list, tile)
}

func (b *Builder) base(v *level, list *tileList) int {
	if list.base == 0 {
		list.base = b.place(v.parts)
	}
	return list.base
}

// tile returns the place of a tile that is not before the last one, and 0 if no window can see it.
func (b *Builder) tile(v *level, list *tileList, number int64) int {
	if v.lifetime && (number+1)*v.hop <= b.horizon.Border {
		return b.base(v, list)
	}
	if number*v.hop < b.layout.start(v, b.horizon.Floor) {
		return 0
	}
	if last := len(list.tiles) - 1; last >= 0 && list.tiles[last].number == number {
		return list.tiles[last].place
	}
	place := b.place(v.parts)
	list.tiles = append(list.tiles, placedTile{number, place})
	return place
}

// Add adds an event up to the end of the horizon. Events ascend by time. Those of one time come in any order.
func (b *Builder) Add(events *aggregate.Events, row int) {
	time := events.Times[row]
	if time <= b.before {
		return
	}
	b.newest = max(b.newest, time)
	if time <= b.horizon.Raw {
		b.count(events, row)
		return
	}
	from := len(b.rawBytes)
	b.rawBytes = b.layout.appendRaw(b.rawBytes, events, row)
	b.raws = append(b.raws, rawEvent{time, from, len(b.rawBytes)})
}

// count adds an event to the tiles.
func (b *Builder) count(events *aggregate.Events, row int) {
	time := events.Times[row]
	b.sawCounted(time)
	for i := range b.layout.levels {
		v := &b.layout.levels[i]
		if v.hop == 0 {
			continue
		}
		if place := b.tile(v, &b.levels[i], tileOf(time, v.hop)); place > 0 {
			for _, part := range v.parts {
				b.states[part].Add(place, events, row)
			}
		}
	}
}

func (b *Builder) sawCounted(time int64) { b.latest = max(b.latest, time) }

// Append appends the state, which shows nothing if no event can count at the floor or later. An error that wraps
// ErrNotMergeable says that the state that was merged had an event which was not added again, so that the source has
// lost it.
func (b *Builder) Append(dst []byte) ([]byte, error) {
	start, _ := b.layout.Start(b.horizon)
	if b.newest < b.needed && b.needed > start {
		return dst, fmt.Errorf("%w: the source lacks an event that it had", ErrNotMergeable)
	}
	h := header{b.horizon, b.latest}
	if h.latest <= start {
		h.latest = none
	}
	dst = b.appendRaws(b.layout.appendHeader(dst, h))
	for i := range b.levels {
		if v := &b.layout.levels[i]; v.hop > 0 {
			dst = b.appendLevel(dst, v, &b.levels[i])
		}
	}
	return dst, nil
}

// Tiles is the number of tiles in the state that Append appends.
func (b *Builder) Tiles() int {
	count := 0
	for i := range b.levels {
		count += len(b.levels[i].tiles)
		if b.levels[i].base > 0 {
			count++
		}
	}
	return count
}

func (b *Builder) appendRaws(dst []byte) []byte {
	slices.SortFunc(b.raws, func(x, y rawEvent) int {
		if c := cmp.Compare(x.time, y.time); c != 0 {
			return c
		}
		return bytes.Compare(b.rawBytes[x.from:x.to], b.rawBytes[y.from:y.to])
	})
	dst = binary.AppendUvarint(dst, uint64(len(b.raws)))
	last := b.horizon.Raw
	for _, raw := range b.raws {
		dst = appendDistance(dst, last, raw.time)
		dst = append(dst, b.rawBytes[raw.from:raw.to]...)
		last = raw.time
	}
	return dst
}

func (b *Builder) appendLevel(dst []byte, v *level, list *tileList) []byte {
	b.written = b.written[:0]
	if v.lifetime {
		if list.base == 0 {
			dst = append(dst, 0)
		} else {
			dst, b.written = append(dst, 1), append(b.written, list.base)
		}
	}
	dst = appendNumbers(dst, list.tiles)
	for _, tile := range list.tiles {
		b.written = append(b.written, tile.place)
	}
	for _, part := range v.parts {
		dst = aggregate.AppendColumn(dst, b.states[part], b.written)
	}
	return dst
}

// appendNumbers appends how many tiles there are, and their numbers.
func appendNumbers(dst []byte, tiles []placedTile) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(tiles)))
	if len(tiles) == 0 {
		return dst
	}
	first, last := tiles[0].number, tiles[len(tiles)-1].number
	dst = binary.AppendVarint(dst, first)
	if uint64(last)-uint64(first) == uint64(len(tiles)-1) {
		return append(dst, 1)
	}
	dst = append(dst, 0)
	for i := range tiles[1:] {
		dst = appendDistance(dst, tiles[i].number, tiles[i+1].number)
	}
	return dst
}
