package duckdb

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/panes"
	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// paneCounter counts the events of a use of a view of the kind feature.Windows, as SQL works with it. # is the use's
// number:
//
//	_plumb_cut#(hash, t, key, …)    takes a label in
//	_plumb_counts#(hash)            may the key of an event have labels?
//	_plumb_add#(hash, event, created, key, …, feature, …)
//	                                adds an event, unless the filter leaves it out
//	_plumb_windows#(hash, t)        the results of a label
//
// Hashes are UBIGINT, times BIGINT microseconds. The keys are those that the hash is of: the index tells by another
// hash of them whether two have one hash.
//
// The results are a STRUCT of e, the event time of the view's row; with provenance a, the earliest event in the widest
// window, and m, how many it has; and for each feature f and s and its position in the view, the value and its state,
// which is an expression.State. All are null if the label finds no row.
type paneCounter struct {
	plan *panePlan
	keys []plumbv1.Type
	// oneToOne says that no two keys have one hash.
	oneToOne bool
	features []int
	index    *panes.Index
	seed     maphash.Seed
	// pool has the paneWork of calls.
	pool sync.Pool

	labels panes.Labels
	taken  atomic.Int64
	// invalid counts the values of each feature that are INVALID.
	invalid []atomic.Int64
}

func newPaneCounter(plan *panePlan, features []int, oneToOne bool) *paneCounter {
	c := &paneCounter{plan: plan, oneToOne: oneToOne, features: features, seed: maphash.MakeSeed(),
		invalid: make([]atomic.Int64, len(features))}
	for _, key := range plan.view.Keys {
		c.keys = append(c.keys, key.Type)
	}
	c.pool.New = func() any { return newPaneWork(plan) }
	return c
}

func (c *paneCounter) register(n *native.Connection, use int) error {
	const hash, integer = mapping.TypeUBigInt, mapping.TypeBigInt
	truth := native.Result{Single: mapping.TypeBoolean}
	for _, f := range []native.Function{
		{Name: "cut", Result: truth, Call: c.cut},
		{Name: "counts", Parameters: []mapping.Type{hash}, Result: truth, Call: c.counts},
		{Name: "add", Result: truth, Call: c.add},
		{Name: "windows", Parameters: []mapping.Type{hash, integer}, Result: c.resultType(), Call: c.find},
	} {
		f.Name = fmt.Sprintf("_plumb_%s%d", f.Name, use)
		if err := n.Register(f); err != nil {
			return err
		}
	}
	return nil
}

func (c *paneCounter) resultType() native.Result {
	fields := []native.Field{{Name: "e", Kind: mapping.TypeBigInt}}
	if c.plan.widest != nil {
		fields = append(fields, native.Field{Name: "a", Kind: mapping.TypeBigInt},
			native.Field{Name: "m", Kind: mapping.TypeBigInt})
	}
	for _, f := range c.features {
		kind, isList := vectorType(c.plan.view.Features[f].Type)
		fields = append(fields, native.Field{Name: fmt.Sprintf("f%d", f), Kind: kind, List: isList},
			native.Field{Name: fmt.Sprintf("s%d", f), Kind: mapping.TypeUTinyInt})
	}
	return native.Result{Fields: fields}
}

// expect makes room for labels.
func (c *paneCounter) expect(labels int64) {
	c.index = nil
	c.labels = panes.Labels{Hashes: make([]uint64, labels), Checks: make([]uint64, labels), Times: make([]int64, labels)}
	c.taken.Store(0)
}

// cut takes labels in. None of the arguments is null.
func (c *paneCounter) cut(args native.Columns, a native.Answer) {
	next := c.taken.Add(int64(args.Rows)) - int64(args.Rows)
	copy(c.labels.Hashes[next:], native.Values[uint64](&args, 0))
	copy(c.labels.Times[next:], native.Values[int64](&args, 1))
	c.check(&args, 2, c.labels.Checks[next:next+int64(args.Rows)])
	taken := native.Numbers[bool](a)
	for i := range taken {
		taken[i] = true
	}
}

