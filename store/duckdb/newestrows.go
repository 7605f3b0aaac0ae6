package duckdb

import (
	"math"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/feature"
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
// Numbers are BIGINT and packs HUGEINT. None may be null.
type newestRows struct {
	won *positions
	// read counts the rows, and least is the earliest event time of a key's newest.
	read, least atomic.Int64
	// ties says that there are keys with several rows of their latest event time.
	ties atomic.Bool
}

// hugeint is a HUGEINT as DuckDB has it in memory.
type hugeint struct {
	low  uint64
	high int64
}

func newNewestRows(n *native) (*newestRows, error) {
	r := &newestRows{won: newPositions()}
	r.least.Store(math.MaxInt64)
	const number, huge, truth = mapping.TypeBigInt, mapping.TypeHugeInt, mapping.TypeBoolean
	for _, f := range []signature{
		{"_plumb_pack", []mapping.Type{number, number}, result{single: huge}, pack},
		{"_plumb_newest", []mapping.Type{huge, number}, result{single: truth}, r.newest},
		{"_plumb_tied", []mapping.Type{huge, huge, number}, result{single: truth}, r.tied},
		{"_plumb_event", []mapping.Type{huge}, result{single: number}, packedEvent},
		{"_plumb_latest", []mapping.Type{huge}, result{single: truth}, r.latest},
		{"_plumb_won", []mapping.Type{number}, result{single: truth}, r.isWon},
	} {
		if err := n.register(f); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func pack(c columns, a answer) {
	high, low, packed := valuesOf[int64](&c, 0), valuesOf[int64](&c, 1), numbersOf[hugeint](a)
	for i := range packed {
		packed[i] = hugeint{low: uint64(low[i]), high: high[i]}
	}
}

func packedEvent(c columns, a answer) {
	events := numbersOf[int64](a)
	for i, packed := range valuesOf[hugeint](&c, 0) {
		events[i] = packed.high
	}
}

func (r *newestRows) newest(c columns, a answer) {
	last := valuesOf[hugeint](&c, 0)
	r.mark(last, numbersOf[bool](a))
	r.count(last, valuesOf[int64](&c, 1))
}

func (r *newestRows) latest(c columns, a answer) {
	r.mark(valuesOf[hugeint](&c, 0), numbersOf[bool](a))
}

// mark takes all rows in.
func (r *newestRows) mark(last []hugeint, taken []bool) {
	for i, packed := range last {
		r.won.add(int64(packed.low))
		taken[i] = true
	}
}

func (r *newestRows) tied(c columns, a answer) {
	last, first, tied := valuesOf[hugeint](&c, 0), valuesOf[hugeint](&c, 1), numbersOf[bool](a)
	for i, packed := range last {
		if tied[i] = packed.low != ^first[i].low; tied[i] {
			r.ties.Store(true)
		} else {
			r.won.add(int64(packed.low))
		}
	}
	r.count(last, valuesOf[int64](&c, 2))
}

// count adds keys with the given number of rows each.
func (r *newestRows) count(last []hugeint, rows []int64) {
	read, least := int64(0), int64(math.MaxInt64)
	for i, packed := range last {
		read += rows[i]
		least = min(least, packed.high)
	}
	r.read.Add(read)
	for known := r.least.Load(); least < known && !r.least.CompareAndSwap(known, least); known = r.least.Load() {
	}
}

func (r *newestRows) isWon(c columns, a answer) {
	r.won.find(valuesOf[int64](&c, 0), numbersOf[bool](a))
}

// before returns an instant before all newest rows; nil if there is none.
func (r *newestRows) before() *feature.Instant {
	least := r.least.Load()
	if least == math.MinInt64 || least == math.MaxInt64 {
		return nil
	}
	return new(feature.Instant(least - 1))
}
