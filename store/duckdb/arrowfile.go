package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/offline"
)

// arrowFile reads an Arrow IPC file, or a stream written to a file, or what is like one.
type arrowFile struct {
	file *os.File
	// reader is nil if the file is not an Arrow file.
	reader *arrowipc.Reader
	schema *arrow.Schema
	// next returns the next batch, valid until the call after, or io.EOF.
	next func() (arrow.RecordBatch, error)
}

// openArrow opens a file whose batches may take up to limit bytes of memory at a time.
func openArrow(path string, limit int64) (*arrowFile, error) {
	input, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", cmpError(err))
	}
	reader, err := arrowipc.Open(input, limit)
	if err != nil {
		return nil, errors.Join(unreadableArrow(err), input.Close())
	}
	return &arrowFile{file: input, reader: reader, schema: reader.Schema(), next: reader.Read}, nil
}

// unreadableArrow turns a problem with an Arrow file into one of our own errors.
func unreadableArrow(err error) error {
	if limit, ok := errors.AsType[*arrowipc.LimitError](err); ok {
		return &machineError{limit.Error() + ", or raise offline.memory_limit", errors.Join(offline.ErrOutOfMemory, err)}
	}
	return fault.Inputf("", "it is not a complete Arrow IPC file: %v", err)
}

func (a *arrowFile) close() {
	if a.reader != nil {
		a.reader.Close()
	}
	_ = a.file.Close()
}

// numbered is the file as a reader whose columns are c0, c1, … in forms that DuckDB reads rightly.
func (a *arrowFile) numbered() (*numberedReader, error) {
	fields := make([]arrow.Field, a.schema.NumFields())
	for i, name := range quote.Numbered("c", len(fields)) {
		form, err := readableForm(a.schema.Field(i).Type)
		if err != nil {
			return nil, fault.Inputf("", "column %q: %v", a.schema.Field(i).Name, err)
		}
		fields[i] = arrow.Field{Name: name, Type: form, Nullable: true}
	}
	r := &numberedReader{file: a, schema: arrow.NewSchema(fields, nil), coarse: coarseColumns(a.schema)}
	r.references.Store(1)
	return r, nil
}

// sliceBytes is about how much the rows that DuckDB is handed at a time take once they are written out. DuckDB gives
// each row its values for itself, however many rows share one.
const sliceBytes = 16 << 20

// numberedReader implements array.RecordReader.
type numberedReader struct {
	file   *arrowFile
	schema *arrow.Schema
	// coarse are the columns whose times microseconds may not hold, rows the number of rows that were read.
	coarse []int
	rows   int64
	batch  arrow.RecordBatch
	// rest is what is left of a batch that was cut.
	rest       arrow.RecordBatch
	err        error
	references atomic.Int64
}

func (r *numberedReader) Retain()                        { r.references.Add(1) }
func (r *numberedReader) Schema() *arrow.Schema          { return r.schema }
func (r *numberedReader) RecordBatch() arrow.RecordBatch { return r.batch }
func (r *numberedReader) Record() arrow.RecordBatch      { return r.batch }
func (r *numberedReader) Err() error                     { return r.err }

func (r *numberedReader) Release() {
	if r.references.Add(-1) == 0 {
		r.drop(&r.batch)
		r.drop(&r.rest)
	}
}

func (r *numberedReader) drop(batch *arrow.RecordBatch) {
	if *batch != nil {
		(*batch).Release()
		*batch = nil
	}
}

// Next implements array.RecordReader. A panic must not unwind through DuckDB, which calls it.
func (r *numberedReader) Next() (more bool) {
	defer func() {
		if damage := recover(); damage != nil {
			r.err, more = fmt.Errorf("read Arrow IPC: %v", damage), false
		}
	}()
	r.drop(&r.batch)
	if r.rest == nil && !r.read() {
		return false
	}
	rows, all := r.rest.NumRows(), r.rest.NumRows()
	for ; rows > 1; rows = (rows + 1) / 2 {
		r.batch = r.rest.NewSlice(0, rows)
		if arrowipc.WrittenOut(r.batch) <= sliceBytes {
			break
		}
		r.drop(&r.batch)
	}
	if r.batch == nil {
		r.batch = r.rest.NewSlice(0, rows)
	}
	rest := r.rest
	if r.rest = nil; rows < all {
		r.rest = rest.NewSlice(rows, all)
	}
	rest.Release()
	return true
}

// read reads the next batch of the file, and says whether there is one.
func (r *numberedReader) read() bool {
	batch, err := r.file.next()
	if err == nil {
		err = checkTimes(batch, r.coarse, r.rows)
	}
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.err = err
			if _, isInput := errors.AsType[*fault.InputError](err); !isInput {
				r.err = fmt.Errorf("read Arrow IPC: %w", err)
			}
		}
		return false
	}
	columns := make([]arrow.Array, batch.NumCols())
	for i := range columns {
		given := batch.Column(i).Data()
		formed := reform(given, r.schema.Field(i).Type)
		columns[i] = array.MakeFromData(formed)
		defer columns[i].Release() // What is not released counts against the limit for good.
		if formed != given {
			formed.Release()
		}
	}
	r.rest = array.NewRecordBatch(r.schema, columns, batch.NumRows())
	r.rows += batch.NumRows()
	return true
}

func (l *labelFile) describeArrow(ctx context.Context, s *session) error {
	input, err := openArrow(l.path, s.arrowBytes)
	if err != nil {
		return err
	}
	defer input.close()
	for _, field := range input.schema.Fields() {
		l.columns = append(l.columns, feature.Column{Name: field.Name})
	}
	if len(l.columns) == 0 {
		return nil // DuckDB has no tables without columns; checkNames says so.
	}
	input.next = func() (arrow.RecordBatch, error) { return nil, io.EOF }
	if err := s.registerLabels(input); err != nil {
		return err
	}
	return l.describe(ctx, s, "_labels")
}

// registerLabels makes a file readable as the view _labels, once.
func (s *session) registerLabels(file *arrowFile) error {
	reader, err := file.numbered()
	if err != nil {
		return err
	}
	return s.register(reader, "_labels")
}
