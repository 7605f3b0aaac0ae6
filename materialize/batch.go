package materialize

import (
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// batchBytes is the size at which a batch is written even if it has few rows.
const batchBytes = 4 << 20

// batch collects packed rows, their bytes back to back in one arena that is used again for the next batch.
//
// An arena moves as it grows, so the rows are sliced out of it only once the batch is full (cut). No slice has room
// behind its end: a store that appends to a key cannot write over the value that follows.
type batch struct {
	arena []byte
	// ends has two entries for each row: where its key ends in the arena, and where its value does.
	ends []int
	rows []online.Row
	// tiles are in the rows that are states.
	tiles int64
}

func (b *batch) reset() {
	b.arena, b.ends, b.tiles = b.arena[:0], b.ends[:0], 0
}

func (b *batch) len() int { return len(b.ends) / 2 }

// add appends the row that keys and values, bound to the current record batch, have at a position. If that fails, the
// batch is as it was.
func (b *batch) add(keys *packed.KeyEncoder, values *packed.RowEncoder, row int) error {
	withKey := keys.AppendKey(b.arena, row)
	withValue, err := values.AppendRow(withKey, row)
	if err != nil {
		return err
	}
	b.arena, b.ends = withValue, append(b.ends, len(withKey), len(withValue))
	return nil
}

// addState appends the row of a state, which has so many tiles, under a key. If that fails, the batch is as it was.
func (b *batch) addState(key []byte, header packed.Header, state []byte, tiles int) error {
	before := len(b.arena)
	b.arena = append(b.arena, key...)
	keyEnd := len(b.arena)
	withValue, err := header.AppendState(b.arena, state)
	if err != nil {
		b.arena = b.arena[:before]
		return err
	}
	b.arena, b.ends = withValue, append(b.ends, keyEnd, len(withValue))
	b.tiles += int64(tiles)
	return nil
}

// cut returns the rows. They are valid until reset.
func (b *batch) cut() []online.Row {
	b.rows = b.rows[:0]
	start := 0
	for i := 0; i < len(b.ends); i += 2 {
		key, value := b.ends[i], b.ends[i+1]
		b.rows = append(b.rows, online.Row{Key: b.arena[start:key:key], Value: b.arena[key:value:value]})
		start = value
	}
	return b.rows
}
