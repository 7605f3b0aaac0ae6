package arrowrows

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/plumbstore/plumb/internal/arrowipc"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
	"github.com/plumbstore/plumb/store/offline"
)

// File reads an Arrow IPC file, or a stream written to a file, or what is like one.
type File struct {
	file *os.File
	// reader is nil if the file is not an Arrow file.
	reader *arrowipc.Reader
	Schema *arrow.Schema
	// Next returns the next batch, valid until the call after, or io.EOF.
	Next func() (arrow.RecordBatch, error)
}

// Open opens a file whose batches may take up to limit bytes of memory at a time.
func Open(path string, limit int64) (*File, error) {
	input, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "%s", disk.Reason(err))
	}
	reader, err := arrowipc.Open(input, limit)
	if err != nil {
		return nil, errors.Join(unreadableArrow(err), input.Close())
	}
	return &File{file: input, reader: reader, Schema: reader.Schema(), Next: reader.Read}, nil
}

// unreadableArrow turns a problem with an Arrow file into one of our own errors.
func unreadableArrow(err error) error {
	if limit, ok := errors.AsType[*arrowipc.LimitError](err); ok {
		return &memoryError{limit: limit, cause: err}
	}
	return fault.Inputf("", "it is not a complete Arrow IPC file: %v", err)
}

// memoryError is that a file takes more memory than there is, and what to do.
type memoryError struct {
	limit *arrowipc.LimitError
	cause error
}

func (e *memoryError) Error() string   { return e.limit.Error() + ", or raise offline.memory_limit" }
func (e *memoryError) Unwrap() []error { return []error{offline.ErrOutOfMemory, e.cause} }

// Close lets go of the file.
func (a *File) Close() {
	if a.reader != nil {
		a.reader.Close()
	}
	_ = a.file.Close()
}

// Numbered is the file as a reader whose columns are c0, c1, … in forms that DuckDB reads rightly.
func (a *File) Numbered() (array.RecordReader, error) {
	fields := make([]arrow.Field, a.Schema.NumFields())
	for i, name := range quote.Numbered("c", len(fields)) {
		form, err := readableForm(a.Schema.Field(i).Type)
		if err != nil {
			return nil, fault.Inputf("", "column %q: %v", a.Schema.Field(i).Name, err)
		}
		fields[i] = arrow.Field{Name: name, Type: form, Nullable: true}
	}
	r := &numberedReader{file: a, schema: arrow.NewSchema(fields, nil), coarse: coarseColumns(a.Schema)}
	r.references.Store(1)
	return r, nil
}

// sliceBytes is about how much the rows that DuckDB is handed at a time take once they are written out. DuckDB gives
// each row its values for itself, however many rows share one.
const sliceBytes = 16 << 20

// numberedReader implements array.RecordReader.
type numberedReader struct {
	file   *File
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

func (r *numberedReader) Retain() { r.references.Add(1) }

func (r *numberedReader) Schema() *arrow.Schema { return r.schema }

func (r *numberedReader) RecordBatch() arrow.RecordBatch { return r.batch }

func (r *numberedReader) Record() arrow.RecordBatch { return r.batch }

func (r *numberedReader) Err() error { return r.err }

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

// Next implements array.RecordReader. A panic must not unwind through DuckDB, which calls it. A batch that would become
// too large in DuckDB is handed over in parts: the first is halved until it is small enough, and the rest waits.
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
	batch, err := r.file.Next()
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

// InFile says which file an error of reading one is about.
func InFile(path string, err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return fault.Inputf("", "cannot read %s: %s", path, input.Message)
	}
	return fmt.Errorf("read %s: %w", path, err)
}
