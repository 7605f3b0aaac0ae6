package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// store returns how many rows were stored. Rows that are ahead of the clock, and those over which such a row is stored,
// come last and one by one: if versions differ, the winner does not depend on the order.
//
// R15 allows rows that are a little ahead of the clock. Such a row is not visible until its time (R2), and must not
// destroy the row that is visible until then, so the value of a key may hold several rows (packed.Merge). The statement
// of insert compares only the newest of them. At 12:00, for example, with a row of 12:03 stored, it refuses one of
// 11:59 as older, although that may be the one to serve for three minutes. hiddenRows finds these, and merge stores
// them.
//
// All of it is one transaction, so no reader sees a step in between.
func (s *Store) store(ctx context.Context, tx *sql.Tx, owner int64, rows []online.Row) (int64, error) {
	now := feature.InstantOf(s.now())
	isAhead := func(row online.Row) bool { return packed.EventOf(row.Value) > now }
	present, special := rows, []online.Row(nil)
	if slices.ContainsFunc(rows, isAhead) {
		present = slices.DeleteFunc(slices.Clone(rows), isAhead)
		special = slices.DeleteFunc(slices.Clone(rows), func(row online.Row) bool { return !isAhead(row) })
	}
	written, err := insert(ctx, tx, owner, present)
	if err != nil {
		return 0, err
	}
	if written < int64(len(present)) {
		hidden, err := hiddenRows(ctx, tx, owner, present, now)
		if err != nil {
			return 0, err
		}
		special = append(hidden, special...)
	}
	for _, row := range special {
		stored, err := merge(ctx, tx, owner, row, now)
		if err != nil {
			return 0, err
		}
		written += stored
	}
	return written, nil
}

// hiddenRows are those of the rows over which a row is stored that lies ahead of the clock. The first 8 bytes of a
// precedence are the event time of the newest row, and bytes compare as the times do.
func hiddenRows(
	ctx context.Context, tx *sql.Tx, owner int64, rows []online.Row, now feature.Instant,
) ([]online.Row, error) {
	args := make([]any, 0, 2+len(rows))
	args = append(args, owner, packed.VersionOf(now))
	for _, row := range rows {
		args = append(args, row.Key)
	}
	found, err := tx.QueryContext(ctx, "SELECT key FROM packed_rows WHERE owner = ? AND substr(precedence, 1, 8) > ? "+
		"AND key IN ("+strings.TrimSuffix(strings.Repeat("?,", len(rows)), ",")+")", args...)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	over := map[string]bool{}
	for found.Next() {
		var key sql.RawBytes
		if err := found.Scan(&key); err != nil {
			return nil, err
		}
		over[string(key)] = true
	}
	hidden := slices.DeleteFunc(slices.Clone(rows), func(row online.Row) bool { return !over[string(row.Key)] })
	return hidden, found.Err()
}

// merge stores a row together with those that it hides, or is hidden by, and returns 1 if it is among them, or 0.
func merge(ctx context.Context, tx *sql.Tx, owner int64, row online.Row, now feature.Instant) (int64, error) {
	var precedence, body, stored []byte
	const find = "SELECT precedence, body FROM packed_rows WHERE owner = ? AND key = ?"
	err := tx.QueryRowContext(ctx, find, owner, row.Key).Scan(&precedence, &body)
	switch {
	case err == nil:
		stored = slices.Concat(precedence, body)
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	}
	merged, err := packed.Merge(stored, row.Value, now)
	if err != nil || merged == nil {
		return 0, err
	}
	if precedence, body, err = split(merged); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "INSERT OR REPLACE INTO packed_rows (owner, key, precedence, body) VALUES (?, ?, ?, ?)",
		owner, row.Key, precedence, body)
	return 1, err
}
