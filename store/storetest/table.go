package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Table is a result or a file, read into plain values.
type Table struct {
	Names []string
	Types []arrow.DataType
	Rows  [][]any
}

// Add appends the rows of a batch.
func (t *Table) Add(batch arrow.RecordBatch) error {
	t.setSchema(batch.Schema())
	for row := range int(batch.NumRows()) {
		values := make([]any, batch.NumCols())
		for i, column := range batch.Columns() {
			value, err := cell(column, row)
			if err != nil {
				return fmt.Errorf("column %s: %w", batch.ColumnName(i), err)
			}
			values[i] = value
		}
		t.Rows = append(t.Rows, values)
	}
	return nil
}

func (t *Table) setSchema(schema *arrow.Schema) {
	t.Names, t.Types = nil, nil
	for _, field := range schema.Fields() {
		t.Names = append(t.Names, field.Name)
		t.Types = append(t.Types, field.Type)
	}
}

// readTable reads a file that File.Write or an engine wrote. In a CSV file every value is text.
func readTable(path string) (*Table, error) {
	var table *Table
	var err error
	switch ext := filepath.Ext(path); ext {
	case ".parquet":
		table, err = readParquet(path)
	case ".arrow":
		table, err = readArrow(path)
	case ".csv":
		table, err = readCSV(path)
	default:
		err = fmt.Errorf("no reader for %s", ext)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return table, nil
}

func readParquet(path string) (*Table, error) {
	in, err := file.OpenParquetFile(path, false)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader, err := pqarrow.NewFileReader(in, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return nil, err
	}
	whole, err := reader.ReadTable(context.Background())
	if err != nil {
		return nil, err
	}
	defer whole.Release()
	table := &Table{}
	table.setSchema(whole.Schema())
	batches := array.NewTableReader(whole, 0)
	defer batches.Release()
	for batches.Next() {
		if err := table.Add(batches.RecordBatch()); err != nil {
			return nil, err
		}
	}
	return table, batches.Err()
}

func readArrow(path string) (*Table, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	reader, err := ipc.NewFileReader(in)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	table := &Table{}
	table.setSchema(reader.Schema())
	for i := range reader.NumRecords() {
		batch, err := reader.RecordBatchAt(i)
		if err != nil {
			return nil, err
		}
		err = table.Add(batch)
		batch.Release()
		if err != nil {
			return nil, err
		}
	}
	return table, nil
}

func readCSV(path string) (*Table, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	table := &Table{}
	for i, line := range csvLines(string(text)) {
		if i > 0 {
			table.Rows = append(table.Rows, line)
			continue
		}
		for _, name := range line {
			table.Names = append(table.Names, fmt.Sprint(name))
			table.Types = append(table.Types, arrow.BinaryTypes.String)
		}
	}
	return table, nil
}

// csvLines reads CSV. Unlike encoding/csv it distinguishes an empty cell, nil, from one that is the quoted empty text.
func csvLines(text string) [][]any {
	var lines [][]any
	var line []any
	var cell strings.Builder
	quoted, inQuotes := false, false
	endCell := func() {
		if quoted || cell.Len() > 0 {
			line = append(line, cell.String())
		} else {
			line = append(line, nil)
		}
		cell.Reset()
		quoted = false
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && inQuotes && strings.HasPrefix(text[i+1:], `"`):
			cell.WriteByte(c)
			i++
		case c == '"':
			quoted, inQuotes = true, !inQuotes
		case inQuotes:
			cell.WriteByte(c)
		case c == ',':
			endCell()
		case c == '\n':
			endCell()
			lines, line = append(lines, line), nil
		default:
			cell.WriteByte(c)
		}
	}
	return lines
}
