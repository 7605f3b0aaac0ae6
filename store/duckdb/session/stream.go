package session

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2"
)

// batchRows bounds what a stream holds in memory at a time.
const batchRows = 1 << 16

// Stream hands the rows of one of our tables to yield in the order of its column n, which counts from 0, without that
// column. DuckDB's Arrow interface holds the whole result of a query, hence one query a batch; a table in the order of
// n makes each read only its own part.
func (s *Session) Stream(ctx context.Context, table string, yield func(arrow.RecordBatch) error) error {
	var rows int64
	if err := s.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM %s.%s", Schema, table), &rows); err != nil {
		return err
	}
	for from := int64(0); from == 0 || from < rows; from += batchRows {
		query := fmt.Sprintf("SELECT * EXCLUDE (n) FROM %s.%s WHERE n >= %d AND n < %d ORDER BY n",
			Schema, table, from, from+batchRows)
		if err := s.yieldQuery(ctx, query, yield); err != nil {
			return err
		}
	}
	return nil
}

// yieldQuery yields at least one batch, so that a result without rows still has its schema.
func (s *Session) yieldQuery(ctx context.Context, query string, yield func(arrow.RecordBatch) error) error {
	if err := s.prepare(ctx, query); err != nil {
		return err
	}
	return s.withArrow(func(conn *duckdb.Arrow) error {
		reader, err := conn.QueryContext(ctx, query)
		if err != nil {
			return s.Explain(ctx, err)
		}
		defer reader.Release()
		batches := 0
		for ; reader.Next(); batches++ {
			if err := yield(reader.RecordBatch()); err != nil {
				return err
			}
		}
		if err := reader.Err(); err != nil || batches > 0 {
			return s.Explain(ctx, err)
		}
		builder := array.NewRecordBuilder(memory.DefaultAllocator, reader.Schema())
		defer builder.Release()
		return yield(builder.NewRecordBatch())
	})
}
