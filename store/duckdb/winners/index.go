// Package winners finds the row that each label row sees: the greatest of its key's rows that are visible (R2, R3). It
// is pure: no files, no SQL, columns in and columns out.
//
// An [Index] is built from the labels. Feature rows are offered to it in any order, on any number of threads. Once it
// is settled it knows each label's winner by its position in source order. [Kept] holds the features of the winners:
//
//	index := winners.NewIndex(hashes, times)      // of the labels
//	index.Offer(rows, kept)                       // for each batch of feature rows
//	index.Settle()
//	won := winners.Keep(index, ttl, features)
//	won.Take(orders, columns, kept)               // for each batch again, now with the features
//	index.Find(hashes, times, slots)              // for each batch of labels: which slot, and so which row
package winners

import (
	"cmp"
	"math"
	"math/bits"
	"runtime"
	"slices"
	"sync/atomic"
)

// Index finds the winner of each label row (R2, R3) while feature rows pass by once, in any order, on any number of
// threads.
//
// A feature row becomes visible at one instant. So among the labels of its key, in the order of their times, it first
// matters to one: the earliest at or after that instant, its slot. Each slot keeps the greatest row that was offered to
// it; a prefix maximum along the slots of a key then gives every label its winner. The work is linear in feature rows,
// and memory is taken for labels alone.
//
// Keys are identified by a hash of 64 bits. Two keys with one hash share their slots. A caller that reads the winners
// has to detect that by comparing the keys.
type Index struct {
	// filter has a bit set for every hash with a label, found at the hash's upper bits. Most often few rows have labels,
	// and it is small enough to stay near.
	filter      []uint64
	filterShift int
	// Slots are in the order of hash and time. Those whose hashes begin with the same bits are from starts[bits] on.
	Slots  []Slot
	starts []uint32
	shift  int
	// last is the number of the last slot.
	last uint32
	// created are the created times of the slots' rows, if rows are compared by them.
	created []int64
}

// Slot belongs to the labels of a key at the instant t, in microseconds.
type Slot struct {
	hash uint64
	t    int64
	// Event is the event time of the greatest row, and row identifies it: one more than its position in source order,
	// times two, plus one if a row of the same event time was offered too; noRow while there is none, and lockedRow while
	// a thread writes the slot.
	Event int64
	row   int64
}

const (
	noRow     = 0
	lockedRow = -1
	tied      = 1
)

// IndexBytes bounds the memory that an index takes for each label: its slot, its share of the starts and of the filter
// at their sparsest, and the hash and the time that it is built from. CreatedBytes are for comparing created times.
const (
	IndexBytes   = 32 + 8 + 2 + 16
	CreatedBytes = 8
)

// filterBits is how many bits the filter has for each label: 8 leave one bit in eight set by other keys at the most.
const filterBits = 8

// NewIndex makes an index of labels, given by the hashes of their keys and their times.
func NewIndex(hashes []uint64, times []int64) *Index {
	size := uint(1) << bits.Len(uint(len(hashes)))
	x := &Index{
		filter:      onHugePages(make([]uint64, (filterBits*size+63)/64)),
		filterShift: 64 - bits.Len(filterBits*size-1),
		Slots:       onHugePages(make([]Slot, len(hashes))),
		starts:      onHugePages(make([]uint32, size+2)),
		shift:       64 - bits.Len(size-1),
		last:        uint32(max(len(hashes), 1) - 1),
	}
	// Two further on, so that placing moves each start to where it belongs.
	counts := x.starts[1:]
	for _, hash := range hashes {
		bit := hash >> x.filterShift
		x.filter[bit/64] |= 1 << (bit % 64)
		counts[hash>>x.shift+1]++
	}
	for i := range counts[1:] {
		counts[i+1] += counts[i]
	}
	for i, hash := range hashes {
		at := &counts[hash>>x.shift]
		s := &x.Slots[*at]
		s.hash, s.t = hash, times[i]
		*at++
	}
	for i := range size {
		sortSlots(x.Slots[x.starts[i]:x.starts[i+1]])
	}
	return x
}

// sortSlots brings slots without rows into the order of hash and time.
func sortSlots(slots []Slot) {
	if len(slots) > 1 {
		slices.SortFunc(slots, func(a, b Slot) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.t, b.t)) })
	}
}

