package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// newestWins is packed.Replaces (R14): SQLite compares blobs byte by byte, as precedences compare. The comparison and
// the write are one statement, so that of two writers none can overwrite the other's newer row.
const newestWins = ` ON CONFLICT DO UPDATE SET precedence = excluded.precedence, body = excluded.body
	WHERE excluded.precedence >= packed_rows.precedence`

// Write implements online.Store. All rows are written in one transaction, or none.
func (s *Store) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	if len(rows) == 0 {
		return online.WriteReport{}, ctx.Err()
	}
	var report online.WriteReport
	err := s.transact(ctx, "write", func(tx *sql.Tx) error {
		owner, err := ownerOf(ctx, tx, table)
		if err != nil {
			return s.explain(ctx, "write", err)
		}
		for chunk := range slices.Chunk(rows, s.chunk) {
			written, err := s.store(ctx, tx, owner, chunk)
			if err != nil {
				return s.explain(ctx, "write", err)
			}
			report.Written += written
			report.Older += int64(len(chunk)) - written
		}
		return nil
	})
	if err != nil {
		return online.WriteReport{}, err
	}
	return report, nil
}

const findOwner = "SELECT id FROM tables WHERE project = ? AND view = ? AND generation = ?"

// ownerOf returns the number of a table, and gives it one if it has none.
func ownerOf(ctx context.Context, tx *sql.Tx, table online.Table) (owner int64, err error) {
	names := []any{table.Project, table.View, table.Generation}
	if err = tx.QueryRowContext(ctx, findOwner, names...).Scan(&owner); !errors.Is(err, sql.ErrNoRows) {
		return owner, err
	}
	const add = "INSERT INTO tables (project, view, generation) VALUES (?, ?, ?) RETURNING id"
	return owner, tx.QueryRowContext(ctx, add, names...).Scan(&owner)
}

// owner returns the number of a table for reads, or 0 if it has none. A number is kept, since it never changes.
func (s *Store) owner(ctx context.Context, table online.Table) (owner int64, err error) {
	table.Retention = 0
	if known, ok := s.owners.Load(table); ok {
		return known.(int64), nil
	}
	err = s.patiently(ctx, func() error {
		return s.reader.QueryRowContext(ctx, findOwner, table.Project, table.View, table.Generation).Scan(&owner)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return 0, nil
	case err != nil:
		return 0, s.explain(ctx, "read", err)
	}
	s.owners.Store(table, owner)
	return owner, nil
}

// insert returns how many rows were stored. SQLite takes the rows of a statement one after the other, so that rows of
// one key meet each other too, and counts each that it inserts or updates.
func insert(ctx context.Context, tx *sql.Tx, owner int64, rows []online.Row) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	args := make([]any, 0, 1+3*len(rows))
	args = append(args, owner)
	for _, row := range rows {
		precedence, body, err := split(row.Value)
		if err != nil {
			return 0, err
		}
		args = append(args, row.Key, precedence, body)
	}
	result, err := tx.ExecContext(ctx, insertQuery(len(rows)), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// split cuts a value into its precedence and the rest.
func split(value []byte) (precedence, body []byte, err error) {
	size := packed.PrecedenceSize(value)
	if size == 0 {
		return nil, nil, errors.New("a value is not a packed row")
	}
	return value[:size], value[size:], nil
}

func insertQuery(rows int) string {
	return "INSERT INTO packed_rows (owner, key, precedence, body) VALUES " +
		strings.TrimSuffix(strings.Repeat("(?1, ?, ?, ?),", rows), ",") + newestWins
}

// fewKeys of each table are sooner read with those of others, in one statement, than by a statement for each table.
const fewKeys = 8

// wanted is a row that is read.
type wanted struct {
	owner    int64
	key      []byte
	position int
}

// Read implements online.Store. A look-up of one entity asks many tables for one key each, which is one statement for
// all of them. A look-up of many entities is one statement for each table, which SQLite prepares faster.
func (s *Store) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	groups, err := s.groupByTable(ctx, gets)
	if err != nil {
		return nil, err
	}
	read := s.readTable
	if len(groups) > 1 && len(gets) <= fewKeys*len(groups) {
		groups, read = [][]wanted{slices.Concat(groups...)}, s.readTables
	}
	for _, group := range groups {
		for chunk := range slices.Chunk(group, s.chunk) {
			err := s.patiently(ctx, func() error { return read(ctx, chunk, values) })
			if err != nil {
				return nil, s.explain(ctx, "read", err)
			}
		}
	}
	return values, ctx.Err()
}

// groupByTable returns the rows of each table that are wanted. A table that was never written has none.
func (s *Store) groupByTable(ctx context.Context, gets []online.Get) ([][]wanted, error) {
	var groups [][]wanted
	at := map[int64]int{}
	for i, get := range gets {
		owner, err := s.owner(ctx, get.Table)
		if err != nil {
			return nil, err
		}
		if owner == 0 {
			continue
		}
		group, found := at[owner]
		if !found {
			group = len(groups)
			at[owner] = group
			groups = append(groups, nil)
		}
		groups[group] = append(groups[group], wanted{owner, get.Key, i})
	}
	return groups, nil
}

// readTable fills in the values of rows of one table. Several may have the same key.
func (s *Store) readTable(ctx context.Context, rows []wanted, values [][]byte) error {
	args := make([]any, 0, 1+len(rows))
	args = append(args, rows[0].owner)
	positions := make(map[string][]int, len(rows))
	for _, row := range rows {
		args = append(args, row.key)
		positions[string(row.key)] = append(positions[string(row.key)], row.position)
	}
	found, err := s.reader.QueryContext(ctx, selectQuery(len(rows)), args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var key, precedence, body sql.RawBytes
		if err := found.Scan(&key, &precedence, &body); err != nil {
			return err
		}
		for _, position := range positions[string(key)] {
			values[position] = slices.Concat(precedence, body) // Each get owns its value.
		}
	}
	return found.Err()
}

func selectQuery(keys int) string {
	return "SELECT key, precedence, body FROM packed_rows WHERE owner = ? AND key IN (" +
		strings.TrimSuffix(strings.Repeat("?,", keys), ",") + ")"
}

// readTables fills in the values of rows of any tables.
func (s *Store) readTables(ctx context.Context, rows []wanted, values [][]byte) error {
	query, args := selectEach(rows)
	found, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var position int
		var precedence, body sql.RawBytes
		if err := found.Scan(&position, &precedence, &body); err != nil {
			return err
		}
		values[position] = slices.Concat(precedence, body)
	}
	return found.Err()
}

// selectEach looks each row of a list up by the primary key: CROSS JOIN keeps SQLite from reading the table first.
func selectEach(rows []wanted) (string, []any) {
	query := []byte("WITH wanted (position, owner, key) AS (VALUES ")
	args := make([]any, len(rows))
	for i, row := range rows {
		args[i] = row.key
		query = fmt.Appendf(query, "(%d, %d, ?),", row.position, row.owner)
	}
	query = append(query[:len(query)-1],
		") SELECT position, precedence, body FROM wanted CROSS JOIN packed_rows USING (owner, key)"...)
	return string(query), args
}
