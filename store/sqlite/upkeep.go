package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/store/online"
)

var (
	_ online.Surveyor = (*Store)(nil)
	_ online.Remover  = (*Store)(nil)
)

// isMark is a condition on the key of a row: that it is a mark. Marks are stored as rows are, under keys that no entity
// has, so they are left out where rows are counted and removed together with them.
var isMark = func() string {
	var keys []string
	for _, key := range online.MarkKeys() {
		keys = append(keys, fmt.Sprintf("x'%x'", key))
	}
	return "key IN (" + strings.Join(keys, ", ") + ")"
}()

// Survey implements online.Surveyor. Readers of a file in WAL mode hold nobody up.
func (s *Store) Survey(ctx context.Context, project string) ([]online.Holding, error) {
	var holdings []online.Holding
	err := s.patiently(ctx, func() error {
		holdings = nil
		found, err := s.reader.QueryContext(ctx, `
			SELECT view, generation, count(*), sum(length(key) + length(precedence) + length(body))
			FROM tables JOIN packed_rows ON owner = id WHERE project = ? AND NOT `+isMark+`
			GROUP BY view, generation ORDER BY view, generation`, project)
		if err != nil {
			return err
		}
		defer found.Close()
		for found.Next() {
			var h online.Holding
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

// Remove implements online.Remover. It is not one transaction: if it is interrupted some rows are left, and another
// call goes on with them.
func (s *Store) Remove(ctx context.Context, project, view string) (int64, error) {
	var removed int64
	for {
		var count, marks int64
		err := s.transact(ctx, "remove rows", func(tx *sql.Tx) (err error) {
			if count, marks, err = removeSome(ctx, tx, project, view); err != nil {
				return s.explain(ctx, "remove rows", err)
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
		if removed += count - marks; count < removeChunk {
			return removed, nil
		}
	}
}

// removeSome removes up to removeChunk rows of a view. It returns how many those were, and how many of them were marks.
func removeSome(ctx context.Context, tx *sql.Tx, project, view string) (count, marks int64, err error) {
	removed, err := tx.QueryContext(ctx, `DELETE FROM packed_rows WHERE (owner, key) IN (
		SELECT owner, key FROM tables JOIN packed_rows ON owner = id WHERE project = ? AND view = ? LIMIT ?)
		RETURNING `+isMark,
		project, view, removeChunk)
	if err != nil {
		return 0, 0, err
	}
	defer removed.Close()
	for removed.Next() {
		var mark int64
		if err := removed.Scan(&mark); err != nil {
			return 0, 0, err
		}
		count, marks = count+1, marks+mark
	}
	return count, marks, removed.Err()
}
