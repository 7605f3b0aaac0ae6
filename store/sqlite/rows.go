package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// newestWins is packed.Replaces: it compares the versions of two values, and then their schema ids (R14). SQLite
// compares blobs byte by byte, and a packed row begins with its times in a form that orders so. The comparison and the
// write are one statement, so that of two writers none can overwrite the other's newer row.
var newestWins = fmt.Sprintf(` ON CONFLICT DO UPDATE SET value = excluded.value
	WHERE (substr(excluded.value, 1, %[1]d), substr(excluded.value, %[2]d, 4))
		>= (substr(rows.value, 1, %[1]d), substr(rows.value, %[2]d, 4))`, packed.VersionSize, packed.VersionSize+2)

// Write implements online.Store. All rows are written in one transaction, or none.
func (s *Store) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	if len(rows) == 0 {
		return online.WriteReport{}, ctx.Err()
	}
	var report online.WriteReport
	err := s.transact(ctx, "write", func(tx *sql.Tx) error {
		for chunk := range slices.Chunk(rows, s.chunk) {
			written, err := s.store(ctx, tx, table, chunk)
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

// insert returns how many rows were stored. SQLite takes the rows of a statement one after the other, so that rows of
// one key meet each other too, and counts each that it inserts or updates.
func insert(ctx context.Context, tx *sql.Tx, table online.Table, rows []online.Row) (int64, error) {
	if len(rows) == 0 {
		return 0, nil
	}
	args := make([]any, 0, 3+2*len(rows))
	args = append(args, table.Project, table.View, table.Generation)
	for _, row := range rows {
		args = append(args, row.Key, row.Value)
	}
	result, err := tx.ExecContext(ctx, insertQuery(len(rows)), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func insertQuery(rows int) string {
	return "INSERT INTO rows (project, view, generation, key, value) VALUES " +
		strings.TrimSuffix(strings.Repeat("(?1, ?2, ?3, ?, ?),", rows), ",") + newestWins
}

// fewKeys of each table are sooner read with those of others, in one statement, than by a statement for each table.
const fewKeys = 8

// Read implements online.Store. A look-up of one entity asks many tables for one key each, which is one statement for
// all of them. A look-up of many entities is one statement for each table, which does not repeat the table's names.
func (s *Store) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	values := make([][]byte, len(gets))
	groups := groupByTable(gets)
	read := s.readTable
	if len(groups) > 1 && len(gets) <= fewKeys*len(groups) {
		groups, read = [][]int{slices.Concat(groups...)}, s.readTables
	}
	for _, group := range groups {
		for chunk := range slices.Chunk(group, s.chunk) {
			err := s.patiently(ctx, func() error { return read(ctx, gets, chunk, values) })
			if err != nil {
				return nil, s.explain(ctx, "read", err)
			}
		}
	}
	return values, ctx.Err()
}

// groupByTable returns the positions of the gets of each table.
func groupByTable(gets []online.Get) [][]int {
	var groups [][]int
	seen := map[online.Table]int{}
	for i, get := range gets {
		at, found := seen[get.Table]
		if !found {
			at = len(groups)
			seen[get.Table] = at
			groups = append(groups, nil)
		}
		groups[at] = append(groups[at], i)
	}
	return groups
}

// readTable fills in the values at some positions, all of one table. Several may ask for the same key.
func (s *Store) readTable(ctx context.Context, gets []online.Get, positions []int, values [][]byte) error {
	table := gets[positions[0]].Table
	args := make([]any, 0, 3+len(positions))
	args = append(args, table.Project, table.View, table.Generation)
	wanted := make(map[string][]int, len(positions))
	for _, position := range positions {
		key := gets[position].Key
		args = append(args, key)
		wanted[string(key)] = append(wanted[string(key)], position)
	}
	found, err := s.reader.QueryContext(ctx, selectQuery(len(positions)), args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var key sql.RawBytes
		var value []byte
		if err := found.Scan(&key, &value); err != nil {
			return err
		}
		for i, position := range wanted[string(key)] {
			// Each get owns its value.
			if values[position] = value; i > 0 {
				values[position] = slices.Clone(value)
			}
		}
	}
	return found.Err()
}

func selectQuery(keys int) string {
	return "SELECT key, value FROM rows WHERE project = ? AND view = ? AND generation = ? AND key IN (" +
		strings.TrimSuffix(strings.Repeat("?,", keys), ",") + ")"
}

// readTables fills in the values at some positions, of any tables.
func (s *Store) readTables(ctx context.Context, gets []online.Get, positions []int, values [][]byte) error {
	query, args := selectEach(gets, positions)
	found, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var position int
		var value []byte
		if err := found.Scan(&position, &value); err != nil {
			return err
		}
		values[position] = value
	}
	return found.Err()
}

// selectEach looks each row of a list up by the primary key: CROSS JOIN keeps SQLite from reading the table first. The
// names of a table are bound once.
func selectEach(gets []online.Get, positions []int) (string, []any) {
	query := []byte("WITH wanted (position, project, view, generation, key) AS (VALUES ")
	var args []any
	bound := map[online.Table]int{}
	for _, position := range positions {
		table := gets[position].Table
		first, found := bound[table]
		if !found {
			first = len(args) + 1
			bound[table] = first
			args = append(args, table.Project, table.View, table.Generation)
		}
		args = append(args, gets[position].Key)
		query = fmt.Appendf(query, "(%d, ?%d, ?%d, ?%d, ?%d),", position, first, first+1, first+2, len(args))
	}
	query = append(query[:len(query)-1],
		") SELECT position, value FROM wanted CROSS JOIN rows USING (project, view, generation, key)"...)
	return string(query), args
}
