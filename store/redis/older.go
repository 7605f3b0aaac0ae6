package redis

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// In layout 1, which versions before 0.1.0 wrote, each row was a string of its own, in the formats of packed.Upgrade,
// under
//
//	{project:<entity key>}view@generation
//
// Rows of layout 1 are read beside those of layout 2, and the newer of the two counts, until the directory says that a
// table has none. They are never written. Upgrade moves them.

var _ online.Upgrader = (*Store)(nil)

// olderKey is the key of a row in layout 1.
func olderKey(entry *tableEntry, entity []byte) string {
	return string(appendKey(nil, entry.project, entity)) + entry.name
}

// olderRow is a key of layout 1, taken apart.
type olderRow struct {
	table  tableID
	entity []byte
}

// parseOlder takes a key of layout 1 apart. The last '}' is the one that ends the entity key, since what comes after it
// has none.
func parseOlder(key, project string) (row olderRow, ok bool) {
	rest, ok := strings.CutPrefix(key, "{"+url.QueryEscape(project)+":")
	end := strings.LastIndexByte(rest, '}')
	if !ok || end < 0 {
		return row, false
	}
	row.entity = []byte(rest[:end])
	row.table, ok = parseName(rest[end+1:])
	return row, ok
}

// errFound ends a scan that has found what it looked for.
var errFound = errors.New("found")

// HasOlder implements online.Upgrader. That there are none is recorded in the directory, so that it is found out once.
func (s *Store) HasOlder(ctx context.Context, project string) (bool, error) {
	tables, without, err := s.directory(ctx, project)
	if err != nil || without {
		return false, s.explainUnlessNil(ctx, "look for older rows", err)
	}
	err = s.scan(ctx, project, func(_ *goredis.Client, keys []string) error {
		strings, err := s.olderRows(ctx, project, keys)
		if err == nil && len(strings) > 0 {
			err = errFound
		}
		return err
	})
	if errors.Is(err, errFound) {
		return true, nil
	}
	if err == nil {
		err = s.declareWithout(ctx, project, tables)
	}
	return false, s.explainUnlessNil(ctx, "look for older rows", err)
}

func (s *Store) explainUnlessNil(ctx context.Context, did string, err error) error {
	if err == nil {
		return nil
	}
	return s.explain(ctx, did, err)
}

// declareWithout records that no table of a project has rows in layout 1.
func (s *Store) declareWithout(ctx context.Context, project string, tables map[string]tableID) error {
	values := []any{wholeProject, string(withoutOlder)}
	for field, id := range tables {
		values = append(values, field, string(withoutOlder)+nameOf(online.Table{View: id.view, Generation: id.generation}))
	}
	err := s.client.HSet(ctx, directoryKey(project), values...).Err()
	s.forgetStates(project)
	return err
}

// forgetStates makes this process ask the directory again.
func (s *Store) forgetStates(project string) {
	s.tables.Range(func(table, entry any) bool {
		if table.(online.Table).Project == project {
			entry.(*tableEntry).state.Store(nil)
		}
		return true
	})
}

// olderRows returns the keys of a page that are rows of layout 1. A fence has the key of a mark and is a hash, and is
// not among them.
func (s *Store) olderRows(ctx context.Context, project string, keys []string) (map[string]olderRow, error) {
	rows := map[string]olderRow{}
	types := map[string]*goredis.StatusCmd{}
	pipeline := s.client.Pipeline()
	for _, key := range keys {
		if row, ok := parseOlder(key, project); ok {
			rows[key] = row
			if online.IsMark(row.entity) {
				types[key] = pipeline.Type(ctx, key)
			}
		}
	}
	if len(types) == 0 {
		return rows, nil
	}
	if _, err := pipeline.Exec(ctx); err != nil {
		return nil, err
	}
	for key, command := range types {
		if command.Val() != "string" {
			delete(rows, key)
		}
	}
	return rows, nil
}

// Upgrade implements online.Upgrader.
func (s *Store) Upgrade(ctx context.Context, project string, tables []online.Table, progress func(moved int64)) (
	online.UpgradeReport, error,
) {
	u := &upgrade{store: s, project: project, progress: progress, tables: map[tableID]online.Table{}}
	for _, table := range tables {
		u.tables[tableID{table.View, table.Generation}] = table
	}
	err := s.scan(ctx, project, func(_ *goredis.Client, keys []string) error { return u.movePage(ctx, keys) })
	if err == nil {
		err = u.finish(ctx)
	}
	if err != nil {
		return u.report, s.explain(ctx, "upgrade rows", err)
	}
	return u.report, nil
}

// upgrade is a run of Upgrade.
type upgrade struct {
	store    *Store
	project  string
	progress func(int64)
	tables   map[tableID]online.Table
	report   online.UpgradeReport
	// marks are moved last: while a mark is missing, its rows count as lost.
	marks []string
}

// movePage moves the rows of a page that belong to the tables.
func (u *upgrade) movePage(ctx context.Context, keys []string) error {
	older, err := u.store.olderRows(ctx, u.project, keys)
	if err != nil {
		return err
	}
	byTable := map[tableID][]string{}
	for key, row := range older {
		switch _, wanted := u.tables[row.table]; {
		case !wanted:
			if !online.IsMark(row.entity) {
				u.report.Others++
			}
		case online.IsMark(row.entity):
			u.marks = append(u.marks, key)
		default:
			byTable[row.table] = append(byTable[row.table], key)
		}
	}
	for id, keys := range byTable {
		moved, err := u.move(ctx, u.tables[id], keys)
		u.report.Moved += moved
		if err != nil {
			return err
		}
		u.progress(u.report.Moved)
	}
	return nil
}

