package lookup

import (
	"fmt"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// output is one output of a look-up.
type output struct {
	name string
	// head is the field of the message with the name.
	head []byte
	// scalar is the type of its values, or of the elements of its arrays.
	scalar plumbv1.Type
	array  bool
	// use is the position of its use, and field that in reader.fields.
	use, field int
}

func newOutput(name string, t plumbv1.Type, use, field int) output {
	o := output{name: name, scalar: t, use: use, field: field, head: nameField(name)}
	if element, ok := value.ElementType(t); ok {
		o.scalar, o.array = element, true
	}
	return o
}

// column has the values of one output before they are encoded, the result of a look-up's second step. Its memory serves
// the next column. Of an output with the values [1, null], null and [] it has
//
//	statuses PRESENT, NULL, PRESENT
//	values   the packed bytes of [1, null], nil, those of []
//	lengths  2, 0, 0
//	elements the packed bytes of 1, nil
//	nulls    0, 1
type column struct {
	statuses []byte
	// values are the packed bytes of the values that are PRESENT, and nil for others.
	values [][]byte
	// events are the event times of the values, 0 for one that is NOT_FOUND; only if they are asked for.
	events []feature.Instant

	// lengths, elements and nulls are the arrays of all rows one after the other; a null element is nil and has a 1 among
	// the nulls. They are empty if the output has no arrays.
	lengths  []uint32
	elements [][]byte
	nulls    []byte
	anyNull  bool
}

// reset makes room for columns of the given number of rows.
func (c *column) reset(rows int) {
	c.values, c.statuses = resized(c.values, rows), resized(c.statuses, rows)
}

// take takes the values of an output from the rows that were found.
func (c *column) take(r *rows, o *output, events bool) error {
	found := r.of(o.use)
	if err := c.pick(r, o, found); err != nil {
		return err
	}
	if events {
		c.date(found)
	}
	scalars := c.values
	if o.array {
		if err := c.flatten(o.scalar); err != nil {
			return fmt.Errorf("output %q: %w", o.name, err)
		}
		scalars = c.elements
	}
	if err := checkScalars(o.scalar, scalars); err != nil {
		return fmt.Errorf("output %q: %w", o.name, err)
	}
	return nil
}

// pick determines the status of each value (R13), and records where those are that are PRESENT. A feature that its row
// was written without is NOT_FOUND.
func (c *column) pick(r *rows, o *output, found []foundRow) error {
	counts := &r.seen[o.use].Values
	for i := range found {
		row, status := &found[i], plumbv1.Status_NOT_FOUND
		c.values[i] = nil
		if row.reader != nil && row.reader.fields[o.field] != absent {
			raw, ok, err := row.reader.layout.Field(&row.Row, row.reader.fields[o.field])
			switch {
			case err != nil:
				return fmt.Errorf("feature view %q, row %d of the keys: output %q: %w", r.lookup.uses[o.use].view.Name, i+1,
					o.name, err)
			case row.expired:
				status = plumbv1.Status_EXPIRED
			case !ok:
				status = plumbv1.Status_NULL
			default:
				status, c.values[i] = plumbv1.Status_PRESENT, raw
			}
		}
		c.statuses[i] = byte(status)
		counts[status]++
	}
	return nil
}

// date records the event time of each value.
func (c *column) date(found []foundRow) {
	c.events = resized(c.events, len(found))
	for i := range found {
		c.events[i] = 0
		if c.statuses[i] != byte(plumbv1.Status_NOT_FOUND) {
			c.events[i] = found[i].Event
		}
	}
}

// flatten puts the elements of all arrays one after the other.
func (c *column) flatten(element plumbv1.Type) error {
	c.lengths = resized(c.lengths, len(c.values))
	c.elements, c.nulls, c.anyNull = c.elements[:0], c.nulls[:0], false
	for i, raw := range c.values {
		c.lengths[i] = 0
		if raw == nil {
			continue
		}
		array, err := packed.ParseArray(raw, packed.Width(element))
		if err != nil {
			return err
		}
		c.lengths[i] = uint32(array.Count)
		for j := range array.Count {
			each, ok, err := array.At(j)
			if err != nil {
				return err
			}
			flag := byte(0)
			if !ok {
				flag, c.anyNull = 1, true
			}
			c.elements, c.nulls = append(c.elements, each), append(c.nulls, flag)
		}
	}
	return nil
}

// checkScalars refuses bytes that are no value of their type. Types that it does not name have no such bytes.
func checkScalars(t plumbv1.Type, raws [][]byte) error {
	switch t {
	case plumbv1.Type_STRING:
		for _, raw := range raws {
			if !utf8.Valid(raw) {
				return fmt.Errorf("%w: a STRING is not UTF-8", packed.ErrCorrupt)
			}
		}
	case plumbv1.Type_BOOL:
		for _, raw := range raws {
			if raw != nil && raw[0] > 1 {
				return fmt.Errorf("%w: a BOOL is %d", packed.ErrCorrupt, raw[0])
			}
		}
	}
	return nil
}

// release forgets the bytes of stored rows.
func (c *column) release() {
	clear(c.values)
	clear(c.elements)
}
