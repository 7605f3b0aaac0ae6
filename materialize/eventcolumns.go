package materialize

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// eventReader takes the events that aggregates count from record batches of rows, as offline.Store.Events hands them
// out.
type eventReader struct {
	view *feature.Aggregated
	// keys is the number of key columns; event and created times follow, and then the columns that are read.
	keys int
	// read are the columns that are read, and events the columns that aggregates refer to.
	read   []*expression.Column
	events aggregate.Events
	// counts says of each row whether it is an event: the filter leaves others out.
	counts []bool
}

func newEventReader(view *feature.View) *eventReader {
	r := &eventReader{view: view.Aggregated, keys: len(view.Keys)}
	for _, f := range r.view.Events.Features {
		r.read = append(r.read, newColumn(f.Type))
	}
	r.events.Columns = make([]*expression.Column, len(r.view.Columns))
	for i, column := range r.view.Columns {
		if column.Computed {
			r.events.Columns[i] = newColumn(column.Type)
		} else {
			r.events.Columns[i] = r.read[column.At]
		}
	}
	return r
}

func newColumn(t plumbv1.Type) *expression.Column {
	column := &expression.Column{Type: t}
	if t >= plumbv1.Type_BOOL_ARRAY {
		column.Elements = newColumn(t - plumbv1.Type_BOOL_ARRAY + plumbv1.Type_BOOL)
	}
	return column
}

// bind reads a record batch. r.events and r.counts have a row for each of its rows, until the next call.
func (r *eventReader) bind(record arrow.RecordBatch) error {
	columns := record.Columns()
	events, ok := columns[r.keys].(*array.Int64)
	created, okToo := columns[r.keys+1].(*array.Int64)
	if !ok || !okToo {
		return fmt.Errorf("event and created times are %s and %s where int64 is wanted", columns[r.keys].DataType(),
			columns[r.keys+1].DataType())
	}
	r.events.Times = append(r.events.Times[:0], events.Int64Values()...)
	r.events.Created = append(r.events.Created[:0], created.Int64Values()...)
	for row := range r.events.Created {
		if created.IsNull(row) {
			r.events.Created[row] = aggregate.NoCreated
		}
	}
	for i, column := range r.read {
		truncate(column)
		if err := appendArrow(column, columns[r.keys+2+i], 0, int(record.NumRows())); err != nil {
			return fmt.Errorf("column %q: %w", record.ColumnName(r.keys+2+i), err)
		}
	}
	r.compute(int(record.NumRows()))
	r.filter(int(record.NumRows()))
	return nil
}

// compute evaluates what is computed of the columns that were read.
func (r *eventReader) compute(rows int) {
	if r.view.Program == nil {
		return
	}
	e := r.view.Program.Begin(rows)
	defer e.Release()
	for _, input := range r.view.Inputs {
		appendRows(emptied(e.Input(input.Input)), r.read[input.Feature])
	}
	e.Run()
	for i, column := range r.view.Columns {
		if column.Computed {
			appendRows(emptied(r.events.Columns[i]), e.Output(column.At))
		}
	}
}

// filter says which rows are events. One whose filter is null is none. If the filter has no value at all, the event
// counts and none of its columns has a value (R26).
func (r *eventReader) filter(rows int) {
	r.counts = resized(r.counts, rows)
	if r.view.Filter == aggregate.None {
		for row := range r.counts {
			r.counts[row] = true
		}
		return
	}
	outcome := r.events.Columns[r.view.Filter]
	for row, state := range outcome.States {
		r.counts[row] = state == expression.Invalid || state == expression.Present && outcome.Bools[row]
		if state == expression.Invalid {
			r.invalidate(row)
		}
	}
}

// invalidate takes the values of an event away.
func (r *eventReader) invalidate(row int) {
	for i, column := range r.events.Columns {
		if i != r.view.Filter {
			column.States[row] = expression.Invalid
		}
	}
}

func resized[T any](slice []T, size int) []T {
	if cap(slice) < size {
		return make([]T, size)
	}
	return slice[:size]
}

func truncate(c *expression.Column) {
	c.States, c.Bools, c.Ints = c.States[:0], c.Bools[:0], c.Ints[:0]
	c.Floats, c.Texts, c.Ends = c.Floats[:0], c.Texts[:0], c.Ends[:0]
	if c.Elements != nil {
		truncate(c.Elements)
	}
}

func emptied(c *expression.Column) *expression.Column {
	truncate(c)
	return c
}

// appendRows appends all rows of a column of the same type. The texts are copies.
func appendRows(to, from *expression.Column) {
	to.States = append(to.States, from.States...)
	to.Bools, to.Ints = append(to.Bools, from.Bools...), append(to.Ints, from.Ints...)
	to.Floats, to.Ends = append(to.Floats, from.Floats...), append(to.Ends, from.Ends...)
	for _, text := range from.Texts {
		to.Texts = append(to.Texts, strings.Clone(text))
	}
	if to.Elements != nil {
		appendRows(to.Elements, from.Elements)
	}
}

// appendArrow appends rows of an Arrow column of the column's type. A value that is null may be anything.
func appendArrow(to *expression.Column, from arrow.Array, start, end int) error {
	for row := start; row < end; row++ {
		state := expression.Present
		if from.IsNull(row) {
			state = expression.Null
		}
		to.States = append(to.States, state)
	}
	switch from := from.(type) {
	case *array.Boolean:
		for row := start; row < end; row++ {
			to.Bools = append(to.Bools, from.Value(row))
		}
	case *array.Int32:
		for _, v := range from.Int32Values()[start:end] {
			to.Ints = append(to.Ints, int64(v))
		}
	case *array.Int64:
		to.Ints = append(to.Ints, from.Int64Values()[start:end]...)
	case *array.Timestamp:
		for _, v := range from.TimestampValues()[start:end] {
			to.Ints = append(to.Ints, int64(v))
		}
	case *array.Float32:
		for _, v := range from.Float32Values()[start:end] {
			to.Floats = append(to.Floats, float64(v))
		}
	case *array.Float64:
		to.Floats = append(to.Floats, from.Float64Values()[start:end]...)
	case *array.String:
		for row := start; row < end; row++ {
			to.Texts = append(to.Texts, strings.Clone(from.Value(row)))
		}
	case *array.Binary:
		for row := start; row < end; row++ {
			to.Texts = append(to.Texts, string(from.Value(row)))
		}
	case *array.List:
		return appendLists(to, from, start, end)
	default:
		return fmt.Errorf("values of %s cannot be counted", from.DataType())
	}
	return nil
}

// appendLists appends arrays, of which those that are null have no elements.
func appendLists(to *expression.Column, from *array.List, start, end int) error {
	for row := start; row < end; row++ {
		if from.IsValid(row) {
			first, last := from.ValueOffsets(row)
			if err := appendArrow(to.Elements, from.ListValues(), int(first), int(last)); err != nil {
				return err
			}
		}
		to.Ends = append(to.Ends, len(to.Elements.States))
	}
	return nil
}