// check makes the second hash of keys, which are arguments from some position on.
func (c *paneCounter) check(args *native.Columns, first int, checks []uint64) {
	clear(checks)
	if c.oneToOne {
		return
	}
	var both [16]byte
	for i, t := range c.keys {
		for row := range checks {
			binary.LittleEndian.PutUint64(both[:], checks[row])
			binary.LittleEndian.PutUint64(both[8:], c.hashOf(args, first+i, t, row))
			checks[row] = maphash.Bytes(c.seed, both[:])
		}
	}
}

// hashOf is a number for a key, which for texts is a hash.
func (c *paneCounter) hashOf(args *native.Columns, arg int, t plumbv1.Type, row int) uint64 {
	switch t {
	case plumbv1.Type_STRING, plumbv1.Type_BYTES:
		return maphash.String(c.seed, args.Text(arg, row))
	case plumbv1.Type_BOOL:
		return uint64(native.Values[uint8](args, arg)[row])
	case plumbv1.Type_INT32:
		return uint64(native.Values[int32](args, arg)[row])
	}
	return native.Values[uint64](args, arg)[row]
}

func (c *paneCounter) counts(args native.Columns, a native.Answer) {
	c.index.Counts(native.Values[uint64](&args, 0), native.Numbers[bool](a))
}

// paneWork is what a call adds events with.
type paneWork struct {
	panes.Work

	columns []*expression.Column
	checks  []uint64
	keep    []bool
}

func newPaneWork(plan *panePlan) *paneWork {
	w := &paneWork{columns: make([]*expression.Column, len(plan.columns))}
	for i, column := range plan.columns {
		if column.needed && !column.computed {
			w.columns[i] = newColumn(column.Type)
		}
	}
	return w
}

func newColumn(t plumbv1.Type) *expression.Column {
	column := &expression.Column{Type: t}
	if element, ok := value.ElementType(t); ok {
		column.Elements = &expression.Column{Type: element}
	}
	return column
}

// firstKey is the position of the first key among the arguments of _plumb_add.
const firstKey = 3

func (c *paneCounter) add(args native.Columns, a native.Answer) {
	w := c.pool.Get().(*paneWork)
	defer c.pool.Put(w)
	w.checks = resized(w.checks, args.Rows)
	c.check(&args, firstKey, w.checks)
	events := aggregate.Events{Times: native.Values[int64](&args, 1), Created: native.Values[int64](&args, 2),
		Columns: make([]*expression.Column, len(c.plan.columns))}
	c.read(w, &args, events.Columns)
	if program := c.plan.program; program != nil {
		e := program.Begin(args.Rows)
		defer e.Release()
		c.compute(e, &args, events.Columns)
	}
	batch := panes.Batch{Hashes: native.Values[uint64](&args, 0), Checks: w.checks, Events: &events}
	if c.plan.filter != aggregate.None {
		w.keep = resized(w.keep, args.Rows)
		applyFilter(w.keep, &events, c.plan.filter)
		batch.Counts = w.keep
	}
	c.index.Add(&batch, &w.Work)
	clear(native.Numbers[bool](a))
}

// read takes the columns that are arguments. Their texts are DuckDB's, and valid during the call alone.
func (c *paneCounter) read(w *paneWork, args *native.Columns, columns []*expression.Column) {
	for i, column := range c.plan.columns {
		to := w.columns[i]
		if to == nil {
			continue
		}
		to.States = resized(to.States, args.Rows)
		clear(to.States)
		if to.Elements != nil {
			to.Ends = resized(to.Ends, args.Rows)
		}
		fillArgument(to, args, firstKey+len(c.keys)+column.at, column.Type)
		columns[i] = to
	}
}

