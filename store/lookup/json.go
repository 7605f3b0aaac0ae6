package lookup

import (
	"fmt"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// statusMembers are what comes after a value in JSON, by its status.
var statusMembers = func() (members [statusCount][]byte) {
	for status := range members {
		members[status] = fmt.Appendf(nil, `,"status":%q`, plumbv1.Status(status))
	}
	return members
}()

// AppendJSON appends the values of a row as a JSON object, which is the other result of a look-up's third step. Like
// the message, it is written from the columns:
//
//	{"price":{"value":12.5,"status":"PRESENT","event_timestamp":"2024-05-01T09:30:00Z"}}
//
// It allocates nothing if there is room in dst.
func (r *Reply) AppendJSON(dst []byte, row int) ([]byte, error) {
	last := dated{}
	dst = append(dst, '{')
	for i := range r.columns.asked(&r.rows) {
		o, c := &r.rows.lookup.outputs[i], &r.columns.all[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, o.inJSON...)
		var ok bool
		if dst, ok = c.appendValue(dst, o, row); !ok {
			return nil, fmt.Errorf("output %q, row %d: the value cannot be written as JSON", o.name, row+1)
		}
		dst = append(dst, statusMembers[c.statuses[row]]...)
		if c.events != nil {
			dst = append(dst, `,"event_timestamp":`...)
			if c.statuses[row] == byte(plumbv1.Status_NOT_FOUND) {
				dst = append(dst, "null"...)
			} else {
				dst = last.append(dst, c.events[row])
			}
		}
		dst = append(dst, '}')
	}
	return append(dst, '}'), nil
}

// appendValue appends null unless the value is PRESENT. It returns false for bytes that are not a value, which the
// second step has refused.
func (c *column) appendValue(dst []byte, o *output, row int) ([]byte, bool) {
	switch {
	case c.statuses[row] != byte(plumbv1.Status_PRESENT):
		return append(dst, "null"...), true
	case !o.array:
		return value.AppendBitsJSON(dst, o.scalar, c.values[row], printable.AppendJSON)
	}
	dst = append(dst, '[')
	from, to := c.bounds(row)
	for i := from; i < to; i++ {
		if i > from {
			dst = append(dst, ',')
		}
		if c.nulls[i] != 0 {
			dst = append(dst, "null"...)
			continue
		}
		var ok bool
		if dst, ok = value.AppendBitsJSON(dst, o.scalar, c.elements[i], printable.AppendJSON); !ok {
			return dst, false
		}
	}
	return append(dst, ']'), true
}

// dated is the last event time that was written, and where its text is. The outputs of one view have the same event
// time, and copying the text takes a tenth of the time of formatting it.
type dated struct {
	event    feature.Instant
	from, to int
}

func (d *dated) append(dst []byte, event feature.Instant) []byte {
	if d.to > 0 && event == d.event {
		return append(dst, dst[d.from:d.to]...)
	}
	from := len(dst)
	dst = value.AppendInstant(dst, event)
	*d = dated{event, from, len(dst)}
	return dst
}
