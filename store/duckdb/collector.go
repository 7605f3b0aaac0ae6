package duckdb

import (
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/store/duckdb/winners"
)

// collector gathers labels for an index, as SQL works with it:
//
//	_plumb_label(hash, t)  takes a label in
//
// Hashes are UBIGINT, times BIGINT microseconds. A label with a null argument is not taken.
type collector struct {
	hashes []uint64
	times  []int64
	taken  atomic.Int64

	// index is the last one that was built, and labels the query for what it is of: uses of one key share all but its
	// slots, and the first takes those too.
	index  *winners.Index
	labels string
	given  bool
}

func (c *collector) register(n *native) error {
	return n.register(signature{"_plumb_label", []mapping.Type{mapping.TypeUBigInt, mapping.TypeBigInt},
		result{single: mapping.TypeBoolean}, c.take})
}

// expect makes room for labels.
func (c *collector) expect(labels int64) {
	c.forget()
	c.hashes, c.times = make([]uint64, labels), make([]int64, labels)
	c.taken.Store(0)
}

// forget lets go of the last index.
func (c *collector) forget() { c.index, c.labels, c.given = nil, "", false }

// build makes the index of the labels that were taken.
func (c *collector) build(labels string) {
	c.index, c.labels = winners.NewIndex(c.hashes, c.times), labels
	c.hashes, c.times = nil, nil
}

// give hands out the index for a use.
func (c *collector) give() *winners.Index {
	if c.given {
		return c.index.WithoutRows()
	}
	c.given = true
	return c.index
}

func (c *collector) take(args columns, a answer) {
	rows := args.present()
	hashes, times, taken := valuesOf[uint64](&args, 0), valuesOf[int64](&args, 1), numbersOf[bool](a)
	next := c.taken.Add(int64(len(rows))) - int64(len(rows))
	clear(taken)
	for i, row := range rows {
		c.hashes[next+int64(i)], c.times[next+int64(i)] = hashes[row], times[row]
		taken[row] = true
	}
}
