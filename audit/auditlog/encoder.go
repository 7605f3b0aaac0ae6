package auditlog

import (
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// encoder gathers entries of one layout into a batch of rows. Its builders are used for batch after batch.
//
// An entry is added whole or not at all. Builders cannot take a value back, and one column that is longer than the
// others would make the batch useless, so check looks at everything before add appends anything.
//
// rows and bytes are what was gathered; bytes is an estimate, by which the writer decides when to encode. each is the
// part of it that every row has: 8 bytes for each column, and 1 for a status, which is the number of a word.
type encoder struct {
	layout            *Layout
	request           *array.Int64Builder
	row               *array.Int32Builder
	servedAt, at      *array.TimestampBuilder
	given             []array.Builder
	values            []array.Builder
	statuses          []*array.Int8Builder
	stored            []storedBuilders
	words             arrow.Array
	rows, bytes, each int
	// present is reused: whether each row of a column has a value.
	present []bool
}

type storedBuilders struct {
	event, created *array.TimestampBuilder
	schema, origin *array.Int64Builder
}

func newEncoder(layout *Layout) *encoder {
	instants := func() *array.TimestampBuilder {
		return array.NewTimestampBuilder(memory.DefaultAllocator, arrow.FixedWidthTypes.Timestamp_us.(*arrow.TimestampType))
	}
	numbers := func() *array.Int64Builder { return array.NewInt64Builder(memory.DefaultAllocator) }
	e := &encoder{
		layout: layout, request: numbers(), row: array.NewInt32Builder(memory.DefaultAllocator),
		servedAt: instants(), at: instants(), words: statusWords(),
	}
	for _, declared := range layout.given {
		e.given = append(e.given, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared)))
	}
	for _, declared := range layout.outputs {
		e.values = append(e.values, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(declared)))
		e.statuses = append(e.statuses, array.NewInt8Builder(memory.DefaultAllocator))
	}
	for range layout.header.Views {
		e.stored = append(e.stored, storedBuilders{instants(), instants(), numbers(), numbers()})
	}
	const width = 8
	e.each = width*len(layout.schema.Fields()) - (width-1)*len(e.statuses)
	return e
}

// reserve makes room for as many rows as the batch before had, so that nothing has to grow again.
func (e *encoder) reserve(rows int) {
	builders := append([]array.Builder{e.request, e.row, e.servedAt, e.at}, e.given...)
	builders = append(builders, e.values...)
	for _, statuses := range e.statuses {
		builders = append(builders, statuses)
	}
	for _, stored := range e.stored {
		builders = append(builders, stored.event, stored.created, stored.schema, stored.origin)
	}
	for _, builder := range builders {
		builder.Reserve(rows)
	}
}

func statusWords() arrow.Array {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	defer builder.Release()
	builder.AppendValues(statuses(), nil)
	return builder.NewArray()
}

// add appends the rows of an entry, or none if it does not fit the layout.
func (e *encoder) add(request int64, entry *Entry) error {
	given, err := e.check(entry)
	if err != nil {
		return err
	}
	for _, row := range entry.Rows {
		e.request.Append(request)
		e.row.Append(row)
		e.servedAt.Append(arrow.Timestamp(entry.ServedAt))
		e.at.Append(arrow.Timestamp(entry.At))
	}
	for i, column := range given {
		present := e.mask(entry.Count, func(row int) bool { return len(column.nulls) == 0 || column.nulls[row] == 0 })
		e.append(e.given[i], column.values, entry.Rows, present)
	}
	for i, column := range entry.Columns {
		status := column.GetStatuses()
		present := e.mask(entry.Count, func(row int) bool { return status[row] == byte(plumbv1.Status_PRESENT) })
		e.append(e.values[i], column.GetValues(), entry.Rows, present)
		for _, row := range entry.Rows {
			e.statuses[i].Append(int8(status[row]))
		}
	}
	for i := range e.stored {
		e.stored[i].append(entry, i)
	}
	e.rows += len(entry.Rows)
	e.bytes += e.each * len(entry.Rows)
	return nil
}

// append appends the values at some rows of a column.
func (e *encoder) append(builder array.Builder, values *plumbv1.Values, rows []int32, present []bool) {
	before := textSize(builder)
	value.AppendWireRows(builder, values, rows, present)
	e.bytes += textSize(builder) - before
}

