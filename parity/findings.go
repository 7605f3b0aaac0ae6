package parity

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/store/offline"
)

// found is how many rows, keys and candidates for ties are kept of a source for sampling.
const kept = 2048

// findings are what sampling knows of a view's source. They are the same for one seed, in whatever order rows come.
type findings struct {
	// rows is the number of rows, with event times from first to last.
	rows        int64
	first, last feature.Instant
	// keys are some entity keys, each key as likely as another however many rows it has. seeds are some rows, ties some
	// rows that may have others of one key and event time, late some with a created time after their event time, and
	// borders some with an event time at the border of tiles or a microsecond after it.
	keys, seeds, ties, late, borders *bottomK
	// near says for each of seeds, ties and late what comes after it, and how many rows it ties with.
	near *sourceStates
}

// seedRow is a row that label rows are aimed at.
type seedRow struct {
	tuple   string
	event   feature.Instant
	created feature.Instant
}

// bottomK keeps the rows with the least hashes, a sample that does not depend on the order of rows.
type bottomK struct {
	hashes greatestFirst
	rows   map[uint64]seedRow
}

func newBottomK() *bottomK { return &bottomK{rows: map[uint64]seedRow{}} }

// offer keeps a row if its hash is among the least so far. Of rows of one hash the first is kept.
func (s *bottomK) offer(hash uint64, row sourceRow) {
	if len(s.hashes) == kept && hash >= s.hashes[0] {
		return
	}
	if _, ok := s.rows[hash]; ok {
		return
	}
	s.rows[hash] = seedRow{string(row.tuple), row.event, row.created}
	if len(s.hashes) < kept {
		heap.Push(&s.hashes, hash)
		return
	}
	delete(s.rows, s.hashes[0])
	s.hashes[0] = hash
	heap.Fix(&s.hashes, 0)
}

// greatestFirst is a heap of hashes.
type greatestFirst []uint64

var _ heap.Interface = (*greatestFirst)(nil)

func (g greatestFirst) Len() int           { return len(g) }
func (g greatestFirst) Less(i, j int) bool { return g[i] > g[j] }
func (g greatestFirst) Swap(i, j int)      { g[i], g[j] = g[j], g[i] }

// Push implements heap.Interface.
func (g *greatestFirst) Push(hash any) { *g = append(*g, hash.(uint64)) }

// Pop implements heap.Interface.
func (g *greatestFirst) Pop() any {
	last := len(*g) - 1
	hash := (*g)[last]
	*g = (*g)[:last]
	return hash
}

// all are the rows that were kept, in an order of chance that the seed decides.
func (s *bottomK) all() []seedRow {
	hashes := slices.Sorted(slices.Values(s.hashes))
	rows := make([]seedRow, len(hashes))
	for i, hash := range hashes {
		rows[i] = s.rows[hash]
	}
	return rows
}

// hash is the same for the same seed and bytes wherever and whenever it is asked: a seed has to find the same rows.
func hash(seed uint64, bytes ...[]byte) uint64 {
	var digest xxhash.Digest
	digest.ResetWithSeed(seed)
	for _, part := range bytes {
		_, _ = digest.Write(part) // A hash takes everything.
	}
	return digest.Sum64()
}

// doubtBits is how many bits remember the rows that were seen, to find those that may tie: 16 MB.
const doubtBits = 1 << 27

// find reads the source once. Whether a row ties cannot be said for certain without memory for every row. So a row
// whose hash sets a bit that was set before counts as one that may tie. Those of them that are kept are counted exactly
// in a second reading (near), and edges leaves out the ones that do not tie.
func find(ctx context.Context, witness offline.Witness, view *sandboxView, seed uint64) (*findings, error) {
	f := &findings{first: math.MaxInt64, last: math.MinInt64, keys: newBottomK(), seeds: newBottomK(), ties: newBottomK(),
		late: newBottomK(), borders: newBottomK(), near: newSourceStates()}
	var spans []windows.Span
	if view.isWindowed() {
		spans = spansOf(view.View)
	}
	var micros [8]byte
	seen := make([]uint64, doubtBits/64)
	err := history(ctx, witness, view.View, func(row sourceRow) error {
		f.rows++
		f.first, f.last = min(f.first, row.event), max(f.last, row.event)
		binary.BigEndian.PutUint64(micros[:], uint64(row.event))
		h := hash(seed, row.tuple, micros[:])
		f.keys.offer(hash(seed, row.tuple), row)
		f.seeds.offer(h, row)
		if row.created > row.event {
			f.late.offer(h, row)
		}
		if slices.ContainsFunc(spans, func(span windows.Span) bool { return isAtBorder(row.event, span) }) {
			f.borders.offer(h, row)
		}
		place, bit := h%doubtBits/64, uint64(1)<<(h%64)
		if seen[place]&bit != 0 {
			f.ties.offer(h, row)
		}
		seen[place] |= bit
		return nil
	})
	for _, rows := range []*bottomK{f.seeds, f.ties, f.late} {
		for _, row := range rows.rows {
			f.near.add(row.tuple, row.event)
		}
	}
	return f, err
}

// isAtBorder says whether a row is at the border of two tiles, or a microsecond after it.
func isAtBorder(event feature.Instant, span windows.Span) bool {
	return span.Hop > 0 && afterBorder(event, span) <= microsecond
}

// windowEdges are the rows of a kind of edge of a window. Rows that are aimed at by the same instants are one group: of
// one hour, for example, for a window that begins at full hours.
func (f *findings) windowEdges(family edgeFamily, span windows.Span) [][]seedRow {
	rows := f.seeds
	if family == edgeBorder {
		rows = f.borders
	}
	var groups [][]seedRow
	groupOf := map[feature.Instant]int{}
	for _, row := range rows.all() {
		if !family.has(row.event, span) {
			continue
		}
		at := family.aims(row, 0, span)[0].at
		group, ok := groupOf[at]
		if !ok {
			group = len(groups)
			groupOf[at], groups = group, append(groups, nil)
		}
		groups[group] = append(groups[group], row)
	}
	return groups
}

// edges are the rows of a kind of edge, in an order of chance: those that really tie, and those that are the newest of
// their key when their ttl ends.
func (f *findings) edges(view *sandboxView, family edgeFamily) []seedRow {
	ttl := feature.Instant(view.TTL.Microseconds())
	switch family {
	case edgeRow:
		return f.seeds.all()
	case edgeLate:
		return f.late.all()
	case edgeTie:
		return slices.DeleteFunc(f.ties.all(), func(r seedRow) bool { return f.near.at(r.tuple, r.event).rows < 2 })
	}
	return slices.DeleteFunc(f.seeds.all(), func(r seedRow) bool {
		return ttl <= 0 || r.event > math.MaxInt64-ttl-1 || f.near.at(r.tuple, r.event).next <= r.event+ttl+1
	})
}

// span is the range of instants to sample: from the first row to the last, and somewhat beyond.
func (f *findings) span(view *sandboxView) (first, last feature.Instant) {
	beyond := feature.Instant(max(uint64(f.last-f.first)/20, 1_000_000))
	if ttl := feature.Instant(view.TTL.Microseconds()); ttl > 0 {
		beyond = min(beyond, cmp.Or(2*ttl, beyond))
	}
	if f.last > math.MaxInt64-beyond {
		return f.first, math.MaxInt64
	}
	return f.first, f.last + beyond
}