// WithoutRows is an index of the same labels to which no row has been offered.
func (x *Index) WithoutRows() *Index {
	fresh := *x
	fresh.created = nil
	fresh.Slots = onHugePages(make([]Slot, len(x.Slots)))
	for i := range x.Slots {
		fresh.Slots[i].hash, fresh.Slots[i].t = x.Slots[i].hash, x.Slots[i].t
	}
	return &fresh
}

// CompareCreated makes the index compare created times from now on (R3). Rows that were offered before have to be
// offered again.
func (x *Index) CompareCreated() {
	x.created = make([]int64, len(x.Slots))
	for i := range x.created {
		x.created[i] = noCreatedTime
	}
}

// search returns the first slot, of those from low to high, that is not before the hash and the instant.
func (x *Index) search(low, high uint32, hash uint64, instant int64) uint32 {
	const few = 8
	for high-low > few {
		middle := low + (high-low)/2
		if x.Slots[middle].before(hash, instant) {
			low = middle + 1
		} else {
			high = middle
		}
	}
	for low < high && x.Slots[low].before(hash, instant) {
		low++
	}
	return low
}

func (s *Slot) before(hash uint64, instant int64) bool {
	return s.hash < hash || s.hash == hash && s.t < instant
}

// Rows are columns of feature rows, of one length. Times are in microseconds.
type Rows struct {
	Hashes []uint64
	// Visible is when a row becomes visible: its event time, or, as known, no sooner than its created time (R4).
	Visible, Event []int64
	// Order is the rows' source order (R3), at least 0.
	Order []int64
	// Created are the created times, noCreatedTime if they are null; nil if the index does not compare them.
	Created []int64
}

// noCreatedTime represents a null created time in comparisons: null is lowest (R3).
const noCreatedTime = math.MinInt64

// Slice is a part of the rows.
func (r Rows) Slice(from, to int) Rows {
	part := Rows{
		Hashes:  r.Hashes[from:to],
		Visible: r.Visible[from:to],
		Event:   r.Event[from:to],
		Order:   r.Order[from:to],
	}
	if r.Created != nil {
		part.Created = r.Created[from:to]
	}
	return part
}

// offerBatch is how many rows pass through the steps of Offer together: enough that many waits overlap, and so few that
// what one step has loaded is still in the nearest cache in the next.
const offerBatch = 256

// Offer shows feature rows to the labels, and says of each whether it is now the greatest of its slot. It is safe for
// concurrent use.
//
// It takes many rows through each step before the next, so that the waits for memory overlap.
func (x *Index) Offer(rows Rows, kept []bool) {
	for from := 0; from < len(rows.Hashes); from += offerBatch {
		to := min(from+offerBatch, len(rows.Hashes))
		x.offerBatch(rows.Slice(from, to), kept[from:to])
	}
}

func (x *Index) offerBatch(rows Rows, kept []bool) {
	var known [offerBatch]uint16
	maybe := 0
	for i, hash := range rows.Hashes {
		kept[i] = false
		bit := hash >> x.filterShift
		known[maybe] = uint16(i)
		maybe += int(x.filter[bit/64] >> (bit % 64) & 1)
	}
	var lows, highs [offerBatch]uint32
	for n, i := range known[:maybe] {
		at := rows.Hashes[i] >> x.shift
		lows[n], highs[n] = x.starts[at], x.starts[at+1]
	}
	// No branch depends on these loads, so that many are on their way at a time. The slots that are compared later lie
	// between the two.
	var firsts, lasts [offerBatch]uint64
	for n := range maybe {
		firsts[n], lasts[n] = x.Slots[min(lows[n], x.last)].hash, x.Slots[max(highs[n], 1)-1].hash
	}
	found := 0
	for n, i := range known[:maybe] {
		low, high := lows[n], highs[n]
		known[found], lows[found], highs[found] = i, low, high
		if hash := rows.Hashes[i]; low < high && firsts[n] <= hash && hash <= lasts[n] {
			found++
		}
	}
	for n, i := range known[:found] {
		hash := rows.Hashes[i]
		at := x.search(lows[n], highs[n], hash, rows.Visible[i])
		if at < highs[n] && x.Slots[at].hash == hash {
			kept[i] = x.offerTo(at, &rows, int(i))
		}
	}
}

