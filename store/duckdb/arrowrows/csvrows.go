package arrowrows

import (
	"errors"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/csvfile"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// A batch of CSV rows holds at most this many rows or bytes of text, but at least one row.
const (
	rowsOfBatch  = 1 << 16
	bytesOfBatch = 16 << 20
)

// csvRows reads a CSV file as columns of text, in batches. DuckDB's own reader trims texts before quotes, takes what
// is no CSV, and knows one kind of line end in a file.
type csvRows struct {
	reader *csvfile.Reader
	schema *arrow.Schema
}

// OpenCSV opens a CSV file as Arrow data with the columns' names, each a nullable text.
func OpenCSV(path string) (*File, error) {
	input, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", disk.Reason(err))
	}
	reader, err := csvfile.NewReader(input)
	if err != nil {
		return nil, errors.Join(err, input.Close())
	}
	var fields []arrow.Field
	for _, name := range reader.Names() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.BinaryTypes.String, Nullable: true})
	}
	rows := &csvRows{reader: reader, schema: arrow.NewSchema(fields, nil)}
	return &File{file: input, Schema: rows.schema, Next: rows.next}, nil
}

func (c *csvRows) next() (arrow.RecordBatch, error) {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, c.schema)
	defer builder.Release()
	columns := make([]*array.StringBuilder, len(builder.Fields()))
	for i, column := range builder.Fields() {
		columns[i] = column.(*array.StringBuilder)
	}
	rows := 0
	for size := 0; rows < rowsOfBatch && size < bytesOfBatch; rows++ {
		fields, err := c.reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		for i, field := range fields {
			if field.Null {
				columns[i].AppendNull()
				continue
			}
			columns[i].BinaryBuilder.Append(field.Text)
			size += len(field.Text)
		}
	}
	if rows == 0 {
		return nil, io.EOF
	}
	return builder.NewRecordBatch(), nil
}
