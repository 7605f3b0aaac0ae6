//go:build duckdb_arrow

package duckdb

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2/arrowmapping"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// rowStream hands over the rows of a running query as they come. SQL uses it as follows:
//
//	_plumb_take(value, …)  takes a row
//
// DuckDB's threads wait if the rows are not fetched, so that memory holds only a few chunks of them. The driver's own
// Arrow interface holds a whole result.
type rowStream struct {
	names   []string
	options arrowmapping.ArrowOptions
	chunks  chan takenChunk

	schemaOnce sync.Once
	schema     *arrow.Schema
	schemaErr  error
}

// takenChunk is a few rows, or why they cannot be handed over.
type takenChunk struct {
	rows arrow.RecordBatch
	err  error
}

func (c takenChunk) release() {
	if c.rows != nil {
		c.rows.Release()
	}
}

// newRowStream registers the function for rows with columns of these names.
func newRowStream(n *native, names []string) (*rowStream, error) {
	r := &rowStream{names: names, chunks: make(chan takenChunk)}
	arrowmapping.ConnectionGetArrowOptions(n.conn, &r.options)
	return r, n.register(signature{name: "_plumb_take", result: result{single: mapping.TypeBoolean},
		call: r.take})
}

// run runs a query that takes rows, and hands them to yield on this goroutine. An error of yield ends the query.
func (r *rowStream) run(ctx context.Context, query func(context.Context) error, yield func(arrow.RecordBatch) error,
) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() {
		defer close(r.chunks)
		ended <- query(ctx)
	}()
	defer func() {
		cancel()
		for chunk := range r.chunks { // The query's threads may still be waiting.
			chunk.release()
		}
		if fault := <-ended; err == nil {
			err = fault
		}
	}()
	for chunk := range r.chunks {
		err := chunk.err
		if err == nil {
			err = yield(chunk.rows)
		}
		chunk.release()
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *rowStream) take(c columns, a answer) {
	rows, err := r.convert(c.chunk)
	r.chunks <- takenChunk{rows, err}
	taken := numbersOf[bool](a)
	for i := range taken {
		taken[i] = true
	}
}

// convert copies a chunk.
func (r *rowStream) convert(chunk mapping.DataChunk) (arrow.RecordBatch, error) {
	r.schemaOnce.Do(func() { r.schema, r.schemaErr = r.schemaOf(chunk) })
	if r.schemaErr != nil {
		return nil, r.schemaErr
	}
	batch, fault := arrowmapping.DataChunkToArrowArray(r.options, r.schema, chunk)
	return batch, faultOf(fault)
}

func (r *rowStream) schemaOf(chunk mapping.DataChunk) (*arrow.Schema, error) {
	types := make([]mapping.LogicalType, len(r.names))
	for i := range types {
		types[i] = mapping.VectorGetColumnType(mapping.DataChunkGetVector(chunk, mapping.IdxT(i)))
	}
	defer func() {
		for i := range types {
			mapping.DestroyLogicalType(&types[i])
		}
	}()
	schema, fault := arrowmapping.NewArrowSchema(r.options, types, r.names)
	return schema, faultOf(fault)
}

func faultOf(fault mapping.ErrorData) error {
	defer mapping.DestroyErrorData(&fault)
	if mapping.ErrorDataHasError(fault) {
		return fmt.Errorf("give rows as Arrow data: %w", errors.New(mapping.ErrorDataMessage(fault)))
	}
	return nil
}

// close releases what was taken for the stream. No query may be running.
func (r *rowStream) close() { arrowmapping.DestroyArrowOptions(&r.options) }