// mask is valid until it is called again.
func (e *encoder) mask(rows int, is func(row int) bool) []bool {
	e.present = e.present[:0]
	for row := range rows {
		e.present = append(e.present, is(row))
	}
	return e.present
}

// givenColumn is a column of keys or of a request input.
type givenColumn struct {
	values *plumbv1.Values
	nulls  []byte
}

// find finds the column of a request that the header names.
func (entry *Entry) find(wanted string) (found givenColumn) {
	for _, key := range entry.Keys {
		if key.GetName() == wanted {
			found = givenColumn{key.GetValues(), key.GetNulls()}
		}
	}
	for _, input := range entry.Inputs {
		if input.GetName() == wanted {
			found = givenColumn{input.GetValues(), input.GetNulls()}
		}
	}
	return found
}

// check brings keys and inputs into the order of the layout, and checks what add relies on in the entry.
func (e *encoder) check(entry *Entry) ([]givenColumn, error) {
	header := &e.layout.header
	given := make([]givenColumn, len(e.layout.given))
	for i, wanted := range slices.Concat(header.Keys, header.Inputs) {
		given[i] = entry.find(wanted.Name)
		nulls := len(given[i].nulls)
		if !holds(given[i].values, e.layout.given[i], entry.Count) || nulls != 0 && nulls != entry.Count {
			return nil, fmt.Errorf("the request has no column %q of %d values of %s", wanted.Name, entry.Count, wanted.Type)
		}
	}
	if len(entry.Columns) != len(header.Outputs) {
		return nil, fmt.Errorf("the answer has %d columns for %d outputs", len(entry.Columns), len(header.Outputs))
	}
	for i, column := range entry.Columns {
		wanted := &header.Outputs[i]
		if !holds(column.GetValues(), e.layout.outputs[i], entry.Count) || len(column.GetStatuses()) != entry.Count {
			return nil, fmt.Errorf("the answer has no column %q of %d values of %s", wanted.Name, entry.Count, wanted.Type)
		}
	}
	if stored := len(entry.Stored); stored != len(header.Views)*entry.Count {
		return nil, fmt.Errorf("there are %d stored rows for %d rows of %d views", stored, entry.Count, len(header.Views))
	}
	return given, nil
}

func (s storedBuilders) append(entry *Entry, use int) {
	for _, row := range entry.Rows {
		found := &entry.Stored[use*entry.Count+int(row)]
		if !found.Found {
			s.event.AppendNull()
			s.created.AppendNull()
			s.schema.AppendNull()
			s.origin.AppendNull()
			continue
		}
		s.event.Append(arrow.Timestamp(found.Event))
		if found.Created == nil {
			s.created.AppendNull()
		} else {
			s.created.Append(arrow.Timestamp(*found.Created))
		}
		s.schema.Append(int64(found.SchemaID))
		s.origin.Append(int64(found.Origin))
	}
}

// take returns what was gathered, and begins anew. The caller releases it. Sensitive values are hashed here, a column
// at a time, before anything is written: a file never has them in plain.
func (e *encoder) take() (arrow.RecordBatch, error) {
	header := &e.layout.header
	columns := []arrow.Array{e.request.NewArray(), e.row.NewArray(), e.servedAt.NewArray(), e.at.NewArray()}
	defer func() {
		for _, column := range columns {
			column.Release()
		}
	}()
	var failure error
	add := func(column Column, values arrow.Array) {
		if column.Sensitive {
			defer values.Release()
			hashed, err := e.layout.hasher.Hash(column.Declared(), values)
			if err != nil {
				failure = err
				return
			}
			values = hashed
		}
		columns = append(columns, values)
	}
	for i, column := range slices.Concat(header.Keys, header.Inputs) {
		add(column, e.given[i].NewArray())
	}
	for i, output := range header.Outputs {
		add(output.Column, e.values[i].NewArray())
		numbers := e.statuses[i].NewArray()
		columns = append(columns, array.NewDictionaryArray(statusType, numbers, e.words))
		numbers.Release()
	}
	for _, stored := range e.stored {
		columns = append(columns, stored.event.NewArray(), stored.created.NewArray(), stored.schema.NewArray(),
			stored.origin.NewArray())
	}
	rows := e.rows
	e.rows, e.bytes = 0, 0
	e.reserve(rows)
	if failure != nil {
		return nil, failure
	}
	return array.NewRecordBatch(e.layout.schema, columns, int64(rows)), nil
}
