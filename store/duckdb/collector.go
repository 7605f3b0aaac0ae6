package duckdb

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/session"
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

func (c *collector) register(n *native.Connection) error {
	return n.Register(native.Function{Name: "_plumb_label",
		Parameters: []mapping.Type{mapping.TypeUBigInt, mapping.TypeBigInt},
		Result:     native.Result{Single: mapping.TypeBoolean}, Call: c.take})
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

// indexOf makes an index of the labels of a pass, or hands out the last one if that is of the same: uses of one key
// share what they can.
func (c *collector) indexOf(ctx context.Context, s *session.Session, pass search) (*winners.Index, error) {
	if labels := pass.collect(); c.labels != labels {
		if err := c.collect(ctx, s, pass.keyed(pass.pass), labels); err != nil {
			return nil, err
		}
	}
	return c.give(), nil
}

// collect takes in the labels that a query has, by the query that hands them over.
func (c *collector) collect(ctx context.Context, s *session.Session, keyed, labels string) error {
	var expected, taken int64
	if err := s.QueryRow(ctx, "SELECT count(*) FROM ("+keyed+")", &expected); err != nil {
		return err
	}
	c.expect(expected)
	if err := s.QueryRow(ctx, labels, &taken); err != nil {
		return err
	}
	if taken != expected {
		return fmt.Errorf("indexed %d of %d label rows", taken, expected)
	}
	c.build(labels)
	return nil
}

// give hands out the index for a use.
func (c *collector) give() *winners.Index {
	if c.given {
		return c.index.WithoutRows()
	}
	c.given = true
	return c.index
}

func (c *collector) take(args native.Columns, a native.Answer) {
	rows := args.Present()
	hashes, times, taken := native.Values[uint64](&args, 0), native.Values[int64](&args, 1), native.Numbers[bool](a)
	next := c.taken.Add(int64(len(rows))) - int64(len(rows))
	clear(taken)
	for i, row := range rows {
		c.hashes[next+int64(i)], c.times[next+int64(i)] = hashes[row], times[row]
		taken[row] = true
	}
}
