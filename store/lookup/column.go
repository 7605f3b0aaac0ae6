package lookup

import (
	"fmt"
	"unicode/utf8"

	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/printable"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/packed"
)

// output is one output of a look-up.
type output struct {
	name string
	// inWire is the field of the message with the name, inJSON what comes before a value: `"name":{"value":`.
	inWire, inJSON []byte
	// scalar is the type of its values, or of the elements of its arrays.
	scalar plumbv1.Type
	array  bool
	// use is the position of its use, and field that in reader.fields. Both are absent if it is computed.
	use, field int
}

func newOutput(name string, t plumbv1.Type, use, field int) output {
	o := output{name: name, scalar: t, use: use, field: field, inWire: nameField(name), inJSON: nameMember(name)}
	if element, ok := value.ElementType(t); ok {
		o.scalar, o.array = element, true
	}
	return o
}

func nameMember(name string) []byte { return append(printable.AppendJSON(nil, name), `:{"value":`...) }

// columns are the values of all outputs before they are encoded, the result of a look-up's second step. Their memory
// serves the next look-up.
type columns struct {
	all []column
	// statuses, values and events are those of all columns, one column after the other.
	statuses []byte
	values   [][]byte
	events   []feature.Instant
	// evaluations are what computed outputs are in.
	evaluations []*expression.Evaluation
}

// column has the values of one output. Of an output with the values [1, null], null and [] it has
//
//	statuses PRESENT, NULL, PRESENT
//	values   the packed bytes of [1, null], nil, those of []
//	ends     2, 2, 2
//	elements the packed bytes of 1, nil
//	nulls    0, 1
type column struct {
	statuses []byte
	// values are the packed bytes of the values that are PRESENT, and nil for others.
	values [][]byte
	// events are the event times of the values, 0 for one that is NOT_FOUND; nil unless they are asked for.
	events []feature.Instant

	// elements and nulls are the arrays of all rows one after the other, and ends say where those of each row end; a null
	// element is nil and has a 1 among the nulls. They are empty if the output has no arrays.
	ends     []uint32
	elements [][]byte
	nulls    []byte
	anyNull  bool

	// bits are the bytes of computed values.
	bits []byte
}

// take takes the values of all outputs from the rows that were found.
func (c *columns) take(r *rows, events bool) error {
	outputs := r.lookup.outputs
	size := len(outputs) * r.count
	c.all = resized(c.all, len(outputs))
	c.statuses, c.values = resized(c.statuses, size), resized(c.values, size)
	if events {
		c.events = resized(c.events, size)
	}
	for i := range outputs {
		each, from, to := &c.all[i], i*r.count, (i+1)*r.count
		each.statuses, each.values, each.events = c.statuses[from:to], c.values[from:to], nil
		if events {
			each.events = c.events[from:to]
		}
		if outputs[i].use == absent {
			continue
		}
		if err := each.take(r, &outputs[i], i < r.lookup.asked); err != nil {
			return err
		}
	}
	for i := range r.lookup.computations {
		c.compute(r, i)
	}
	return nil
}

// asked are the columns that the request asked for.
func (c *columns) asked(r *rows) []column { return c.all[:r.lookup.asked] }

// end ends the evaluations.
func (c *columns) end() {
	for i, e := range c.evaluations {
		e.Release()
		c.evaluations[i] = nil
	}
	c.evaluations = c.evaluations[:0]
}

// take takes the values of an output, and counts them if they were asked for.
func (c *column) take(r *rows, o *output, asked bool) error {
	found := r.of(o.use)
	isComputed := r.states[o.use] != nil
	if isComputed {
		c.takeWindow(r, o)
	} else if err := c.pick(r, o, found); err != nil {
		return err
	}
	if asked {
		counts := &r.seen[o.use].Values
		for _, status := range c.statuses {
			counts[status]++
		}
	}
	c.date(found)
	scalars := c.values
	if o.array {
		if isComputed { // Its elements are where they belong.
			return nil
		}
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
	}
	return nil
}

// date records the event time of each value, if they are asked for.
func (c *column) date(found []foundRow) {
	for i := range c.events {
		c.events[i] = 0
		if c.statuses[i] != byte(plumbv1.Status_NOT_FOUND) {
			c.events[i] = found[i].Event
		}
	}
}

// flatten puts the elements of all arrays one after the other.
func (c *column) flatten(element plumbv1.Type) error {
	c.ends = resized(c.ends, len(c.values))
	c.elements, c.nulls, c.anyNull = c.elements[:0], c.nulls[:0], false
	for i, raw := range c.values {
		if raw != nil {
			if err := c.split(element, raw); err != nil {
				return err
			}
		}
		c.ends[i] = uint32(len(c.elements))
	}
	return nil
}

// split appends the elements of an array.
func (c *column) split(element plumbv1.Type, raw []byte) error {
	array, err := packed.ParseArray(raw, packed.Width(element))
	if err != nil {
		return err
	}
	for i := range array.Count {
		each, ok, err := array.At(i)
		if err != nil {
			return err
		}
		flag := byte(0)
		if !ok {
			flag, c.anyNull = 1, true
		}
		c.elements, c.nulls = append(c.elements, each), append(c.nulls, flag)
	}
	return nil
}

// bounds are those of the elements of a row.
func (c *column) bounds(row int) (from, to uint32) {
	if row > 0 {
		from = c.ends[row-1]
	}
	return from, c.ends[row]
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
func (c *columns) release() {
	clear(c.values)
	for i := range c.all {
		each := &c.all[i]
		clear(each.elements)
		each.statuses, each.values, each.events = nil, nil, nil
	}
}

// size is the number of values that there is room for, and of elements of arrays.
func (c *columns) size() int {
	size := cap(c.values)
	for i := range c.all {
		size += cap(c.all[i].elements) + cap(c.all[i].bits)
	}
	return size
}
