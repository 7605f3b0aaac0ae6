package onlinetest

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Memory is an online store that keeps rows in maps, so that tests can put any bytes there, and count allocations
// without those of an engine.
type Memory struct {
	mutex  sync.Mutex
	tables map[online.Table]map[string][]byte
}

// NewMemory returns an empty store.
func NewMemory() *Memory { return &Memory{tables: map[online.Table]map[string][]byte{}} }

// Put stores any bytes under a key.
func (m *Memory) Put(table online.Table, key, value []byte) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	table.Retention = 0
	m.tables[table] = map[string][]byte{string(key): value}
}

// Write implements online.Store.
func (m *Memory) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	if ctx.Err() != nil {
		return online.WriteReport{}, ctx.Err()
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	table.Retention = 0
	if m.tables[table] == nil {
		m.tables[table] = map[string][]byte{}
	}
	var report online.WriteReport
	for _, row := range rows {
		stored, value := m.tables[table][string(row.Key)], row.Value
		//nolint:forbidigo // Any clock will do here.
		if now := feature.InstantOf(time.Now()); packed.EventOf(stored) > now || packed.EventOf(value) > now {
			var err error
			if value, err = packed.Merge(stored, value, now); err != nil {
				return report, err
			}
		} else if !packed.Replaces(value, stored) {
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

// Read implements online.Store.
func (m *Memory) Read(ctx context.Context, gets []online.Get) ([][]byte, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	values := make([][]byte, len(gets))
	for i, get := range gets {
		get.Table.Retention = 0
		values[i] = bytes.Clone(m.tables[get.Table][string(get.Key)])
	}
	return values, ctx.Err()
}

// Close implements online.Store.
func (m *Memory) Close() error { return nil }

// Survey implements online.Surveyor.
func (m *Memory) Survey(ctx context.Context, project string) ([]online.Holding, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	var found []online.Holding
	for table, rows := range m.tables {
		if table.Project != project || countRows(rows) == 0 {
			continue
		}
		holding := online.Holding{View: table.View, Generation: table.Generation, Rows: countRows(rows)}
		for key, value := range rows {
			holding.Bytes += int64(len(key) + len(value))
		}
		found = append(found, holding)
	}
	slices.SortFunc(found, func(a, b online.Holding) int {
		return cmp.Or(cmp.Compare(a.View, b.View), cmp.Compare(a.Generation, b.Generation))
	})
	return found, ctx.Err()
}

// countRows counts what is no mark.
func countRows(rows map[string][]byte) (count int64) {
	for key := range rows {
		if !online.IsMark([]byte(key)) {
			count++
		}
	}
	return count
}

// Remove implements online.Remover.
func (m *Memory) Remove(ctx context.Context, project, view string) (int64, error) {
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
