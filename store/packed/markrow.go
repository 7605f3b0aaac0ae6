package packed

import (
	"encoding/binary"

	"github.com/plumbstore/plumb/feature"
)

// NewMark returns a packed row without features whose version is a number, for a mark of a table (online.Marks). The
// version begins far in the past, so no mark is ever ahead of a clock (R15).
func NewMark(number int64, origin Origin) []byte {
	header := NewHeader(markTime(number), nil, 0, origin)
	return header.Append(nil)
}

// MarkNumber returns the number of a mark, or 0 if the value is missing or is not a mark. If the value holds several
// marks, it returns the greatest number.
func MarkNumber(value []byte) int64 {
	rows, err := Rows(value)
	if err != nil {
		return 0
	}
	row, err := Parse(rows[0])
	if err != nil || row.created != nullCreated || row.SchemaID != 0 || row.shape != 0 || len(row.body) > 0 {
		return 0
	}
	return max(int64(binary.BigEndian.Uint64(value)), 0)
}

// markTime is the event time whose bytes are those of the number.
func markTime(number int64) feature.Instant { return feature.Instant(uint64(number) ^ 1<<63) }
