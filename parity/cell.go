package parity

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// cell is one feature of one label row as one side reports it.
type cell struct {
	status plumbv1.Status
	// event means nothing if status is NOT_FOUND.
	event feature.Instant
	// value has the bits of the value, as the package value defines them. It is empty unless status is PRESENT. Two values
	// of a feature are the same iff their bits are, so that 0.0 is not -0.0 and a NaN is itself.
	value []byte
}

func (c cell) same(other cell) bool {
	return c.status == other.status && bytes.Equal(c.value, other.value) &&
		(c.event == other.event || c.status == plumbv1.Status_NOT_FOUND)
}

// found says whether there is a visible row.
func (c cell) found() bool {
	return c.status == plumbv1.Status_PRESENT || c.status == plumbv1.Status_NULL
}

// cells are those of one output, row by row, packed. A verification keeps a cell for each label row and output, and a
// slice for each value would take more memory than the values.
type cells struct {
	statuses []byte
	events   []feature.Instant
	ends     []int
	data     []byte
}

func (c *cells) len() int { return len(c.statuses) }

// add appends a cell without its value, whose bytes have been appended to data.
func (c *cells) add(status plumbv1.Status, event feature.Instant) {
	c.statuses, c.events, c.ends = append(c.statuses, byte(status)), append(c.events, event), append(c.ends, len(c.data))
}

func (c *cells) at(row int) cell {
	start := 0
	if row > 0 {
		start = c.ends[row-1]
	}
	return cell{plumbv1.Status(c.statuses[row]), c.events[row], c.data[start:c.ends[row]]}
}

// textOf writes a value of a type for people.
func textOf(t plumbv1.Type, bits []byte) string {
	read, err := value.FromBits(t, bits)
	if err != nil {
		return err.Error()
	}
	return shown(read)
}

// shown writes floats as documents do, and distinguishes NaNs, since their bits may be what differs.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case float32:
		if math.IsNaN(float64(v)) {
			return fmt.Sprintf("NaN (%08x)", math.Float32bits(v))
		}
		return fmt.Sprint(value.Float(v))
	case float64:
		if math.IsNaN(v) {
			return fmt.Sprintf("NaN (%016x)", math.Float64bits(v))
		}
		return fmt.Sprint(value.Float(v))
	case string:
		return strconv.Quote(v)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	case []any:
		elements := make([]string, len(v))
		for i, element := range v {
			elements[i] = shown(element)
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	return fmt.Sprint(v)
}
