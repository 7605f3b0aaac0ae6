package spark

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/fault"
)

// numbers runs a query of one row of whole numbers.
func (o *operation) numbers(ctx context.Context, query string, count int) ([]int64, error) {
	result, err := o.session.Query(ctx, query)
	if err != nil {
		return nil, explain(err)
	}
	defer result.Close()
	var found []int64
	for result.Next() {
		for _, column := range result.Record().Columns() {
			if values, ok := column.(*array.Int64); ok && values.Len() == 1 && values.IsValid(0) {
				found = append(found, values.Value(0))
			}
		}
	}
	if err := result.Err(); err != nil {
		return nil, explain(err)
	}
	if len(found) != count {
		return nil, fmt.Errorf("spark answered %d numbers to a query of %d", len(found), count)
	}
	return found, nil
}

// rowOfFile is how the embedded engine says where a row is.
var rowOfFile = regexp.MustCompile(`row (\d+) of (\S+\.parquet)`)

// replaced names the rows of sources in the place of the copies that Spark wrote of them.
func (o *operation) replaced(err error) error {
	input, ok := errors.AsType[*fault.InputError](err)
	if !ok || !strings.Contains(input.Message, o.folder) {
		return err
	}
	said := *input
	said.Message = rowOfFile.ReplaceAllStringFunc(input.Message, func(text string) string {
		found := rowOfFile.FindStringSubmatch(text)
		number, _ := strconv.ParseInt(found[1], 10, 64) // It is digits.
		if path, row, err := o.origin(found[2], number-1); err == nil {
			return fmt.Sprintf("row %d of %s", row+1, path)
		}
		return text
	})
	return &said
}

// origin finds the row of a source that a row of a file is a copy of.
func (o *operation) origin(path string, row int64) (string, int64, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(o.folder, path)
	}
	opened, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	reader, err := file.NewParquetReader(opened)
	if err != nil {
		return "", 0, errors.Join(err, opened.Close())
	}
	defer reader.Close()
	schema := reader.MetaData().Schema
	paths, rows := schema.ColumnIndexByName(pathColumn), schema.ColumnIndexByName(rowColumn)
	if paths < 0 || rows < 0 {
		return "", 0, errors.New("the file has no places of rows")
	}
	read, err := pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		return "", 0, err
	}
	table, err := read.ReadRowGroups(context.Background(), []int{paths, rows}, allGroups(reader))
	if err != nil {
		return "", 0, err
	}
	defer table.Release()
	records := array.NewTableReader(table, 0)
	for records.Next() {
		batch := records.RecordBatch()
		if row < batch.NumRows() {
			return batch.Column(0).(*array.String).Value(int(row)), batch.Column(1).(*array.Int64).Value(int(row)), nil
		}
		row -= batch.NumRows()
	}
	return "", 0, errors.New("the file has no such row")
}

func allGroups(reader *file.Reader) []int {
	groups := make([]int, reader.NumRowGroups())
	for i := range groups {
		groups[i] = i
	}
	return groups
}
