package duckdb

import (
	"cmp"
	"math/bits"
	"slices"
	"sync/atomic"
)

// labelIndex finds the winner of each label row (R2, R3) while feature rows pass by once, in any order, on any number
// of threads.
//
// A feature row becomes visible at one instant. So among the labels of its key, in the order of their times, it first
// matters to one: the earliest at or after that instant, its slot. Each slot keeps the greatest row that was offered to
// it; a prefix maximum along the slots of a key then gives every label its winner. The work is linear in feature rows,
// and memory is taken for labels alone.
//
// Keys are known by a hash of 64 bits. Two keys of one hash share their slots, which whoever reads the winners has to
// find out by comparing the keys.
type labelIndex struct {
	// filter has a bit set for every hash with a label, found at the hash's upper bits. Most often few rows have labels,
	// and it is small enough to stay near.
	filter      []uint64
	filterShift int
	// buckets hold the groups, one for each hash, by open addressing.
	buckets []bucket
	// shift brings a hash down to the position where its bucket is looked for.
	shift int
	slots []slot
}

// bucket is a group of slots; one without slots is free.
type bucket struct {
	hash         uint64
	first, count uint32
}

// slot belongs to a label's instant t, in microseconds.
type slot struct {
	t, event, created int64
	// row is one more than the row's position in source order, noRow while there is none, and lockedRow while a thread
	// writes the slot.
	row atomic.Int64
}

const (
	noRow     = 0
	lockedRow = -1
)

// indexBytes bounds the memory that building an index takes for each label: its slot, its share of the buckets at their
// sparsest, and the hash, time and bucket that it is built from.
const indexBytes = 32 + 50 + 20

// filterBits is how many bits the filter has for each bucket: 4 leave two bits in a hundred set by other keys at the
// most.
const filterBits = 4

// newLabelIndex makes an index of labels, given by the hashes of their keys and their times.
func newLabelIndex(hashes []uint64, times []int64) *labelIndex {
	size := 1 << bits.Len(uint(len(hashes)+len(hashes)/2))
	x := &labelIndex{buckets: make([]bucket, size), shift: 64 - bits.Len(uint(size-1)), slots: make([]slot, len(hashes))}
	x.filter, x.filterShift = make([]uint64, (filterBits*size+63)/64), 64-bits.Len(uint(filterBits*size-1))
	positions := make([]uint32, len(hashes))
	for i, hash := range hashes {
		bit := hash >> x.filterShift
		x.filter[bit/64] |= 1 << (bit % 64)
		at := x.position(hash)
		x.buckets[at].hash = hash
		x.buckets[at].count++
		positions[i] = uint32(at)
	}
	var first uint32
	for i := range x.buckets {
		x.buckets[i].first = first
		first += x.buckets[i].count
	}
	// Placing moves each group's first to its end; sorting moves it back.
	for i, at := range positions {
		next := x.buckets[at].first
		x.slots[next].t = times[i]
		x.buckets[at].first++
	}
	for i := range x.buckets {
		x.buckets[i].first -= x.buckets[i].count
	}
	x.sortGroups()
	return x
}

// position is where the hash's bucket is, or the free one where it would be.
func (x *labelIndex) position(hash uint64) uint64 {
	mask := uint64(len(x.buckets) - 1)
	at := hash >> x.shift & mask
	for x.buckets[at].count > 0 && x.buckets[at].hash != hash {
		at = (at + 1) & mask
	}
	return at
}

// sortGroups brings the slots of each group into the order of time.
func (x *labelIndex) sortGroups() {
	var times []int64
	for _, b := range x.buckets {
		if b.count < 2 {
			continue
		}
		group := x.slots[b.first : b.first+b.count]
		times = times[:0]
		for i := range group {
			times = append(times, group[i].t)
		}
		slices.Sort(times)
		for i := range group {
			group[i].t = times[i]
		}
	}
}

// reset forgets the rows, so that another view can be offered to the same labels.
func (x *labelIndex) reset() {
	for i := range x.slots {
		x.slots[i].row.Store(noRow)
	}
}

