package session

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/store/duckdb/native"
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
	var refused error
	err := s.withNative(func(conn *native.Connection) error {
		return conn.Query(ctx, query, func(batch arrow.RecordBatch) error {
			refused = yield(batch)
			return refused
		})
	})
	if refused != nil {
		return refused
	}
	return s.Explain(ctx, err)
}
