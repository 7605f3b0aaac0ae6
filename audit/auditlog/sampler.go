package auditlog

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Sampler decides which rows are logged. It decides by the row's keys, so that an entity is logged always or never, by
// every process alike. It is immutable and safe for concurrent use.
type Sampler struct {
	// below is the bound of the hashes of what is logged. Hashes are uniform, so a rate of 0.1 logs the entities whose
	// hash lies in the lowest tenth. A higher rate logs all of these, and more.
	below uint64
	all   bool
}

// NewSampler logs a share of all entities, from 0 to 1.
func NewSampler(rate float64) Sampler {
	if rate >= 1 {
		return Sampler{all: true}
	}
	const hashes = 1 << 64
	return Sampler{below: uint64(max(rate, 0) * hashes)}
}

// Sample returns the places of the rows to log, ascending. The keys are those of a look-up that was answered. One
// without keys asks for the one entity there is, which would be logged always or never; such look-ups are chosen by
// turn, which the caller counts.
func (s Sampler) Sample(layout *Layout, keys []*plumbv1.KeyColumn, rows int, turn uint64) []int32 {
	if s.all {
		return places(rows)
	}
	var space [128]byte
	if len(layout.header.Keys) == 0 {
		if xxhash.Sum64(binary.BigEndian.AppendUint64(space[:0], turn)) < s.below {
			return places(rows)
		}
		return nil
	}
	var picked []int32
	for row := range rows {
		key := space[:0]
		for i := range layout.header.Keys {
			key = appendNamed(key, layout.header.Keys[i].Name, keys, row)
		}
		if xxhash.Sum64(key) < s.below {
			picked = append(picked, int32(row))
		}
	}
	return picked
}

func places(rows int) []int32 {
	all := make([]int32, rows)
	for i := range all {
		all[i] = int32(i)
	}
	return all
}

func appendNamed(dst []byte, name string, keys []*plumbv1.KeyColumn, row int) []byte {
	for _, key := range keys {
		if key.GetName() != name {
			continue
		}
		if nulls := key.GetNulls(); len(nulls) > 0 && nulls[row] != 0 {
			return append(dst, 0)
		}
		return appendKey(append(dst, 1), key.GetValues(), row)
	}
	return dst
}

// appendKey appends bytes that differ between values of one type, whatever follows: a text follows its length. The
// look-up was answered, so each key has a value in the row.
func appendKey(dst []byte, values *plumbv1.Values, row int) []byte {
	column := value.ReadWire(values)
	if text, ok := column.Text(row); ok {
		return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
	}
	key, err := column.AppendBits(dst, row)
	if err != nil {
		return dst
	}
	return key
}
