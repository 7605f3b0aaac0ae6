package panes

import (
	"slices"
	"strings"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// lateEvents are events that became known only after a label which would else count them. Each label decides about them
// on its own.
type lateEvents struct {
	// keys are the keys of the rows of events, as the index numbers them. order are the rows by key.
	keys   []uint32
	events aggregate.Events
	order  []uint32
	bytes  int64
}

// add copies an event.
func (l *lateEvents) add(number uint32, from *aggregate.Events, row int) {
	const rowBytes, valueBytes = 24, 24
	l.keys = append(l.keys, number)
	l.events.Times = append(l.events.Times, from.Times[row])
	l.events.Created = append(l.events.Created, from.Created[row])
	if l.events.Columns == nil {
		l.events.Columns = make([]*expression.Column, len(from.Columns))
	}
	l.bytes += rowBytes
	for i, column := range from.Columns {
		if column == nil {
			continue
		}
		if l.events.Columns[i] == nil {
			l.events.Columns[i] = emptyLike(column)
		}
		size := len(l.events.Columns[i].Texts)
		Append(l.events.Columns[i], column, row)
		l.bytes += valueBytes
		for _, text := range l.events.Columns[i].Texts[size:] {
			l.bytes += int64(len(text))
		}
	}
}

func emptyLike(column *expression.Column) *expression.Column {
	empty := &expression.Column{Type: column.Type}
	if column.Elements != nil {
		empty.Elements = &expression.Column{Type: column.Elements.Type}
	}
	return empty
}

// Append appends the value of a row to a column, with copies of texts.
func Append(to, from *expression.Column, row int) {
	to.States = append(to.States, from.States[row])
	switch {
	case from.Bools != nil:
		to.Bools = append(to.Bools, from.Bools[row])
	case from.Ints != nil:
		to.Ints = append(to.Ints, from.Ints[row])
	case from.Floats != nil:
		to.Floats = append(to.Floats, from.Floats[row])
	case from.Texts != nil:
		to.Texts = append(to.Texts, strings.Clone(from.Texts[row]))
	case from.Ends != nil:
		begin := 0
		if row > 0 {
			begin = from.Ends[row-1]
		}
		for i := begin; i < from.Ends[row]; i++ {
			Append(to.Elements, from.Elements, i)
		}
		to.Ends = append(to.Ends, len(to.Elements.States))
	}
}

// NewMissing is a column of a type with one row that has no value.
func NewMissing(t plumbv1.Type) *expression.Column {
	missing := aggregate.NewResult(t, 1)
	missing.States[0] = expression.Null
	return missing
}

// settle brings the events into the order of their keys.
func (l *lateEvents) settle() {
	l.order = make([]uint32, len(l.keys))
	for i := range l.order {
		l.order[i] = uint32(i)
	}
	slices.SortFunc(l.order, func(a, b uint32) int { return int(l.keys[a]) - int(l.keys[b]) })
}

// of are the rows of a key.
func (l *lateEvents) of(number uint32) []uint32 {
	if len(l.order) == 0 {
		return nil
	}
	position := func(number uint32) int {
		at, _ := slices.BinarySearchFunc(l.order, number, func(row, number uint32) int {
			return int(l.keys[row]) - int(number)
		})
		return at
	}
	return l.order[position(number):position(number+1)]
}
