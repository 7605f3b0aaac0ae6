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
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/plumbstore/plumb/registry"
)

// arrowFile reads an Arrow IPC file, or a stream written to a file.
type arrowFile struct {
	file   *os.File
	schema *arrow.Schema
	// next returns the next batch, valid until the call after, or io.EOF.
	next func() (arrow.RecordBatch, error)
}

func openArrow(path string) (*arrowFile, error) {
	input, err := os.Open(path)
	if err != nil {
		return nil, registry.Inputf("", "%s", cmpError(err, ""))
	}
	a := &arrowFile{file: input}
	if err := a.open(); err != nil {
		return nil, errors.Join(registry.Inputf("", "it is no complete Arrow IPC file: %v", err), input.Close())
	}
	return a, nil
}

func (a *arrowFile) open() error {
	if reader, err := ipc.NewFileReader(a.file); err == nil {
		at := 0
		a.schema = reader.Schema()
		a.next = func() (arrow.RecordBatch, error) {
			if at == reader.NumRecords() {
				return nil, io.EOF
			}
			at++
			return reader.RecordBatch(at - 1)
		}
		return nil
	}
	if _, err := a.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	reader, err := ipc.NewReader(a.file)
	if err != nil {
		return err
	}
	a.schema, a.next = reader.Schema(), reader.Read
	return nil
}

func (a *arrowFile) close() { _ = a.file.Close() }

// numbered is the file as a reader whose columns are c0, c1, … in forms that DuckDB reads rightly.
func (a *arrowFile) numbered() (*numberedReader, error) {
	fields := make([]arrow.Field, a.schema.NumFields())
	for i, name := range numbered("c", len(fields)) {
		form, err := readableForm(a.schema.Field(i).Type)
		if err != nil {
			return nil, registry.Inputf("", "column %q: %v", a.schema.Field(i).Name, err)
		}
		fields[i] = arrow.Field{Name: name, Type: form, Nullable: true}
	}
	r := &numberedReader{file: a, schema: arrow.NewSchema(fields, nil)}
	r.references.Store(1)
	return r, nil
}

// numberedReader implements array.RecordReader.
type numberedReader struct {
	file       *arrowFile
	schema     *arrow.Schema
	batch      arrow.RecordBatch
	err        error
	references atomic.Int64
}

func (r *numberedReader) Retain()                        { r.references.Add(1) }
func (r *numberedReader) Schema() *arrow.Schema          { return r.schema }
func (r *numberedReader) RecordBatch() arrow.RecordBatch { return r.batch }
func (r *numberedReader) Record() arrow.RecordBatch      { return r.batch }
func (r *numberedReader) Err() error                     { return r.err }

func (r *numberedReader) Release() {
	if r.references.Add(-1) == 0 && r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

func (r *numberedReader) Next() bool {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
	batch, err := r.file.next()
	if err != nil {
		if !errors.Is(err, io.EOF) {
			r.err = err
			if _, isInput := errors.AsType[*registry.InputError](err); !isInput {
				r.err = fmt.Errorf("read Arrow IPC: %w", err)
			}
		}
		return false
	}
	columns := make([]arrow.Array, batch.NumCols())
	for i := range columns {
		columns[i] = array.MakeFromData(reform(batch.Column(i).Data(), r.schema.Field(i).Type))
	}
	r.batch = array.NewRecordBatch(r.schema, columns, batch.NumRows())
	return true
}

func (l *labelFile) describeArrow(ctx context.Context, s *session) error {
	input, err := openArrow(l.path)
	if err != nil {
		return err
	}
	defer input.close()
	for _, field := range input.schema.Fields() {
		l.columns = append(l.columns, registry.Column{Name: field.Name})
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
