package panes

import (
	"math"
	"slices"
	"sync"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
)

// shard holds the states of a part of the keys. One thread at a time adds to it.
type shard struct {
	index *Index
	// keys are the first and the end, as the index numbers them.
	keys [2]int
	// first is the first pane, and firstSlot the first slot, as the index numbers them.
	first, firstSlot uint32

	mutex sync.Mutex
	// latest is the latest event time in each pane. earliest and counts are there if the widest window is asked for.
	latest, earliest, counts []int64
	// states are those of the plan's parts.
	states []aggregate.States
	// adds is how many events were added since bytes was measured.
	adds  int
	bytes int64
	late  lateEvents

	// rows are the results by slot: the event time, none if there is no row, and of the widest window the earliest event
	// and how many there are. results are those of each aggregate.
	rows    rowResults
	results [][]*expression.Column
}

// prepare makes room for the states.
func (s *shard) prepare() {
	from, to := s.index.keys[s.keys[0]], s.index.keys[s.keys[1]]
	s.first, s.firstSlot = from.cut, from.slot
	panes := int(to.cut - from.cut)
	s.latest = filled(panes, none)
	if s.index.question.Widest != nil {
		s.earliest, s.counts = filled(panes, math.MaxInt64), make([]int64, panes)
	}
	for _, part := range s.index.question.Plan.Parts() {
		states := aggregate.NewStates(part)
		states.Grow(panes)
		s.states = append(s.states, states)
	}
	s.measure()
}

func filled(size int, with int64) []int64 {
	values := make([]int64, size)
	for i := range values {
		values[i] = with
	}
	return values
}

// measure tells the index how much memory the states take by now.
func (s *shard) measure() {
	var bytes int64
	for _, states := range s.states {
		bytes += states.Bytes()
	}
	bytes += s.late.bytes
	s.account(bytes)
}

// account makes the bytes those of the shard.
func (s *shard) account(bytes int64) {
	if total := s.index.bytes.Add(bytes - s.bytes); total > s.index.question.Bytes {
		s.index.full.Store(true)
	}
	s.bytes = bytes
}

// leastAdds is how many events are added at least before states are measured again.
const leastAdds = 1024

// Work is the memory that a thread adds events with.
type Work struct {
	rows, panes, keys, order []uint32
	ends                     [1<<shardBits + 1]uint32
	// Of the rows that count in a pane of a shard, places are the panes and counted the rows.
	places, counted []uint32
}

// Batch is a batch of events, with the two hashes of their keys.
type Batch struct {
	Hashes, Checks []uint64
	// Counts says which events count, unless it is nil.
	Counts []bool
	Events *aggregate.Events
}

// Add adds events. It is safe for concurrent use.
//
// It takes all rows through each step before the next, so that the waits for memory overlap.
func (x *Index) Add(b *Batch, w *Work) {
	if x.full.Load() {
		return
	}
	x.place(b, w)
	x.order(b, w)
	var waiting [1 << shardBits]uint8
	count := 0
	for i := range x.shards {
		from, to := w.ends[i], w.ends[i+1]
		if from == to {
			continue
		}
		if s := &x.shards[i]; s.mutex.TryLock() {
			s.add(b, w, w.order[from:to])
			s.mutex.Unlock()
			continue
		}
		waiting[count] = uint8(i)
		count++
	}
	for _, i := range waiting[:count] {
		s := &x.shards[i]
		s.mutex.Lock()
		s.add(b, w, w.order[w.ends[i]:w.ends[i+1]])
		s.mutex.Unlock()
	}
}

// place finds the rows that count, with their panes.
func (x *Index) place(b *Batch, w *Work) {
	w.rows, w.panes, w.keys = w.rows[:0], w.panes[:0], w.keys[:0]
	for row, hash := range b.Hashes {
		if b.Counts != nil && !b.Counts[row] || !x.mayHave(hash) {
			continue
		}
		if number := x.find(hash, b.Checks[row]); number != noKey {
			w.rows, w.keys = append(w.rows, uint32(row)), append(w.keys, number)
		}
	}
	kept := 0
	for i, number := range w.keys {
		row := w.rows[i]
		time := b.Events.Times[row]
		pane := x.paneOf(number, time)
		if pane == noPane || time == none {
			continue
		}
		if x.question.AsKnown {
			if pane = x.known(number, pane, time, b.Events.Created[row]); pane == noPane {
				continue
			}
		}
		w.rows[kept], w.keys[kept] = row, number
		w.panes = append(w.panes, pane)
		kept++
	}
	w.rows, w.keys = w.rows[:kept], w.keys[:kept]
}

// isLate marks the pane of an event that some label which is late enough for it does not know yet.
const isLate = 1 << 31

// known is the pane of an event for labels that count it only once it is created (R4): noPane if none does, and marked
// as late if some do not count it although it has happened.
func (x *Index) known(number, pane uint32, time, created int64) uint32 {
	happened := time
	if happened <= math.MaxInt64-x.least {
		happened += x.least
	}
	if created == aggregate.NoCreated {
		return noPane
	}
	if created <= happened {
		return pane
	}
	before, _ := x.slotFrom(number, happened)
	after, found := x.slotFrom(number, created)
	switch {
	case !found:
		return noPane
	case before == after:
		return pane
	}
	return pane | isLate
}

// order brings the rows that count into the order of their shards.
func (x *Index) order(b *Batch, w *Work) {
	clear(w.ends[:])
	for _, row := range w.rows {
		w.ends[b.Hashes[row]>>x.shardShift+1]++
	}
	for i := range w.ends[1:] {
		w.ends[i+1] += w.ends[i]
	}
	w.order = slices.Grow(w.order[:0], len(w.rows))[:len(w.rows)]
	next := w.ends
	for i, row := range w.rows {
		at := &next[b.Hashes[row]>>x.shardShift]
		w.order[*at] = uint32(i)
		*at++
	}
}

// add adds some rows of a batch, which are numbers among those that count. The shard is locked.
func (s *shard) add(b *Batch, w *Work, order []uint32) {
	w.places, w.counted = w.places[:0], w.counted[:0]
	for _, i := range order {
		if w.panes[i]&isLate != 0 {
			s.late.add(w.keys[i], b.Events, int(w.rows[i]))
			continue
		}
		pane, time := w.panes[i]-s.first, b.Events.Times[w.rows[i]]
		s.latest[pane] = max(s.latest[pane], time)
		if s.index.open || w.panes[i] != s.index.keys[w.keys[i]].cut {
			w.places, w.counted = append(w.places, pane), append(w.counted, w.rows[i])
		}
	}
	if s.counts != nil {
		s.addExtent(b, w)
	}
	for _, states := range s.states {
		aggregate.AddRows(states, w.places, w.counted, b.Events)
	}
	// To measure takes a look at every pane.
	if s.adds += len(order); s.adds > max(leastAdds, len(s.latest)) {
		s.adds = 0
		s.measure()
	}
}

func (s *shard) addExtent(b *Batch, w *Work) {
	for i, pane := range w.places {
		s.earliest[pane] = min(s.earliest[pane], b.Events.Times[w.counted[i]])
		s.counts[pane]++
	}
}
