package packed

import (
	"encoding/binary"
	"math"
)

// NewMark returns a packed row without features whose version is a number, for a mark of a table (online.Marks). The
// version begins far in the past, so no mark is ever ahead of a clock (R15).
func NewMark(number int64, origin Origin) []byte {
	value := binary.BigEndian.AppendUint64(make([]byte, 0, rowHeaderSize), uint64(number))
	value = append(appendInstant(value, math.MinInt64), rowFormat, 0, 0, 0, 0)
	return binary.BigEndian.AppendUint64(value, uint64(origin))
}

// MarkNumber returns the number of a mark; 0 if there is no value, or one that is not a mark.
func MarkNumber(value []byte) int64 {
	if len(value) != rowHeaderSize {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}
