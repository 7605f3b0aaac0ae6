// Package panes computes aggregates of the events in the windows of label rows (R18 to R22), in one pass over the
// events. It is pure: no files, no SQL, columns in and columns out.
//
// The ends of all windows of a key's labels cut the time of that key into panes, of which each window is a run. An
// event is added to the state of its pane. Once all events have passed by, the windows of each key slide over its
// panes:
//
//	x, err := panes.NewIndex(question, labels)
//	x.Counts(hashes, counts)               // for each batch of events: which may be of a label's key
//	x.Add(batch, work)                     // for each batch of those
//	err = x.Settle(ctx, threads)
//	x.Find(hashes, times, places)          // for each batch of labels: where the results are
package panes

import (
	"cmp"
	"errors"
	"math"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/windows"
)

// ErrCollision says that two keys of labels have one hash, and ErrFull that the states take more memory than they may.
var (
	ErrCollision = errors.New("two keys of labels have one hash")
	ErrFull      = errors.New("the states of the panes take more memory than they may")
)

// Question is what is asked of the events.
type Question struct {
	// Plan is that of the specs of Aggregates, in their order.
	Plan       *aggregate.Plan
	Aggregates []windows.Aggregate
	// Spans are all windows of the view: an event in any of them makes a row (R22).
	Spans []windows.Span
	// Widest, unless it is nil, is the window whose events are counted.
	Widest *windows.Span
	// AsKnown leaves out events whose created time is later than the label's (R4).
	AsKnown bool
	// Bytes bounds the memory of the states.
	Bytes int64
}

// Labels are label rows: two hashes of the key, independent of each other, and the instant in microseconds.
type Labels struct {
	Hashes, Checks []uint64
	Times          []int64
}

// Index counts the events of the panes between the cuts of labels.
//
// Keys are identified by Hash; Check tells keys apart that have one hash. Everything lies in the order of hashes: the
// keys, their cuts and their slots. So a shard, which is a part of the hashes, is a run of each.
type Index struct {
	question Question
	spans    []spanWork
	// offsets are the different offsets of Spans, and least the least of them.
	offsets []int64
	least   int64

	// filter has a bit set for every hash with a label, found at the hash's upper bits. Most often few rows have labels,
	// and it is small enough to stay near.
	filter      []uint64
	filterShift int
	// keys whose hashes begin with the same bits are from starts[bits] on. One more key, at the end, ends the last one.
	keys   []key
	starts []uint32
	shift  int
	// cuts are the ends of panes: a pane holds the events later than the cut before, if the key has one, and not later
	// than its own.
	cuts []int64
	// open says that some window has no beginning. Otherwise none has the first pane of a key.
	open bool
	// slots are the different instants of the labels of each key, and counts how many label rows each stands for.
	slots  []int64
	counts []uint32

	shards     []shard
	shardShift int
	full       atomic.Bool
	bytes      atomic.Int64
}

// key is one key of labels, with its first cut and its first slot.
type key struct {
	hash, check uint64
	cut, slot   uint32
}

// LabelBytes bounds the memory of a label without its panes: what it is collected and sorted in, its key, its share of
// the table of keys and of the filter at their sparsest, its slot and its row. PaneBytes is that of a pane without its
// states.
const (
	LabelBytes = 24 + 24 + 8 + 24 + 8 + 2 + 12 + 24
	PaneBytes  = 8 + 24
)

// none is the time of no event.
const none = math.MinInt64

const (
	filterBits = 8
	shardBits  = 6
)

// NewIndex makes an index of labels. Its error is ErrCollision.
func NewIndex(question Question, labels Labels) (*Index, error) {
	x := &Index{question: question, least: math.MaxInt64}
	for _, span := range question.Spans {
		if !slices.Contains(x.offsets, span.Offset) {
			x.offsets = append(x.offsets, span.Offset)
		}
		x.least = min(x.least, span.Offset)
	}
	x.planSpans()
	size := uint(1) << bits.Len(uint(len(labels.Hashes)))
	x.filter = make([]uint64, (filterBits*size+63)/64)
	x.filterShift = 64 - bits.Len(filterBits*size-1)
	for _, hash := range labels.Hashes {
		bit := hash >> x.filterShift
		x.filter[bit/64] |= 1 << (bit % 64)
	}
	if err := x.addKeys(labels); err != nil {
		return nil, err
	}
	x.findKeys(size)
	x.split()
	return x, nil
}

// addKeys makes the keys with their slots and cuts.
func (x *Index) addKeys(labels Labels) error {
	sorted := labels.sorted()
	var key key
	for from := 0; from < len(sorted); {
		to := from
		for to < len(sorted) && sorted[to].hash == sorted[from].hash {
			if sorted[to].check != sorted[from].check {
				return ErrCollision
			}
			to++
		}
		key.hash, key.check = sorted[from].hash, sorted[from].check
		key.cut, key.slot = uint32(len(x.cuts)), uint32(len(x.slots))
		x.keys = append(x.keys, key)
		x.addSlots(sorted[from:to])
		x.addCuts(x.slots[key.slot:])
		from = to
	}
	key.hash, key.check = math.MaxUint64, 0
	key.cut, key.slot = uint32(len(x.cuts)), uint32(len(x.slots))
	x.keys = append(x.keys, key)
	return nil
}

