package duckdb

import (
	"fmt"

	"github.com/duckdb/duckdb-go/v2/mapping"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/native"
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

func (m *matcher) register(n *native.Connection, use int) error {
	const hash, integer = mapping.TypeUBigInt, mapping.TypeBigInt
	truth := native.Result{Single: mapping.TypeBoolean}
	functions := []native.Function{
		{Name: "offer", Parameters: []mapping.Type{hash, integer, integer, integer}, Result: truth, Call: m.offer},
		{Name: "rank", Parameters: []mapping.Type{hash, integer, integer, integer, integer}, Result: truth, Call: m.offer},
		{Name: "wins", Parameters: []mapping.Type{integer}, Result: truth, Call: m.wins},
		{Name: "found", Parameters: []mapping.Type{hash, integer}, Result: m.foundType(), Call: m.found},
	}
	if len(m.kept) > 0 {
		functions = append(functions,
			native.Function{Name: "keep", Parameters: append([]mapping.Type{integer}, m.kept...), Result: truth,
				Call: m.keep})
	}
	for _, f := range functions {
		f.Name = fmt.Sprintf("_plumb_%s%d", f.Name, use)
		if err := n.Register(f); err != nil {
			return err
		}
	}
	return nil
}

// foundFields is how many fields of a winner come before its features.
const foundFields = 3

func (m *matcher) foundType() native.Result {
	fields := []native.Field{{Name: "o", Kind: mapping.TypeBigInt}, {Name: "e", Kind: mapping.TypeBigInt},
		{Name: "expired", Kind: mapping.TypeBoolean}}
	for i, kept := range m.kept {
		fields = append(fields, native.Field{Name: m.names[i], Kind: kept})
	}
	return native.Result{Fields: fields}
}

func (m *matcher) offer(c native.Columns, a native.Answer) {
	rows := winners.Rows{
		Hashes:  native.Values[uint64](&c, 0),
		Visible: native.Values[int64](&c, 1),
		Event:   native.Values[int64](&c, 2),
		Order:   native.Values[int64](&c, 3),
	}
	if len(c.Data) > 4 {
		rows.Created = native.Values[int64](&c, 4)
	}
	greatest := native.Numbers[bool](a)
	if c.Complete() {
		m.index.Offer(rows, greatest)
		return
	}
	clear(greatest)
	for _, row := range c.Present() {
		m.index.Offer(rows.Slice(row, row+1), greatest[row:row+1])
	}
}

func (m *matcher) wins(c native.Columns, a native.Answer) {
	m.winners.Take(native.Values[int64](&c, 0), nil, native.Numbers[bool](a))
}

func (m *matcher) keep(c native.Columns, a native.Answer) {
	features := make([]winners.Column, len(m.kept))
	for i, kept := range m.kept {
		features[i] = newFeatureColumn(&c, 1+i, kept)
	}
	m.winners.Take(native.Values[int64](&c, 0), features, native.Numbers[bool](a))
}

func (m *matcher) found(c native.Columns, a native.Answer) {
	slots := make([]int64, c.Rows)
	m.index.Find(native.Values[uint64](&c, 0), native.Values[int64](&c, 1), slots)
	order, event, expired := a.Field(0), a.Field(1), a.Field(2)
	orders, events, olds := native.Numbers[int64](order), native.Numbers[int64](event), native.Numbers[bool](expired)
	numbers := make([]int64, c.Rows)
	var none []int
	for i, slot := range slots {
		numbers[i] = -1
		if slot < 0 || winners.IsNull(c.Masks[0], i) || winners.IsNull(c.Masks[1], i) {
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
	for _, field := range []native.Answer{order, event, expired} {
		field.SetNull(none)
	}
	for i, kept := range m.kept {
		m.feature(a.Field(foundFields+i), kept, i, numbers)
	}
}

// feature gives a column the feature that was kept of the winners with the numbers.
func (m *matcher) feature(column native.Answer, kept mapping.Type, at int, numbers []int64) {
	var none []int
	switch width(kept) {
	case 1:
		none = winners.Gather(m.winners, at, numbers, native.Numbers[uint8](column))
	case 4:
		none = winners.Gather(m.winners, at, numbers, native.Numbers[uint32](column))
	default:
		none = winners.Gather(m.winners, at, numbers, native.Numbers[uint64](column))
	}
	column.SetNull(none)
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
func newFeatureColumn(c *native.Columns, arg int, t mapping.Type) winners.Column {
	column := winners.Column{Mask: c.Masks[arg]}
	switch width(t) {
	case 1:
		column.Bytes = native.Values[uint8](c, arg)
	case 4:
		column.Halves = native.Values[uint32](c, arg)
	default:
		column.Words = native.Values[uint64](c, arg)
	}
	return column
}