// offerTo keeps a row in a slot if it is greater than the one that is there (R3).
func (x *Index) offerTo(number uint32, rows *Rows, i int) bool {
	s := &x.Slots[number]
	there := s.lock()
	event, row := rows.Event[i], (rows.Order[i]+1)<<1
	compared := 1
	if there != noRow {
		compared = cmp.Compare(event, s.Event)
	}
	if compared == 0 {
		if x.created != nil {
			compared = cmp.Compare(rows.Created[i], x.created[number])
		} else {
			row |= tied
			there |= tied
		}
		compared = cmp.Or(compared, cmp.Compare(row, there))
	}
	if compared <= 0 {
		atomic.StoreInt64(&s.row, there)
		return false
	}
	s.Event = event
	if x.created != nil {
		x.created[number] = rows.Created[i]
	}
	atomic.StoreInt64(&s.row, row)
	return true
}

// lock takes the slot for this thread, and returns what row was.
func (s *Slot) lock() int64 {
	if there, ok := s.tryLock(); ok {
		return there
	}
	return s.waitToLock()
}

func (s *Slot) tryLock() (there int64, ok bool) {
	there = atomic.LoadInt64(&s.row)
	return there, there != lockedRow && atomic.CompareAndSwapInt64(&s.row, there, lockedRow)
}

// waitToLock locks a slot that another thread holds.
//
// A slot is held for a few instructions, so that a short wait is enough while its holder runs. A holder that was
// interrupted needs a processor to go on, so waiting threads yield theirs: the runtime cannot always preempt them.
func (s *Slot) waitToLock() int64 {
	const shortWait = 64
	for tries := 1; ; tries++ {
		if there, ok := s.tryLock(); ok {
			return there
		}
		if tries%shortWait == 0 {
			runtime.Gosched()
		}
	}
}

// HasTies says whether rows of one event time were the greatest of a slot, which leaves the choice to their created
// times. No row may be offered meanwhile.
func (x *Index) HasTies() bool {
	return slices.ContainsFunc(x.Slots, func(s Slot) bool { return s.row&tied != 0 })
}

// Settle gives every slot the winner of its label: the greatest row of its own and of all slots before it. No row may
// be offered any more.
func (x *Index) Settle() {
	for i := 1; i < len(x.Slots); i++ {
		before, here := &x.Slots[i-1], &x.Slots[i]
		if before.hash != here.hash || before.row == noRow || here.row != noRow && x.compareSlots(i-1, i) <= 0 {
			continue
		}
		here.Event, here.row = before.Event, before.row
		if x.created != nil {
			x.created[i] = x.created[i-1]
		}
	}
}

// compareSlots compares the rows of two slots (R3).
func (x *Index) compareSlots(a, b int) int {
	compared := cmp.Compare(x.Slots[a].Event, x.Slots[b].Event)
	if compared == 0 && x.created != nil {
		compared = cmp.Compare(x.created[a], x.created[b])
	}
	return cmp.Or(compared, cmp.Compare(x.Slots[a].row, x.Slots[b].row))
}

// IsLive says whether the slot has a winner that is not older than the ttl in microseconds, 0 for any age (R2). It
// needs Settle to have run.
func (s *Slot) IsLive(ttl int64) bool {
	// No winner is later than its label, so the age is exact in 64 bits without a sign.
	return s.row != noRow && (ttl == 0 || uint64(s.t)-uint64(s.Event) <= uint64(ttl))
}

// Order is the position of the slot's row in source order.
func (s *Slot) Order() int64 { return s.row>>1 - 1 }

// Matched counts the labels with a live winner.
func (x *Index) Matched(ttl int64) int64 {
	var count int64
	for i := range x.Slots {
		if x.Slots[i].IsLive(ttl) {
			count++
		}
	}
	return count
}

// Find returns for labels, given by the hashes and times that the index was built from, the number of the slot with the
// winner, or a negative number if the label sees no row. Settle must have run before. Find is safe for concurrent use.
func (x *Index) Find(hashes []uint64, times, found []int64) {
	for from := 0; from < len(hashes); from += offerBatch {
		to := min(from+offerBatch, len(hashes))
		x.findBatch(hashes[from:to], times[from:to], found[from:to])
	}
}

func (x *Index) findBatch(hashes []uint64, times, found []int64) {
	var lows, highs [offerBatch]uint32
	for i, hash := range hashes {
		at := hash >> x.shift
		lows[i], highs[i] = x.starts[at], x.starts[at+1]
	}
	for i, hash := range hashes {
		at := x.search(lows[i], highs[i], hash, times[i])
		found[i] = -1
		if at < highs[i] && x.Slots[at].hash == hash && x.Slots[at].row != noRow {
			found[i] = int64(at)
		}
	}
}
