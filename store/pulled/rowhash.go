package pulled

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// rowHash stands for the values of a row, bit for bit. Two rows in 2^64 that differ share one.
type rowHash [16]byte

// hasher makes hashes of rows.
type hasher struct{ buffer []byte }

// of returns the hash of a row of a batch. Names and types of columns are not part of it: files of one generation have
// the same.
func (h *hasher) of(batch arrow.RecordBatch, row int) (rowHash, error) {
	h.buffer = h.buffer[:0]
	for i := range int(batch.NumCols()) {
		if err := h.add(batch.Column(i), row); err != nil {
			return rowHash{}, fmt.Errorf("column %s: %w", batch.ColumnName(i), err)
		}
	}
	sum := sha256.Sum256(h.buffer)
	return rowHash(sum[:16]), nil
}

// add appends a value in a form that no other sequence of values has: lengths come before texts and lists, and a byte
// before each value distinguishes nulls.
func (h *hasher) add(values arrow.Array, row int) error {
	if values.IsNull(row) {
		h.buffer = append(h.buffer, 0)
		return nil
	}
	h.buffer = append(h.buffer, 1)
	switch values := values.(type) {
	case *array.Boolean:
		h.buffer = append(h.buffer, map[bool]byte{true: 1}[values.Value(row)])
	case *array.Int16:
		h.integer(uint64(values.Value(row)))
	case *array.Int32:
		h.integer(uint64(values.Value(row)))
	case *array.Int64:
		h.integer(uint64(values.Value(row)))
	case *array.Float32:
		h.integer(uint64(math.Float32bits(values.Value(row))))
	case *array.Float64:
		h.integer(math.Float64bits(values.Value(row)))
	case *array.Date32:
		h.integer(uint64(values.Value(row)))
	case *array.Timestamp:
		h.integer(uint64(values.Value(row)))
	case *array.Decimal128:
		number := values.Value(row)
		h.integer(number.LowBits())
		h.integer(uint64(number.HighBits()))
	case *array.String:
		h.bytes([]byte(values.Value(row)))
	case *array.Binary:
		h.bytes(values.Value(row))
	case *array.List:
		begin, end := values.ValueOffsets(row)
		h.integer(uint64(end - begin))
		for i := begin; i < end; i++ {
			if err := h.add(values.ListValues(), int(i)); err != nil {
				return err
			}
		}
	default:
		return fmt.Errorf("values of type %s cannot be compared", values.DataType())
	}
	return nil
}

func (h *hasher) integer(value uint64) { h.buffer = binary.LittleEndian.AppendUint64(h.buffer, value) }

func (h *hasher) bytes(value []byte) {
	h.integer(uint64(len(value)))
	h.buffer = append(h.buffer, value...)
}
