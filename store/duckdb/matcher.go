package duckdb

import (
	"fmt"

	"github.com/duckdb/duckdb-go/v2/mapping"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// matcher is the label index of a use, as SQL works with it. # is the use's number:
//
//	_plumb_offer#(hash, visible, event, created, order, feature, …)
//	                           shows a feature row to the labels: is it the greatest so far?
//	_plumb_slot#(hash, t)      where the label's winner is, null where it sees no row
//	_plumb_row#(slot)          the winner's position in source order
//	_plumb_event#(slot)        its event time
//	_plumb_feature#_i(slot)    its i-th feature, where the index keeps features
//
// Hashes are UBIGINT, times BIGINT microseconds. A row with a null hash, time or order is not offered. Users' queries
// cannot call these functions, since their answers depend on more than their arguments.
type matcher struct {
	index *labelIndex
	// kept are the types of the features that the index keeps.
	kept []mapping.Type
}

// offered is the number of arguments of _plumb_offer before the features.
const offered = 5

// keepable are the declared types whose values an index can keep: those of at most 8 bytes.
var keepable = map[plumbv1.Type]mapping.Type{
	plumbv1.Type_BOOL:    mapping.TypeBoolean,
	plumbv1.Type_INT32:   mapping.TypeInteger,
	plumbv1.Type_INT64:   mapping.TypeBigInt,
	plumbv1.Type_FLOAT32: mapping.TypeFloat,
	plumbv1.Type_FLOAT64: mapping.TypeDouble,
}

func (m *matcher) register(n *native, use int) error {
	const hash, integer = mapping.TypeUBigInt, mapping.TypeBigInt
	row := append([]mapping.Type{hash, integer, integer, integer, integer}, m.kept...)
	slot := []mapping.Type{integer}
	functions := []struct {
		name       string
		parameters []mapping.Type
		result     mapping.Type
		call       function
	}{
		{"offer", row, mapping.TypeBoolean, m.offer},
		{"slot", []mapping.Type{hash, integer}, integer, m.slot},
		{"row", slot, integer, m.winner(func(_, row int64) int64 { return row })},
		{"event", slot, integer, m.winner(func(event, _ int64) int64 { return event })},
	}
	for _, f := range functions {
		if err := n.register(fmt.Sprintf("_plumb_%s%d", f.name, use), f.parameters, f.result, f.call); err != nil {
			return err
		}
	}
	for i, kept := range m.kept {
		if err := n.register(fmt.Sprintf("_plumb_feature%d_%d", use, i), slot, kept, m.feature(i)); err != nil {
			return err
		}
	}
	return nil
}

func (m *matcher) offer(c columns, a answer) {
	rows := featureRows{
		hashes:  valuesOf[uint64](&c, 0),
		visible: valuesOf[int64](&c, 1),
		event:   valuesOf[int64](&c, 2),
		created: valuesOf[int64](&c, 3),
		order:   valuesOf[int64](&c, 4),
	}
	for i, kept := range m.kept {
		rows.features = append(rows.features, newFeatureColumn(&c, offered+i, kept))
	}
	greatest := a.bools()
	if c.complete(offered) {
		m.index.offer(rows, greatest)
		return
	}
	clear(greatest)
	for _, row := range c.present(offered) {
		m.index.offer(rows.slice(row, row+1), greatest[row:row+1])
	}
}

func (m *matcher) slot(c columns, a answer) {
	slots := numbersOf[int64](a)
	m.index.find(valuesOf[uint64](&c, 0), valuesOf[int64](&c, 1), slots)
	var none []int
	for i, slot := range slots {
		if slot < 0 || isNull(c.masks[0], i) || isNull(c.masks[1], i) {
			none = append(none, i)
		}
	}
	a.setNull(none)
}

func (m *matcher) winner(part func(event, row int64) int64) function {
	return func(c columns, a answer) {
		slots, values := valuesOf[int64](&c, 0), numbersOf[int64](a)
		var none []int
		for i, slot := range slots {
			if isNull(c.masks[0], i) {
				none = append(none, i)
				continue
			}
			values[i] = part(m.index.winner(slot))
		}
		a.setNull(none)
	}
}

func (m *matcher) feature(at int) function {
	return func(c columns, a answer) {
		var none []int
		slots := valuesOf[int64](&c, 0)
		read := func(i int) (value uint64) {
			if !isNull(c.masks[0], i) {
				value, null := m.index.feature(slots[i], at)
				if !null {
					return value
				}
			}
			none = append(none, i)
			return 0
		}
		switch width(m.kept[at]) {
		case 1:
			fill(numbersOf[uint8](a), read)
		case 4:
			fill(numbersOf[uint32](a), read)
		default:
			fill(numbersOf[uint64](a), read)
		}
		a.setNull(none)
	}
}

func fill[T uint8 | uint32 | uint64](values []T, read func(int) uint64) {
	for i := range values {
		values[i] = T(read(i))
	}
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
func newFeatureColumn(c *columns, arg int, t mapping.Type) featureColumn {
	column := featureColumn{mask: c.masks[arg]}
	switch width(t) {
	case 1:
		column.bytes = valuesOf[uint8](c, arg)
	case 4:
		column.halves = valuesOf[uint32](c, arg)
	default:
		column.words = valuesOf[uint64](c, arg)
	}
	return column
}
