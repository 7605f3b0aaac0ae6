package native

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// Query runs a query and hands its rows to yield, in at least one batch, so that a result without rows still has its
// schema. The whole result is in memory before the first of them is handed over. A failure of DuckDB is a
// *duckdb.Error.
func (n *Connection) Query(ctx context.Context, query string, yield func(arrow.RecordBatch) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	state := n.interruptible(ctx, func() mapping.State { return mapping.Query(n.conn, query, &result) })
	if state == mapping.StateError {
		return &duckdb.Error{Type: duckdb.ErrorType(mapping.ResultErrorType(&result)), Msg: mapping.ResultError(&result)}
	}
	options := n.arrowOptions()
	defer options.close()
	schema, err := options.schemaOfResult(&result)
	if err != nil {
		return err
	}
	return yieldChunks(ctx, &options, schema, result, yield)
}

// interruptible runs a statement and interrupts it if the context ends. It returns once no interrupt is under way,
// because its caller may close the connection next.
func (n *Connection) interruptible(ctx context.Context, run func() mapping.State) mapping.State {
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		mapping.Interrupt(n.conn)
		close(interrupted)
	})
	state := run()
	if !stop() {
		<-interrupted
	}
	return state
}

func yieldChunks(ctx context.Context, options *arrowOptions, schema *arrow.Schema, result mapping.Result,
	yield func(arrow.RecordBatch) error,
) error {
	for batches := 0; ; batches++ {
		batch, err := nextBatch(options, schema, result)
		if err != nil {
			return err
		}
		if batch == nil && batches > 0 {
			return nil
		}
		if batch == nil {
			batch = noRows(schema)
		}
		err = yield(batch)
		batch.Release()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}

// nextBatch returns nil after the last one.
func nextBatch(options *arrowOptions, schema *arrow.Schema, result mapping.Result) (arrow.RecordBatch, error) {
	chunk := mapping.FetchChunk(result)
	if chunk.Ptr == nil {
		return nil, nil
	}
	defer mapping.DestroyDataChunk(&chunk)
	return options.batch(schema, chunk)
}

func noRows(schema *arrow.Schema) arrow.RecordBatch {
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer builder.Release()
	return builder.NewRecordBatch()
}

func (o *arrowOptions) schemaOfResult(result *mapping.Result) (*arrow.Schema, error) {
	columns := mapping.ColumnCount(result)
	types, names := make([]mapping.LogicalType, columns), make([]string, columns)
	for i := range columns {
		types[i], names[i] = mapping.ColumnLogicalType(result, i), mapping.ColumnName(result, i)
	}
	defer destroyTypes(types)
	return o.schema(types, names)
}

func destroyTypes(types []mapping.LogicalType) {
	for i := range types {
		mapping.DestroyLogicalType(&types[i])
	}
}
