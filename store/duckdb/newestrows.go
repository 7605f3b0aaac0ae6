package duckdb

import (
	"math"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/duckdb/native"
)

// newestRows finds the newest row of each key, as SQL works with it:
//
//	_plumb_pack(high, low)        both in one number, which orders by high and then by low
//	_plumb_newest(last, rows)     the greatest pack of event time and order among the rows of a key, and how many they
//	                              are: takes the row as the newest of its key
//	_plumb_tied(last, first, rows)
//	                              the same if first is the greatest pack of event time and order backwards, unless
//	                              the two are different rows, of one event time then: are they?
//	_plumb_event(pack)            the event time
//	_plumb_latest(last)           the greatest pack of created time and order among the rows of a key that are tied:
//	                              takes the row as the newest of its key
//	_plumb_won(order)             is the row the newest of its key?
//
// Numbers are BIGINT and packs HUGEINT. None may be null. The functions are registered once in a connection, and begin
// starts another search.
type newestRows struct{ *newestSearch }

// newestSearch is what one search has found.
type newestSearch struct {
	won *positions
	// read counts the rows, and least is the earliest event time of a key's newest.
	read, least atomic.Int64
	// ties says that there are keys with several rows of their latest event time.
	ties atomic.Bool
}

func newNewestRows(n *native.Connection) (*newestRows, error) {
	r := &newestRows{}
	const number, huge = mapping.TypeBigInt, mapping.TypeHugeInt
	truth := native.Result{Single: mapping.TypeBoolean}
	for _, f := range []native.Function{
		{Name: "_plumb_pack", Parameters: []mapping.Type{number, number}, Result: native.Result{Single: huge}, Call: pack},
		{Name: "_plumb_newest", Parameters: []mapping.Type{huge, number}, Result: truth, Call: r.newest},
		{Name: "_plumb_tied", Parameters: []mapping.Type{huge, huge, number}, Result: truth, Call: r.tied},
		{Name: "_plumb_event", Parameters: []mapping.Type{huge}, Result: native.Result{Single: number}, Call: packedEvent},
		{Name: "_plumb_latest", Parameters: []mapping.Type{huge}, Result: truth, Call: r.latest},
		{Name: "_plumb_won", Parameters: []mapping.Type{number}, Result: truth, Call: r.isWon},
	} {
		if err := n.Register(f); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// begin forgets what was found. No statement may be running.
func (r *newestRows) begin() {
	r.newestSearch = &newestSearch{won: newPositions()}
	r.least.Store(math.MaxInt64)
}

func pack(c native.Columns, a native.Answer) {
	high, low, packed := native.Values[int64](&c, 0), native.Values[int64](&c, 1), native.Numbers[native.HugeInt](a)
	for i := range packed {
		packed[i] = native.HugeInt{Low: uint64(low[i]), High: high[i]}
	}
}

func packedEvent(c native.Columns, a native.Answer) {
	events := native.Numbers[int64](a)
	for i, packed := range native.Values[native.HugeInt](&c, 0) {
		events[i] = packed.High
	}
}

func (r *newestRows) newest(c native.Columns, a native.Answer) {
	last := native.Values[native.HugeInt](&c, 0)
	r.mark(last, native.Numbers[bool](a))
	r.count(last, native.Values[int64](&c, 1))
}

func (r *newestRows) latest(c native.Columns, a native.Answer) {
	r.mark(native.Values[native.HugeInt](&c, 0), native.Numbers[bool](a))
}

// mark takes all rows in.
func (r *newestRows) mark(last []native.HugeInt, taken []bool) {
	for i, packed := range last {
		r.won.add(int64(packed.Low))
		taken[i] = true
	}
}

func (r *newestRows) tied(c native.Columns, a native.Answer) {
	last, first := native.Values[native.HugeInt](&c, 0), native.Values[native.HugeInt](&c, 1)
	tied := native.Numbers[bool](a)
	for i, packed := range last {
		if tied[i] = packed.Low != ^first[i].Low; tied[i] {
			r.ties.Store(true)
		} else {
			r.won.add(int64(packed.Low))
		}
	}
	r.count(last, native.Values[int64](&c, 2))
}

// count adds keys with the given number of rows each.
func (r *newestRows) count(last []native.HugeInt, rows []int64) {
	read, least := int64(0), int64(math.MaxInt64)
	for i, packed := range last {
		read += rows[i]
		least = min(least, packed.High)
	}
	r.read.Add(read)
	for known := r.least.Load(); least < known && !r.least.CompareAndSwap(known, least); known = r.least.Load() {
	}
}

func (r *newestRows) isWon(c native.Columns, a native.Answer) {
	r.won.find(native.Values[int64](&c, 0), native.Numbers[bool](a))
}

// before returns an instant before all newest rows; nil if there is none.
func (r *newestRows) before() *feature.Instant {
	least := r.least.Load()
	if least == math.MinInt64 || least == math.MaxInt64 {
		return nil
	}
	return new(feature.Instant(least - 1))
}