// movedRow is a row of layout 1 that is read to be moved.
type movedRow struct {
	key   string
	old   []byte
	value online.Row
}

// move moves rows of a table, and returns how many it moved.
func (u *upgrade) move(ctx context.Context, table online.Table, keys []string) (int64, error) {
	entry := u.store.entry(table)
	if err := u.store.registered(ctx, entry); err != nil {
		return 0, err
	}
	kept, passing, life, err := u.read(ctx, keys)
	if err != nil {
		return 0, err
	}
	for _, group := range []struct {
		rows []movedRow
		life int64
	}{{kept, 0}, {passing, life}} {
		rows := make([]online.Row, len(group.rows))
		for i, row := range group.rows {
			rows[i] = row.value
		}
		for chunk := range chunks(rows) {
			if err := u.write(ctx, entry, group.life, chunk); err != nil {
				return 0, err
			}
		}
	}
	return u.remove(ctx, append(kept, passing...))
}

// write writes rows one by one if a value holds several, since the script takes single ones.
func (u *upgrade) write(ctx context.Context, entry *tableEntry, life int64, rows []online.Row) error {
	var single []online.Row
	for _, row := range rows {
		values, err := packed.Rows(row.Value)
		if err != nil {
			values = [][]byte{row.Value}
		}
		for _, value := range values {
			single = append(single, online.Row{Key: row.Key, Value: value})
		}
	}
	_, err := u.store.writeChunk(ctx, entry, life, single)
	return err
}

// read reads rows: those that stay for good, and those that expire, with the longest time that one of them has left. A
// row that has gone meanwhile is left out. A damaged row stays damaged.
func (u *upgrade) read(ctx context.Context, keys []string) (kept, passing []movedRow, life int64, err error) {
	pipeline := u.store.client.Pipeline()
	values, lives := make([]*goredis.StringCmd, len(keys)), make([]*goredis.DurationCmd, len(keys))
	for i, key := range keys {
		values[i], lives[i] = pipeline.Get(ctx, key), pipeline.PTTL(ctx, key)
	}
	if _, err := pipeline.Exec(ctx); err != nil && !errors.Is(err, goredis.Nil) {
		return nil, nil, 0, err
	}
	for i, key := range keys {
		old, err := values[i].Bytes()
		if errors.Is(err, goredis.Nil) {
			continue
		}
		if err != nil {
			return nil, nil, 0, err
		}
		value, err := packed.Upgrade(old)
		if err != nil {
			value = packed.Damaged(old)
		}
		parsed, _ := parseOlder(key, u.project)
		row := movedRow{key, old, online.Row{Key: parsed.entity, Value: value}}
		if left := lives[i].Val(); left > 0 {
			passing, life = append(passing, row), max(life, left.Milliseconds())
		} else {
			kept = append(kept, row)
		}
	}
	return kept, passing, life, nil
}

//go:embed removeunchanged.lua
var removeUnchanged string

// remove removes rows of layout 1 that still are as they were read: an older version may have written in the meantime.
func (u *upgrade) remove(ctx context.Context, rows []movedRow) (removed int64, err error) {
	pipeline := u.store.client.Pipeline()
	commands := make([]*goredis.Cmd, len(rows))
	for i, row := range rows {
		commands[i] = pipeline.Eval(ctx, removeUnchanged, []string{row.key}, row.old)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	if _, err := pipeline.Exec(ctx); err != nil {
		return 0, err
	}
	for _, command := range commands {
		count, err := command.Int64()
		if err != nil {
			return removed, err
		}
		removed += count
	}
	u.report.Unmoved += int64(len(rows)) - removed
	return removed, nil
}

// finish moves the marks, and records what has no older rows any more.
func (u *upgrade) finish(ctx context.Context) error {
	for _, key := range u.marks {
		parsed, _ := parseOlder(key, u.project)
		if _, err := u.move(ctx, u.tables[parsed.table], []string{key}); err != nil {
			return err
		}
	}
	if u.report.Unmoved > 0 {
		return nil
	}
	for _, table := range u.tables {
		if err := u.store.finished(ctx, table); err != nil {
			return err
		}
	}
	return nil
}

// finished records that a table has no rows in layout 1, and puts up its fence.
func (s *Store) finished(ctx context.Context, table online.Table) error {
	entry := s.entry(table)
	if err := s.registered(ctx, entry); err != nil {
		return err
	}
	err := s.client.HSet(ctx, directoryKey(table.Project), entry.field, string(withoutOlder)+entry.name).Err()
	if err != nil {
		return fmt.Errorf("record that a table is upgraded: %w", err)
	}
	entry.state.Store(nil)
	if err := s.registered(ctx, entry); err != nil {
		return err
	}
	marks, err := online.ReadMarks(ctx, s, table)
	if err != nil || marks[0] == (online.Marks{}) {
		return err
	}
	var rows []online.Row
	for _, key := range online.MarkKeys() {
		rows = append(rows, online.Row{Key: key})
	}
	return s.fence(ctx, entry, rows)
}