// compute runs the program. The columns that it computes are the evaluation's.
func (c *paneCounter) compute(e *expression.Evaluation, args *native.Columns, columns []*expression.Column) {
	for i, at := range c.plan.program.Inputs() {
		fillArgument(e.Input(at), args, firstKey+len(c.keys)+c.plan.inputs[i], e.Input(at).Type)
	}
	e.Run()
	for i, column := range c.plan.columns {
		if column.computed {
			columns[i] = e.Output(column.at)
		}
	}
}

func resized[T any](values []T, size int) []T {
	if cap(values) < size {
		return make([]T, size)
	}
	return values[:size]
}

// applyFilter says which events count. One whose filter has no value counts with columns that have none (R26).
func applyFilter(keep []bool, events *aggregate.Events, filter int) {
	outcome := events.Columns[filter]
	for row, state := range outcome.States {
		keep[row] = state == expression.Invalid || state == expression.Present && outcome.Bools[row]
		if state != expression.Invalid {
			continue
		}
		for _, column := range events.Columns {
			if column != nil {
				column.States[row] = expression.Invalid
			}
		}
	}
}

// find answers with the results of labels.
func (c *paneCounter) find(args native.Columns, a native.Answer) {
	places := make([]panes.Place, args.Rows)
	c.index.Find(native.Values[uint64](&args, 0), native.Values[int64](&args, 1), places)
	var none []int
	for row := range places {
		if winners.IsNull(args.Masks[0], row) || winners.IsNull(args.Masks[1], row) {
			places[row].Shard = panes.NoShard
		}
		if places[row].Shard == panes.NoShard {
			none = append(none, row)
		}
	}
	times := native.Numbers[int64](a.Field(0))
	for row, place := range places {
		if place.Shard != panes.NoShard {
			times[row] = c.index.EventTime(place)
		}
	}
	a.Field(0).SetNull(none)
	first := 1
	if c.plan.widest != nil {
		c.extent(places, none, a.Field(1), a.Field(2))
		first = 3
	}
	for i, f := range c.features {
		c.feature(i, f, places, a.Field(first+2*i), a.Field(first+2*i+1))
		a.Field(first + 2*i + 1).SetNull(none)
	}
}

func (c *paneCounter) extent(places []panes.Place, none []int, earliest, counts native.Answer) {
	times, numbers := native.Numbers[int64](earliest), native.Numbers[int64](counts)
	var empty []int
	for row, place := range places {
		if place.Shard == panes.NoShard {
			continue
		}
		if numbers[row], times[row] = c.index.Extent(place); numbers[row] == 0 {
			empty = append(empty, row)
		}
	}
	earliest.SetNull(none)
	earliest.SetNull(empty)
	counts.SetNull(none)
}

// forget forgets which values were INVALID.
func (c *paneCounter) forget() {
	for i := range c.invalid {
		c.invalid[i].Store(0)
	}
}

// feature answers with a feature and its states.
func (c *paneCounter) feature(at, f int, places []panes.Place, values, states native.Answer) {
	from, t := c.plan.results[f], c.plan.view.Features[f].Type
	column := newColumn(t)
	missing := panes.NewMissing(t)
	var invalid int64
	for _, place := range places {
		if place.Shard == panes.NoShard {
			panes.Append(column, missing, 0)
			continue
		}
		results := c.index.Results(from.aggregate, place.Shard)[from.result]
		panes.Append(column, results, int(place.Row))
		if results.States[place.Row] == expression.Invalid {
			invalid++
		}
	}
	c.invalid[at].Add(invalid)
	answerWith(values, column, t)
	numbers := native.Numbers[uint8](states)
	for row, state := range column.States {
		numbers[row] = uint8(state)
	}
}

// build makes the index of the labels that were taken, for states of so many bytes at the most.
func (c *paneCounter) build(s paneSearch, bytes int64) (err error) {
	c.index, err = panes.NewIndex(panes.Question{Plan: c.plan.plan, Aggregates: c.plan.aggregates, Spans: c.plan.spans,
		Widest: c.plan.widest, AsKnown: s.asKnown, Bytes: bytes}, c.labels)
	c.labels = panes.Labels{}
	return err
}
