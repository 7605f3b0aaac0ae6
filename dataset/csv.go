package dataset

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// readCSV yields the columns with a declared type in that type, as they were before they were written, and all others
// as texts: labels, and arrays, whose text is JSON. An empty cell is null, and "" an empty text.
func (t table) readCSV(ctx context.Context, opened *os.File, yield func(arrow.RecordBatch) error) error {
	lines := &csvReader{input: bufio.NewReaderSize(opened, 1<<16)}
	header, err := lines.record()
	if err != nil {
		return t.damaged(fmt.Errorf("its header cannot be read: %w", err))
	}
	header = slices.Clone(header)
	fields, appends := make([]arrow.Field, len(header)), make([]appendText, len(header))
	for i, name := range header {
		fields[i] = arrow.Field{Name: name.text, Nullable: true}
		fields[i].Type, appends[i] = textReading(t.types[name.text])
	}
	builder := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer builder.Release()
	ended, row := false, 0
	return t.yieldAll(ctx, builder.Schema(), func() (arrow.RecordBatch, error) {
		if ended {
			return nil, nil
		}
		rows := 0
		for ; rows < batchRows; rows++ {
			cells, err := lines.record()
			if ended = errors.Is(err, io.EOF); ended {
				break
			}
			row++
			if err == nil {
				err = appendRow(builder, header, appends, cells)
			}
			if err != nil {
				return nil, fmt.Errorf("row %d: %w", row, err)
			}
		}
		return builder.NewRecordBatch(), nil
	}, yield)
}

func appendRow(builder *array.RecordBuilder, header []csvCell, appends []appendText, cells []csvCell) error {
	if len(cells) != len(header) {
		return fmt.Errorf("it has %d cells, and there are %d columns", len(cells), len(header))
	}
	for i, cell := range cells {
		if cell.text == "" && !cell.quoted {
			builder.Field(i).AppendNull()
			continue
		}
		if err := appends[i](builder.Field(i), cell.text); err != nil {
			return fmt.Errorf("column %q: %q cannot be read: %w", header[i].text, cell.text, err)
		}
	}
	return nil
}

// appendText appends what a cell's text stands for.
type appendText func(to array.Builder, text string) error

// textReading is how texts of a declared type are read.
func textReading(t plumbv1.Type) (arrow.DataType, appendText) {
	switch t {
	case plumbv1.Type_BOOL, plumbv1.Type_INT32, plumbv1.Type_INT64:
		return value.ArrowType(t), func(to array.Builder, text string) error { return to.AppendValueFromString(text) }
	case plumbv1.Type_FLOAT32:
		return value.ArrowType(t), func(to array.Builder, text string) error {
			given, err := strconv.ParseFloat(text, 32)
			to.(*array.Float32Builder).Append(float32(given))
			return err
		}
	case plumbv1.Type_FLOAT64:
		return value.ArrowType(t), func(to array.Builder, text string) error {
			given, err := strconv.ParseFloat(text, 64)
			to.(*array.Float64Builder).Append(given)
			return err
		}
	case plumbv1.Type_TIMESTAMP:
		return value.ArrowType(t), func(to array.Builder, text string) error {
			given, err := time.Parse(time.RFC3339Nano, text)
			to.(*array.TimestampBuilder).Append(arrow.Timestamp(feature.InstantOf(given)))
			return err
		}
	case plumbv1.Type_BYTES:
		return value.ArrowType(t), func(to array.Builder, text string) error {
			given, err := base64.StdEncoding.DecodeString(text)
			to.(*array.BinaryBuilder).Append(given)
			return err
		}
	}
	return arrow.BinaryTypes.String, func(to array.Builder, text string) error {
		to.(*array.StringBuilder).Append(text)
		return nil
	}
}

// csvCell is a cell as it was written: an empty one that is quoted is no null.
type csvCell struct {
	text   string
	quoted bool
}

// csvReader reads records. The package encoding/csv does not say which cells were quoted, and skips empty lines, each
// of which is a null if there is one column.
type csvReader struct {
	input *bufio.Reader
	cells []csvCell
	text  strings.Builder
}

// record returns the next record, valid until the call after, or io.EOF.
func (r *csvReader) record() ([]csvCell, error) {
	r.cells = r.cells[:0]
	first, err := r.input.Peek(1)
	if err != nil || len(first) == 0 {
		return nil, io.EOF
	}
	for {
		cell, end, err := r.cell()
		if err != nil {
			return nil, err
		}
		r.cells = append(r.cells, cell)
		if end == '\n' {
			return r.cells, nil
		}
	}
}

// cell reads up to a comma or the line's end, which the file's may stand for.
func (r *csvReader) cell() (cell csvCell, end byte, err error) {
	r.text.Reset()
	open := false
	for {
		c, err := r.input.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && open:
			return cell, 0, errors.New("a quotation has no end")
		case errors.Is(err, io.EOF):
			c = '\n'
		case err != nil:
			return cell, 0, err
		}
		switch {
		case c == '"' && !open && r.text.Len() == 0 && !cell.quoted:
			open, cell.quoted = true, true
		case c == '"' && open:
			open = false
			if next, err := r.input.Peek(1); err == nil && next[0] == '"' {
				_, _ = r.input.Discard(1) // It has just been seen.
				r.text.WriteByte('"')
				open = true
			}
		case !open && (c == ',' || c == '\n'):
			cell.text = r.text.String()
			return cell, c, nil
		default:
			r.text.WriteByte(c)
		}
	}
}
