package duckdb

import (
	"fmt"

	"github.com/duckdb/duckdb-go/v2/mapping"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// matcher finds the winners of a use, as SQL works with it. # is the use's number:
//
//	_plumb_offer#(hash, visible, event, order)
//	                       shows a feature row to the labels: is it the greatest so far?
//	_plumb_rank#(hash, visible, event, order, created)
//	                       the same, for rows of one event time by their created times
//	_plumb_wins#(order)    has the row won a label that it is not too old for?
//	_plumb_keep#(order, feature, …)
//	                       the same, and keeps the features of the row if so
//	_plumb_found#(hash, t) the label's winner
//
// Hashes are UBIGINT, times BIGINT microseconds. A row with a null hash, time or order is not offered. Users' queries
// cannot call these functions, since their answers depend on more than their arguments.
//
// A winner is a STRUCT of o, its position in source order; e, its event time; expired; if features are kept, f and the
// position in the view for each; and, if wanted, c, its created time. All are null if the label sees no row. For a row
// that is too old, a use with statuses has all fields but the features, and other uses have none.
type matcher struct {
	index *winners.Index
	// winners are there once the index is settled: those that are live, or all for statuses.
	winners  *winners.Kept
	ttl      int64
	statuses bool
	// kept are the types of the columns that are kept, the features and perhaps the created time, and names theirs.
	kept  []mapping.Type
	names []string
}

// settle finds the winners. No row may be offered any more.
func (m *matcher) settle() {
	m.index.Settle()
	ttl := m.ttl
	if m.statuses {
		ttl = 0
	}
	m.winners = winners.Keep(m.index, ttl, len(m.kept))
}

// keepable are the declared types whose values an index can keep: those of at most 8 bytes.
var keepable = map[plumbv1.Type]mapping.Type{
	plumbv1.Type_BOOL:    mapping.TypeBoolean,
	plumbv1.Type_INT32:   mapping.TypeInteger,
	plumbv1.Type_INT64:   mapping.TypeBigInt,
	plumbv1.Type_FLOAT32: mapping.TypeFloat,
	plumbv1.Type_FLOAT64: mapping.TypeDouble,
}

func (m *matcher) register(n *native, use int) error {
	const hash, integer, truth = mapping.TypeUBigInt, mapping.TypeBigInt, mapping.TypeBoolean
	functions := []signature{
		{"offer", []mapping.Type{hash, integer, integer, integer}, result{single: truth}, m.offer},
		{"rank", []mapping.Type{hash, integer, integer, integer, integer}, result{single: truth}, m.offer},
		{"wins", []mapping.Type{integer}, result{single: truth}, m.wins},
		{"found", []mapping.Type{hash, integer}, m.foundType(), m.found},
	}
	if len(m.kept) > 0 {
		functions = append(functions,
			signature{"keep", append([]mapping.Type{integer}, m.kept...), result{single: truth}, m.keep})
	}
	for _, f := range functions {
		f.name = fmt.Sprintf("_plumb_%s%d", f.name, use)
		if err := n.register(f); err != nil {
			return err
		}
	}
	return nil
}

// foundFields is how many fields of a winner come before its features.
const foundFields = 3

func (m *matcher) foundType() result {
	fields := []field{{"o", mapping.TypeBigInt}, {"e", mapping.TypeBigInt}, {"expired", mapping.TypeBoolean}}
	for i, kept := range m.kept {
		fields = append(fields, field{m.names[i], kept})
	}
	return result{fields: fields}
}

func (m *matcher) offer(c columns, a answer) {
	rows := winners.Rows{
		Hashes:  valuesOf[uint64](&c, 0),
		Visible: valuesOf[int64](&c, 1),
		Event:   valuesOf[int64](&c, 2),
		Order:   valuesOf[int64](&c, 3),
	}
	if len(c.data) > 4 {
		rows.Created = valuesOf[int64](&c, 4)
	}
	greatest := numbersOf[bool](a)
	if c.complete() {
		m.index.Offer(rows, greatest)
		return
	}
	clear(greatest)
	for _, row := range c.present() {
		m.index.Offer(rows.Slice(row, row+1), greatest[row:row+1])
	}
}

func (m *matcher) wins(c columns, a answer) {
	m.winners.Take(valuesOf[int64](&c, 0), nil, numbersOf[bool](a))
}

func (m *matcher) keep(c columns, a answer) {
	features := make([]winners.Column, len(m.kept))
	for i, kept := range m.kept {
		features[i] = newFeatureColumn(&c, 1+i, kept)
	}
	m.winners.Take(valuesOf[int64](&c, 0), features, numbersOf[bool](a))
}

func (m *matcher) found(c columns, a answer) {
	slots := make([]int64, c.rows)
	m.index.Find(valuesOf[uint64](&c, 0), valuesOf[int64](&c, 1), slots)
	order, event, expired := a.field(0), a.field(1), a.field(2)
	orders, events, olds := numbersOf[int64](order), numbersOf[int64](event), numbersOf[bool](expired)
	numbers := make([]int64, c.rows)
	var none []int
	for i, slot := range slots {
		numbers[i] = -1
		if slot < 0 || winners.IsNull(c.masks[0], i) || winners.IsNull(c.masks[1], i) {
			none = append(none, i)
			continue
		}
		s := &m.index.Slots[slot]
		live := s.IsLive(m.ttl)
		if !live && !m.statuses {
			none = append(none, i)
			continue
		}
		orders[i], events[i], olds[i] = s.Order(), s.Event, !live
		if live && m.kept != nil {
			numbers[i] = m.winners.Number(orders[i])
		}
	}
	for _, field := range []answer{order, event, expired} {
		field.setNull(none)
	}
	for i, kept := range m.kept {
		m.feature(a.field(foundFields+i), kept, i, numbers)
	}
}

// feature gives a column the feature that was kept of the winners with the numbers.
func (m *matcher) feature(column answer, kept mapping.Type, at int, numbers []int64) {
	var none []int
	switch width(kept) {
	case 1:
		none = winners.Gather(m.winners, at, numbers, numbersOf[uint8](column))
	case 4:
		none = winners.Gather(m.winners, at, numbers, numbersOf[uint32](column))
	default:
		none = winners.Gather(m.winners, at, numbers, numbersOf[uint64](column))
	}
	column.setNull(none)
}

// width is the number of bytes of a value.
func width(t mapping.Type) int {
	switch t {
	case mapping.TypeBoolean:
		return 1
	case mapping.TypeInteger, mapping.TypeFloat:
		return 4
	}
	return 8
}

// newFeatureColumn is an argument as the index takes features.
func newFeatureColumn(c *columns, arg int, t mapping.Type) winners.Column {
	column := winners.Column{Mask: c.masks[arg]}
	switch width(t) {
	case 1:
		column.Bytes = valuesOf[uint8](c, arg)
	case 4:
		column.Halves = valuesOf[uint32](c, arg)
	default:
		column.Words = valuesOf[uint64](c, arg)
	}
	return column
}
