package windows

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// An event that is kept alone is these bytes after its time:
//
//	created  0 if there is no created time, or else 1 and the distance from the event time, as a signed number
//	states   0 if all columns have a value, or else 1 and a byte for each column: its expression.State
//	values   those that are there: BOOL a byte; INT32, INT64 and TIMESTAMP a signed number; FLOAT32 and FLOAT64 their
//	         bits, little-endian; STRING and BYTES the length and the bytes. Of an array nothing is kept but that it
//	         is there, since no function reads its elements
//
// Numbers are varints, signed ones zigzag. Events of the same time and values have the same bytes.

// appendRaw appends what follows the time of an event.
func (l *Layout) appendRaw(dst []byte, events *aggregate.Events, row int) []byte {
	if created := events.Created[row]; created == aggregate.NoCreated {
		dst = append(dst, 0)
	} else {
		dst = binary.AppendVarint(append(dst, 1), created-events.Times[row])
	}
	dst = l.appendRawStates(dst, events, row)
	for _, at := range l.kept {
		if column := events.Columns[at]; column.States[row] == expression.Present {
			dst = appendValue(dst, l.types[at], column, row)
		}
	}
	return dst
}

func (l *Layout) appendRawStates(dst []byte, events *aggregate.Events, row int) []byte {
	all := expression.Present
	for _, at := range l.kept {
		all |= events.Columns[at].States[row]
	}
	if all == expression.Present {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	for _, at := range l.kept {
		dst = append(dst, byte(events.Columns[at].States[row]))
	}
	return dst
}

func appendValue(dst []byte, t plumbv1.Type, from *expression.Column, row int) []byte {
	switch t {
	case plumbv1.Type_BOOL:
		if from.Bools[row] {
			return append(dst, 1)
		}
		return append(dst, 0)
	case plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_TIMESTAMP:
		return binary.AppendVarint(dst, from.Ints[row])
	case plumbv1.Type_FLOAT32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(float32(from.Floats[row])))
	case plumbv1.Type_FLOAT64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(from.Floats[row]))
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		dst = binary.AppendUvarint(dst, uint64(len(from.Texts[row])))
		return append(dst, from.Texts[row]...)
	}
	return dst
}

// newEvents are events of the columns that a layout keeps, without any yet.
func (l *Layout) newEvents() *aggregate.Events {
	events := &aggregate.Events{Columns: make([]*expression.Column, len(l.types))}
	for _, at := range l.kept {
		events.Columns[at] = &expression.Column{Type: l.types[at]}
	}
	return events
}

// resetEvents takes all events out.
func (l *Layout) resetEvents(events *aggregate.Events) {
	events.Times, events.Created = events.Times[:0], events.Created[:0]
	for _, at := range l.kept {
		c := events.Columns[at]
		c.States, c.Bools, c.Ints, c.Floats, c.Texts = c.States[:0], c.Bools[:0], c.Ints[:0], c.Floats[:0], c.Texts[:0]
	}
}

// readRaw appends an event that appendRaw has written. Texts refer to the cursor's bytes.
func (l *Layout) readRaw(c *cursor, events *aggregate.Events, time int64) {
	created := int64(aggregate.NoCreated)
	if c.flag() {
		created = time + c.varint()
	}
	events.Times, events.Created = append(events.Times, time), append(events.Created, created)
	states := []byte(nil)
	if c.flag() {
		states = c.take(uint64(len(l.kept)))
	}
	for i, at := range l.kept {
		column, state := events.Columns[at], expression.Present
		if states != nil {
			state = expression.State(states[i])
			c.require(state <= expression.Invalid)
		}
		column.States = append(column.States, state)
		readValue(c, l.types[at], column, state == expression.Present)
	}
}

// readValue appends a value, or any if there is none.
func readValue(c *cursor, t plumbv1.Type, to *expression.Column, isThere bool) {
	switch t {
	case plumbv1.Type_BOOL:
		to.Bools = append(to.Bools, isThere && c.flag())
	case plumbv1.Type_INT32, plumbv1.Type_INT64, plumbv1.Type_TIMESTAMP:
		number := int64(0)
		if isThere {
			number = c.varint()
			c.require(t != plumbv1.Type_INT32 || number == int64(int32(number)))
		}
		to.Ints = append(to.Ints, number)
	case plumbv1.Type_FLOAT32, plumbv1.Type_FLOAT64:
		to.Floats = append(to.Floats, readFloat(c, t, isThere))
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		text := ""
		if isThere {
			raw := c.take(c.uvarint())
			text = unsafe.String(unsafe.SliceData(raw), len(raw))
		}
		to.Texts = append(to.Texts, text)
	}
}

func readFloat(c *cursor, t plumbv1.Type, isThere bool) float64 {
	if !isThere {
		return 0
	}
	if t == plumbv1.Type_FLOAT32 {
		if raw := c.take(4); raw != nil {
			return float64(math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
		return 0
	}
	if raw := c.take(8); raw != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(raw))
	}
	return 0
}
