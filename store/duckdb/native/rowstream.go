package native

import (
	"context"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// RowStream hands over the rows of a running query as they come, of one query after the other. SQL uses it as follows:
//
//	_plumb_take(value, …)  takes a row
//
// DuckDB's threads wait if the rows are not fetched, so that memory holds only a few chunks of them. Query holds a
// whole result.
type RowStream struct {
	options arrowOptions
	*rowsTaken
}

// rowsTaken are those of one query.
type rowsTaken struct {
	names  []string
	chunks chan takenChunk

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

// NewRowStream registers the function, once in a connection.
func NewRowStream(n *Connection) (*RowStream, error) {
	r := &RowStream{options: n.arrowOptions()}
	return r, n.Register(Function{Name: "_plumb_take", Result: Result{Single: mapping.TypeBoolean},
		Call: r.take})
}

// Run runs a query that takes rows with columns of these names, and hands them to yield on this goroutine. An error of
// yield ends the query.
func (r *RowStream) Run(ctx context.Context, names []string, query func(context.Context) error,
	yield func(arrow.RecordBatch) error,
) (err error) {
	r.rowsTaken = &rowsTaken{names: names, chunks: make(chan takenChunk)}
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

// take runs on DuckDB's threads. It waits until its chunk is fetched, which is what bounds the memory. The chunk is
// copied first, since DuckDB uses its memory again after the call.
func (r *RowStream) take(c Columns, a Answer) {
	rows, err := r.convert(c.chunk)
	r.chunks <- takenChunk{rows, err}
	taken := Numbers[bool](a)
	for i := range taken {
		taken[i] = true
	}
}

// convert copies a chunk.
func (r *RowStream) convert(chunk mapping.DataChunk) (arrow.RecordBatch, error) {
	r.schemaOnce.Do(func() { r.schema, r.schemaErr = r.schemaOf(chunk) })
	if r.schemaErr != nil {
		return nil, r.schemaErr
	}
	return r.options.batch(r.schema, chunk)
}

func (r *RowStream) schemaOf(chunk mapping.DataChunk) (*arrow.Schema, error) {
	types := make([]mapping.LogicalType, len(r.names))
	for i := range types {
		types[i] = mapping.VectorGetColumnType(mapping.DataChunkGetVector(chunk, mapping.IdxT(i)))
	}
	defer destroyTypes(types)
	return r.options.schema(types, r.names)
}

// Close releases what was taken for the stream. No query may be running.
func (r *RowStream) Close() { r.options.close() }
