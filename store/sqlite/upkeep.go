package sqlite

import (
	"context"
	"database/sql"

	"github.com/plumbstore/plumb/store"
)

var (
	_ store.Surveyor = (*Store)(nil)
	_ store.Remover  = (*Store)(nil)
)

// Survey implements store.Surveyor. Readers of a file in WAL mode hold nobody up.
func (s *Store) Survey(ctx context.Context, project string) ([]store.Holding, error) {
	var holdings []store.Holding
	err := s.patiently(ctx, func() error {
		holdings = nil
		found, err := s.reader.QueryContext(ctx, `SELECT view, generation, count(*), sum(length(key) + length(value))
			FROM rows WHERE project = ? GROUP BY view, generation ORDER BY view, generation`, project)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var h store.Holding
			if err := found.Scan(&h.View, &h.Generation, &h.Rows, &h.Bytes); err != nil {
				return err
			}
			holdings = append(holdings, h)
		}
		return found.Err()
	})
	if err != nil {
		return nil, s.explain(ctx, "count rows", err)
	}
	return holdings, nil
}

// removeChunk bounds how long one transaction keeps writers waiting.
const removeChunk = 5000

// Remove implements store.Remover.
func (s *Store) Remove(ctx context.Context, project, view string) (int64, error) {
	var removed int64
	for {
		var count int64
		err := s.transact(ctx, "remove rows", func(tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, `DELETE FROM rows WHERE project = ?1 AND view = ?2 AND (generation, key) IN (
				SELECT generation, key FROM rows WHERE project = ?1 AND view = ?2 LIMIT ?3)`, project, view, removeChunk)
			if err == nil {
				count, err = result.RowsAffected()
			}
			if err != nil {
				return s.explain(ctx, "remove rows", err)
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		if removed += count; count < removeChunk {
			return removed, nil
		}
	}
}
