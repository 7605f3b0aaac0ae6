package duckdb

import (
	"cmp"
	"math/bits"
	"runtime"
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
	// width is how many words a record has: one for each feature that is kept, and then their null bits.
	features, width int
	// records hold the features of the row in each slot.
	records []uint64
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

// forRows is an index of the same labels, without rows, that keeps so many features of each row.
func (x *labelIndex) forRows(features int) *labelIndex {
	fresh := *x
	fresh.features, fresh.width = features, recordWords(features)
	fresh.records = make([]uint64, fresh.width*len(x.slots))
	fresh.slots = make([]slot, len(x.slots))
	for i := range x.slots {
		fresh.slots[i].t = x.slots[i].t
	}
	return &fresh
}

// recordWords is the number of words that so many features take.
func recordWords(features int) int { return features + (features+63)/64 }

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
	// features are those that the index keeps; their first row is that of the whole, and start the number of ours.
	features []featureColumn
	start    int
}

// featureColumn is a column of values of 8, 4 or 1 bytes, and where they are null, as DuckDB marks it.
type featureColumn struct {
	words  []uint64
	halves []uint32
	bytes  []uint8
	mask   []uint64
}

// at is the value of a row as a word.
func (c *featureColumn) at(row int) uint64 {
	switch {
	case c.words != nil:
		return c.words[row]
	case c.halves != nil:
		return uint64(c.halves[row])
	}
	return uint64(c.bytes[row])
}

func (r featureRows) slice(from, to int) featureRows {
	return featureRows{
		features: r.features,
		start:    r.start + from,
		hashes:   r.hashes[from:to],
		visible:  r.visible[from:to],
		event:    r.event[from:to],
		created:  r.created[from:to],
		order:    r.order[from:to],
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
	var targets [offerBatch]int64
	for n, i := range known[:found] {
		b, at := buckets[n], 0
		if earliest[n] < rows.visible[i] {
			at = first(x.slots[b.first:b.first+b.count], rows.visible[i])
		}
		targets[n] = -1
		if at < int(b.count) {
			targets[n] = int64(b.first) + int64(at)
		}
	}
	x.touch(targets[:found])
	for n, i := range known[:found] {
		if targets[n] >= 0 {
			kept[i] = x.offerTo(int(targets[n]), &rows, int(i))
		}
	}
}

// touch brings records near, all at a time: taking a slot waits for what was written before, and would wait for one
// record after the other.
func (x *labelIndex) touch(slots []int64) {
	if x.width == 0 {
		return
	}
	var touched uint64
	for _, slot := range slots {
		if slot < 0 {
			continue
		}
		record := x.records[int(slot)*x.width:][:x.width]
		for word := 0; word < len(record); word += lineWords {
			touched += atomic.LoadUint64(&record[word])
		}
		touched += atomic.LoadUint64(&record[len(record)-1])
	}
	runtime.KeepAlive(touched)
}

// lineWords is the number of words in a line of the processor's cache.
const lineWords = 8

// offerTo keeps a row in a slot if it is greater than the one that is there (R3).
func (x *labelIndex) offerTo(number int, rows *featureRows, i int) bool {
	s := &x.slots[number]
	there := s.lock()
	event, created, row := rows.event[i], rows.created[i], rows.order[i]+1
	if there != noRow && compareRows(event, created, row, s.event, s.created, there) <= 0 {
		s.row.Store(there)
		return false
	}
	s.event, s.created = event, created
	if x.features > 0 {
		x.record(number, rows.features, rows.start+i)
	}
	s.row.Store(row)
	return true
}

// lock takes the slot for this thread, and returns the row that it had.
func (s *slot) lock() int64 {
	there := s.row.Load()
	for there == lockedRow || !s.row.CompareAndSwap(there, lockedRow) {
		there = s.row.Load()
	}
	return there
}

// record keeps the features of a row. The words that touch reads meanwhile are written as it reads them.
func (x *labelIndex) record(number int, features []featureColumn, row int) {
	record := x.records[number*x.width : (number+1)*x.width]
	var nulls uint64
	for i := range features {
		var value uint64
		if isNull(features[i].mask, row) {
			nulls |= 1 << (i % 64)
		} else {
			value = features[i].at(row)
		}
		setWord(record, i, value)
		if i%64 == 63 || i == len(features)-1 {
			setWord(record, x.features+i/64, nulls)
			nulls = 0
		}
	}
}

func setWord(record []uint64, at int, value uint64) {
	if at%lineWords == 0 || at == len(record)-1 {
		atomic.StoreUint64(&record[at], value)
		return
	}
	record[at] = value
}

// feature is a feature of the row in a slot, as a word.
func (x *labelIndex) feature(slot int64, at int) (value uint64, null bool) {
	record := x.records[int(slot)*x.width:]
	return record[at], record[x.features+at/64]>>(at%64)&1 == 1
}

// compareRows orders rows as R3 does.
func compareRows(event, created, row, otherEvent, otherCreated, otherRow int64) int {
	return cmp.Or(cmp.Compare(event, otherEvent), cmp.Compare(created, otherCreated), cmp.Compare(row, otherRow))
}

// settle gives every slot the winner of its label: the greatest row of its own and of all slots before it. No row may
// be offered any more.
func (x *labelIndex) settle() {
	for _, b := range x.buckets {
		for i := b.first + 1; i < b.first+b.count; i++ {
			x.settleSlot(int(i))
		}
	}
}

// settleSlot takes over what the slot before has, where that is greater.
func (x *labelIndex) settleSlot(number int) {
	before, here := &x.slots[number-1], &x.slots[number]
	row, there := before.row.Load(), here.row.Load()
	if row == noRow ||
		there != noRow && compareRows(before.event, before.created, row, here.event, here.created, there) <= 0 {
		return
	}
	here.event, here.created = before.event, before.created
	here.row.Store(row)
	copy(x.records[number*x.width:(number+1)*x.width], x.records[(number-1)*x.width:])
}

// matched counts the labels whose winner is not older than the ttl in microseconds, 0 for any age (R2). It needs settle
// to have run.
func (x *labelIndex) matched(ttl int64) int64 {
	var count int64
	for i := range x.slots {
		s := &x.slots[i]
		// No winner is later than its label, so the age is exact in 64 bits without a sign.
		if s.row.Load() != noRow && (ttl == 0 || uint64(s.t)-uint64(s.event) <= uint64(ttl)) {
			count++
		}
	}
	return count
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
	var earliest [offerBatch]int64
	for i, hash := range hashes {
		if buckets[i].hash != hash {
			buckets[i] = x.buckets[x.position(hash)]
		}
		if b := buckets[i]; b.count > 0 {
			earliest[i] = x.slots[b.first].t
		}
	}
	for i := range hashes {
		b, at := buckets[i], 0
		group := x.slots[b.first : b.first+b.count]
		if earliest[i] < times[i] {
			at = first(group, times[i])
		}
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