// first returns the first slot at or after the instant.
func first(group []slot, instant int64) int {
	low, high := 0, len(group)
	for low < high {
		middle := (low + high) / 2
		if group[middle].t < instant {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return low
}

// featureRows are columns of feature rows, of one length. Times are in microseconds; a created time that is null is
// noCreatedTime.
type featureRows struct {
	hashes []uint64
	// visible is when a row becomes visible: its event time, or, as known, no sooner than its created time (R4).
	visible, event, created []int64
	// order is the rows' source order (R3), at least 0.
	order []int64
}

func (r featureRows) slice(from, to int) featureRows {
	return featureRows{
		hashes:  r.hashes[from:to],
		visible: r.visible[from:to],
		event:   r.event[from:to],
		created: r.created[from:to],
		order:   r.order[from:to],
	}
}

// offerBatch is how many rows pass through the steps of offer together.
const offerBatch = 2048

// offer shows feature rows to the labels, and says of each whether it is now the greatest of its slot. It is safe for
// concurrent use.
//
// It takes many rows through each step before the next, so that the waits for memory overlap.
func (x *labelIndex) offer(rows featureRows, kept []bool) {
	for from := 0; from < len(rows.hashes); from += offerBatch {
		to := min(from+offerBatch, len(rows.hashes))
		x.offerBatch(rows.slice(from, to), kept[from:to])
	}
}

func (x *labelIndex) offerBatch(rows featureRows, kept []bool) {
	var known [offerBatch]uint16
	maybe := 0
	for i, hash := range rows.hashes {
		kept[i] = false
		bit := hash >> x.filterShift
		known[maybe] = uint16(i)
		maybe += int(x.filter[bit/64] >> (bit % 64) & 1)
	}
	var buckets [offerBatch]bucket
	mask := uint64(len(x.buckets) - 1)
	for n, i := range known[:maybe] {
		buckets[n] = x.buckets[rows.hashes[i]>>x.shift&mask]
	}
	found := 0
	for n, i := range known[:maybe] {
		b := buckets[n]
		if b.count > 0 && b.hash != rows.hashes[i] {
			b = x.buckets[x.position(rows.hashes[i])]
		}
		known[found], buckets[found] = i, b
		if b.count > 0 {
			found++
		}
	}
	var earliest [offerBatch]int64
	for n := range known[:found] {
		earliest[n] = x.slots[buckets[n].first].t
	}
	for n, i := range known[:found] {
		b, at := buckets[n], 0
		group := x.slots[b.first : b.first+b.count]
		if earliest[n] < rows.visible[i] {
			at = first(group, rows.visible[i])
		}
		if at < len(group) {
			kept[i] = group[at].offer(rows.event[i], rows.created[i], rows.order[i]+1)
		}
	}
}

// offer keeps the row, given by what row is to be, if it is greater than the one that is there (R3).
func (s *slot) offer(event, created, row int64) bool {
	there := s.row.Load()
	for there == lockedRow || !s.row.CompareAndSwap(there, lockedRow) {
		there = s.row.Load()
	}
	if there != noRow && compareRows(event, created, row, s.event, s.created, there) <= 0 {
		s.row.Store(there)
		return false
	}
	s.event, s.created = event, created
	s.row.Store(row)
	return true
}

// compareRows orders rows as R3 does.
func compareRows(event, created, row, otherEvent, otherCreated, otherRow int64) int {
	return cmp.Or(cmp.Compare(event, otherEvent), cmp.Compare(created, otherCreated), cmp.Compare(row, otherRow))
}

// settle gives every slot the winner of its label: the greatest row of its own and of all slots before it. No row may
// be offered any more.
func (x *labelIndex) settle() {
	for _, b := range x.buckets {
		group := x.slots[b.first : b.first+b.count]
		for i := 1; i < len(group); i++ {
			before, here := &group[i-1], &group[i]
			if row := before.row.Load(); row != noRow {
				here.offer(before.event, before.created, row)
			}
		}
	}
}

// find returns for labels, given by the hashes and times that the index was built from, the number of the slot with the
// winner, or less than 0 where the label sees no row. It needs settle to have run, and is safe for concurrent use.
func (x *labelIndex) find(hashes []uint64, times, found []int64) {
	for from := 0; from < len(hashes); from += offerBatch {
		to := min(from+offerBatch, len(hashes))
		x.findBatch(hashes[from:to], times[from:to], found[from:to])
	}
}

func (x *labelIndex) findBatch(hashes []uint64, times, found []int64) {
	var buckets [offerBatch]bucket
	mask := uint64(len(x.buckets) - 1)
	for i, hash := range hashes {
		buckets[i] = x.buckets[hash>>x.shift&mask]
	}
	for i, hash := range hashes {
		b := buckets[i]
		if b.hash != hash {
			b = x.buckets[x.position(hash)]
		}
		group := x.slots[b.first : b.first+b.count]
		at := first(group, times[i])
		found[i] = -1
		if at < len(group) && group[at].row.Load() != noRow {
			found[i] = int64(b.first) + int64(at)
		}
	}
}

// winner returns the event time and the position in source order of the row in a slot.
func (x *labelIndex) winner(slot int64) (event, row int64) {
	s := &x.slots[slot]
	return s.event, s.row.Load() - 1
}