// label is one label row.
type label struct {
	hash, check uint64
	t           int64
}

// sorted are the labels in the order of hash and time. Hashes are spread evenly, so their upper bits bring nearly all
// labels to their place.
func (l Labels) sorted() []label {
	size := uint(1) << bits.Len(uint(len(l.Hashes)))
	shift := 64 - bits.Len(size-1)
	// Two further on, so that placing moves each start to where it belongs.
	starts := make([]uint32, size+2)
	counts := starts[1:]
	for _, hash := range l.Hashes {
		counts[hash>>shift+1]++
	}
	for i := range counts[1:] {
		counts[i+1] += counts[i]
	}
	sorted := make([]label, len(l.Hashes))
	for i, hash := range l.Hashes {
		at := &counts[hash>>shift]
		sorted[*at] = label{hash, l.Checks[i], l.Times[i]}
		*at++
	}
	for i := range size {
		if part := sorted[starts[i]:starts[i+1]]; len(part) > 1 {
			slices.SortFunc(part, func(a, b label) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.t, b.t)) })
		}
	}
	return sorted
}

// addSlots adds the instants of a key's labels, which ascend.
func (x *Index) addSlots(labels []label) {
	for i, label := range labels {
		if i > 0 && label.t == labels[i-1].t {
			x.counts[len(x.counts)-1]++
			continue
		}
		x.slots, x.counts = append(x.slots, label.t), append(x.counts, 1)
	}
}

// addCuts adds the cuts of a key with these instants: the ends of the windows that are read, and of each offset, since
// whether there is an event is told by the latest up to there.
func (x *Index) addCuts(slots []int64) {
	first := len(x.cuts)
	for _, t := range slots {
		for _, offset := range x.offsets {
			_, end := windows.Span{Offset: offset}.Bounds(t)
			x.cuts = append(x.cuts, end)
		}
		for i := range x.spans {
			if start, _ := x.spans[i].span.Bounds(t); start == math.MinInt64 {
				x.open = true
			} else {
				x.cuts = append(x.cuts, start)
			}
		}
	}
	slices.Sort(x.cuts[first:])
	x.cuts = x.cuts[:first+len(slices.Compact(x.cuts[first:]))]
}

// findKeys makes the table by which keys are found.
func (x *Index) findKeys(size uint) {
	x.shift = 64 - bits.Len(size-1)
	x.starts = make([]uint32, size+1)
	keys := x.keys[:len(x.keys)-1]
	at := 0
	for start := range x.starts {
		for at < len(keys) && keys[at].hash>>x.shift < uint64(start) {
			at++
		}
		x.starts[start] = uint32(at)
	}
}

// split makes the shards.
func (x *Index) split() {
	x.shardShift = 64 - shardBits
	x.shards = make([]shard, 1<<shardBits)
	keys := x.keys[:len(x.keys)-1]
	for i := range x.shards {
		s := &x.shards[i]
		s.index = x
		s.keys[0], _ = slices.BinarySearchFunc(keys, uint64(i)<<x.shardShift, func(k key, hash uint64) int {
			return cmp.Compare(k.hash, hash)
		})
		s.keys[1] = len(keys)
		if i > 0 {
			x.shards[i-1].keys[1] = s.keys[0]
		}
	}
	for i := range x.shards {
		x.shards[i].prepare()
	}
}

// Counts says of events whether their keys may have labels.
func (x *Index) Counts(hashes []uint64, may []bool) {
	for i, hash := range hashes {
		may[i] = x.mayHave(hash)
	}
}

func (x *Index) mayHave(hash uint64) bool {
	bit := hash >> x.filterShift
	return x.filter[bit/64]>>(bit%64)&1 != 0
}

// noKey stands for no key, and noPane for no pane.
const (
	noKey  = math.MaxUint32
	noPane = math.MaxUint32
)

// find is the key with both hashes, or noKey.
func (x *Index) find(hash, check uint64) uint32 {
	at := hash >> x.shift
	for i := x.starts[at]; i < x.starts[at+1]; i++ {
		if x.keys[i].hash == hash && x.keys[i].check == check {
			return i
		}
	}
	return noKey
}

// paneOf is the pane of an event time among those of a key, or noPane after the last.
func (x *Index) paneOf(number uint32, time int64) uint32 {
	low, high := x.keys[number].cut, x.keys[number+1].cut
	end := high
	for low < high {
		middle := low + (high-low)/2
		if x.cuts[middle] < time {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low == end {
		return noPane
	}
	return low
}

// slotFrom is the first slot of a key that is not before an instant; the key's last end if there is none.
func (x *Index) slotFrom(number uint32, instant int64) (slot uint32, found bool) {
	low, high := x.keys[number].slot, x.keys[number+1].slot
	at, _ := slices.BinarySearch(x.slots[low:high], instant)
	return low + uint32(at), uint32(at) < high-low
}
