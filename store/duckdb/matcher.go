package duckdb

import (
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// matcher is the label index of a session, as SQL works with it:
//
//	_plumb_label(hash, t)                              collects a label for the next index
//	_plumb_offer(hash, visible, event, created, order) shows a feature row to the labels: is it the greatest so far?
//	_plumb_slot(hash, t)                               where the label's winner is, null where it sees no row
//	_plumb_row(slot), _plumb_event(slot)               the winner's position in source order, and its event time
//
// Hashes are UBIGINT, times BIGINT microseconds. A row with a null argument is neither collected nor offered. Users'
// queries cannot call these functions, since their answers depend on more than their arguments.
type matcher struct {
	index *labelIndex
	// labels is the query for the labels that the index is of.
	labels string

	hashes    []uint64
	times     []int64
	collected atomic.Int64
}

func (m *matcher) register(n *native) error {
	const hash, micros, boolean = mapping.TypeUBigInt, mapping.TypeBigInt, mapping.TypeBoolean
	label := []mapping.Type{hash, micros}
	for _, f := range []struct {
		name       string
		parameters []mapping.Type
		result     mapping.Type
		call       function
	}{
		{"_plumb_label", label, boolean, m.collect},
		{"_plumb_offer", []mapping.Type{hash, micros, micros, micros, micros}, boolean, m.offer},
		{"_plumb_slot", label, micros, m.slot},
		{"_plumb_row", []mapping.Type{micros}, micros, m.winner(func(_, row int64) int64 { return row })},
		{"_plumb_event", []mapping.Type{micros}, micros, m.winner(func(event, _ int64) int64 { return event })},
	} {
		if err := n.register(f.name, f.parameters, f.result, f.call); err != nil {
			return err
		}
	}
	return nil
}

// expect makes room for labels to be collected.
func (m *matcher) expect(labels int64) {
	m.index, m.labels = nil, ""
	m.hashes, m.times = make([]uint64, labels), make([]int64, labels)
	m.collected.Store(0)
}

// build makes the index of what was collected.
func (m *matcher) build(labels string) {
	count := m.collected.Load()
	m.index, m.labels = newLabelIndex(m.hashes[:count], m.times[:count]), labels
	m.hashes, m.times = nil, nil
}

func (m *matcher) collect(c columns, a answer) {
	rows := c.present()
	hashes, kept := c.unsigned(0), a.bools()
	next := m.collected.Add(int64(len(rows))) - int64(len(rows))
	clear(kept)
	for i, row := range rows {
		m.hashes[next+int64(i)], m.times[next+int64(i)] = hashes[row], c.args[1][row]
		kept[row] = true
	}
}

func (m *matcher) offer(c columns, a answer) {
	rows := featureRows{hashes: c.unsigned(0), visible: c.args[1], event: c.args[2], created: c.args[3], order: c.args[4]}
	if c.complete() {
		m.index.offer(rows, a.bools())
		return
	}
	kept := a.bools()
	clear(kept)
	for _, row := range c.present() {
		m.index.offer(rows.slice(row, row+1), kept[row:row+1])
	}
}

func (m *matcher) slot(c columns, a answer) {
	slots := a.integers()
	m.index.find(c.unsigned(0), c.args[1], slots)
	var none []int
	for i, slot := range slots {
		if slot < 0 {
			none = append(none, i)
		}
	}
	a.setNull(none)
}

func (m *matcher) winner(part func(event, row int64) int64) function {
	return func(c columns, a answer) {
		values := a.integers()
		for _, i := range c.present() {
			values[i] = part(m.index.winner(c.args[0][i]))
		}
	}
}
