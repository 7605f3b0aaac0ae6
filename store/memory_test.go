package store_test

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store"
)

// memory keeps rows in maps, so that tests can put any bytes there and count allocations without an engine's.
type memory struct {
	mutex  sync.Mutex
	tables map[store.Table]map[string][]byte
}

func newMemory() *memory { return &memory{tables: map[store.Table]map[string][]byte{}} }

func (m *memory) Write(ctx context.Context, table store.Table, rows []store.Row) (store.WriteReport, error) {
	if ctx.Err() != nil {
		return store.WriteReport{}, ctx.Err()
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	table.Retention = 0
	if m.tables[table] == nil {
		m.tables[table] = map[string][]byte{}
	}
	var report store.WriteReport
	for _, row := range rows {
		stored, value := m.tables[table][string(row.Key)], row.Value
		//nolint:forbidigo // Any clock will do here.
		if now := feature.InstantOf(time.Now()); store.EventOf(stored) > now || store.EventOf(value) > now {
			var err error
			if value, err = store.Merge(stored, value, now); err != nil {
				return report, err
			}
		} else if !store.Replaces(value, stored) {
			value = nil
		}
		if value == nil {
			report.Older++
			continue
		}
		report.Written++
		m.tables[table][string(row.Key)] = bytes.Clone(value)
	}
	return report, nil
}

func (m *memory) Read(ctx context.Context, gets []store.Get) ([][]byte, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	values := make([][]byte, len(gets))
	for i, get := range gets {
		get.Table.Retention = 0
		values[i] = bytes.Clone(m.tables[get.Table][string(get.Key)])
	}
	return values, ctx.Err()
}

func (m *memory) Close() error { return nil }

// Survey implements store.Surveyor.
func (m *memory) Survey(ctx context.Context, project string) ([]store.Holding, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var found []store.Holding
	for table, rows := range m.tables {
		if table.Project != project || countRows(rows) == 0 {
			continue
		}
		holding := store.Holding{View: table.View, Generation: table.Generation, Rows: countRows(rows)}
		for key, value := range rows {
			holding.Bytes += int64(len(key) + len(value))
		}
		found = append(found, holding)
	}
	slices.SortFunc(found, func(a, b store.Holding) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Generation, b.Generation))
	})
	return found, ctx.Err()
}

// countRows counts what is no mark.
func countRows(rows map[string][]byte) (count int64) {
	for key := range rows {
		if !store.IsMark([]byte(key)) {
			count++
		}
	}
	return count
}

// Remove implements store.Remover.
func (m *memory) Remove(ctx context.Context, project, view string) (int64, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var removed int64
	for table, rows := range m.tables {
		if table.Project == project && table.View == view {
			removed += countRows(rows)
			delete(m.tables, table)
		}
	}
	return removed, ctx.Err()
}
