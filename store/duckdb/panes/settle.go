package panes

import (
	"context"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/plumbstore/plumb/compute/aggregate"
	"github.com/plumbstore/plumb/compute/expression"
	"github.com/plumbstore/plumb/compute/windows"
)

// spanWork is a window with the aggregates that are computed of it.
type spanWork struct {
	span       windows.Span
	aggregates []int
	// parts are those of the plan that the aggregates read.
	parts []int
}

// planSpans finds the different windows.
func (x *Index) planSpans() {
	work := func(span windows.Span) *spanWork {
		at := slices.IndexFunc(x.spans, func(w spanWork) bool { return w.span == span })
		if at < 0 {
			at = len(x.spans)
			x.spans = append(x.spans, spanWork{span: span})
		}
		return &x.spans[at]
	}
	for i, a := range x.question.Aggregates {
		w := work(a.Span)
		w.aggregates = append(w.aggregates, i)
		for _, part := range x.question.Plan.PartsOf(i) {
			if !slices.Contains(w.parts, part) {
				w.parts = append(w.parts, part)
			}
		}
	}
	if x.question.Widest != nil {
		work(*x.question.Widest)
	}
}

// Settle computes the results of all labels, on some threads, and lets go of the states. No event may be added any
// more. Its error is ErrFull or that of the context.
func (x *Index) Settle(ctx context.Context, threads int) error {
	for i := range x.shards {
		x.shards[i].measure()
	}
	if x.full.Load() {
		return ErrFull
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	for range threads {
		wait.Go(func() {
			for {
				at := next.Add(1) - 1
				if at >= int64(len(x.shards)) || ctx.Err() != nil || x.full.Load() {
					return
				}
				x.shards[at].settle(ctx)
			}
		})
	}
	wait.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	if x.full.Load() {
		return ErrFull
	}
	x.cuts = nil
	return nil
}

// rowResults are the rows of a view by slot.
type rowResults struct{ times, earliest, counts []int64 }

func (s *shard) settle(ctx context.Context) {
	x := s.index
	slots := int(x.keys[s.keys[1]].slot - s.firstSlot)
	s.late.settle()
	s.rows.times = filled(slots, none)
	if x.question.Widest != nil {
		s.rows.earliest, s.rows.counts = make([]int64, slots), make([]int64, slots)
	}
	s.results = make([][]*expression.Column, len(x.question.Aggregates))
	for i, a := range x.question.Aggregates {
		for _, t := range a.Spec.Results() {
			s.results[i] = append(s.results[i], aggregate.NewResult(t, slots))
		}
	}
	views := make([]*view, len(x.spans))
	for i := range x.spans {
		views[i] = newView(s, &x.spans[i])
	}
	for number := s.keys[0]; number < s.keys[1] && ctx.Err() == nil; number++ {
		k := newKeyWork(s, number)
		k.findRows()
		for _, v := range views {
			v.slide(ctx, k)
		}
	}
	s.states, s.latest, s.earliest, s.counts, s.late = nil, nil, nil, nil, lateEvents{}
	s.account(s.heldBytes())
}

// Bytes is what the texts and arrays of the results take, once the index is settled.
func (x *Index) Bytes() int64 { return x.bytes.Load() }

// heldBytes is what the texts and arrays of the results take. How much all else takes is known beforehand.
func (s *shard) heldBytes() int64 {
	var bytes int64
	for _, results := range s.results {
		for _, column := range results {
			bytes += textBytes(column)
			if column.Elements != nil {
				const element = 9
				bytes += element*int64(len(column.Elements.States)) + textBytes(column.Elements)
			}
		}
	}
	return bytes
}

func textBytes(column *expression.Column) int64 {
	const header = 16
	bytes := int64(0)
	for _, text := range column.Texts {
		bytes += header + int64(len(text))
	}
	return bytes
}

// keyWork is one key while its windows are computed. Panes are numbered within the shard.
type keyWork struct {
	shard *shard
	// slots are its instants, and firstSlot the number of the first within the shard.
	slots     []int64
	firstSlot int
	cuts      []int64
	// panes are those with events, by their numbers within the shard, and ends the cuts that end them.
	panes []int
	ends  []int64
	late  []uint32
}

func newKeyWork(s *shard, number int) *keyWork {
	x := s.index
	from, to := x.keys[number], x.keys[number+1]
	k := &keyWork{shard: s, slots: x.slots[from.slot:to.slot], firstSlot: int(from.slot - s.firstSlot),
		cuts: x.cuts[from.cut:to.cut], late: s.late.of(uint32(number))}
	for i, cut := range k.cuts {
		if pane := int(from.cut-s.first) + i; s.latest[pane] != none {
			k.panes, k.ends = append(k.panes, pane), append(k.ends, cut)
		}
	}
	return k
}

// findRows finds the event time of each slot's row: that of the latest event in any window (R22).
func (k *keyWork) findRows() {
	spans := k.shard.index.question.Spans
	for i, t := range k.slots {
		latest := int64(none)
		for _, span := range spans {
			start, end := span.Bounds(t)
			if last, ok := k.lastThrough(end); ok && last > start {
				latest = max(latest, last)
			}
			for _, row := range k.late {
				if k.counts(row, t, start, end) {
					latest = max(latest, k.shard.late.events.Times[row])
				}
			}
		}
		k.shard.rows.times[k.firstSlot+i] = latest
	}
}

// lastThrough is the latest event up to a cut.
func (k *keyWork) lastThrough(cut int64) (int64, bool) {
	after, _ := slices.BinarySearch(k.ends, cut+1)
	if cut == math.MaxInt64 {
		after = len(k.ends)
	}
	if after == 0 {
		return 0, false
	}
	return k.shard.latest[k.panes[after-1]], true
}

// counts says whether a late event counts in a window at an instant.
func (k *keyWork) counts(row uint32, at, start, end int64) bool {
	events := &k.shard.late.events
	return events.Created[row] <= at && events.Times[row] > start && events.Times[row] <= end
}

// view is a window that slides over the panes of the keys of a shard.
type view struct {
	shard *shard
	work  *spanWork
	// sums are those of the parts, and states has them for the plan: the state at place 0 is that of the window.
	sums   []sum
	states []aggregate.States
	// widened are states with late events, at place 0; nil while there were none.
	widened []aggregate.States
	extent  bool
}

func newView(s *shard, work *spanWork) *view {
	plan := s.index.question.Plan
	v := &view{shard: s, work: work, states: make([]aggregate.States, len(plan.Parts())),
		extent: s.index.question.Widest != nil && *s.index.question.Widest == work.span}
	for _, at := range work.parts {
		part := plan.Parts()[at]
		v.states[at] = newPlaces(part, 1)
		if part.Invertible() {
			v.sums = append(v.sums, &difference{panes: s.states[at], window: v.states[at]})
		} else {
			v.sums = append(v.sums, &twoStacks{panes: s.states[at], window: v.states[at], back: newPlaces(part, 1),
				front: newPlaces(part, 0)})
		}
	}
	return v
}

func newPlaces(part aggregate.Part, places int) aggregate.States {
	states := aggregate.NewStates(part)
	states.Grow(places)
	return states
}

// slide computes the window at each slot of a key, until the context ends.
func (v *view) slide(ctx context.Context, k *keyWork) {
	for _, s := range v.sums {
		s.begin(k.panes)
	}
	from, to := 0, 0
	for i, t := range k.slots {
		const often = 1024
		if i%often == often-1 && ctx.Err() != nil {
			return
		}
		start, end := v.work.span.Bounds(t)
		for from < len(k.ends) && k.ends[from] <= start && start != math.MinInt64 {
			from++
		}
		to = max(to, from)
		for to < len(k.ends) && k.ends[to] <= end {
			to++
		}
		v.result(k, i, from, to, start, end)
	}
}

// result computes the window of a slot, which has the panes from and up to some of the key's.
func (v *view) result(k *keyWork, i, from, to int, start, end int64) {
	slot := k.firstSlot + i
	for _, s := range v.sums {
		s.move(from, to)
	}
	if v.extent {
		v.measure(k, slot, from, to)
	}
	states := v.states
	for _, row := range k.late {
		if !k.counts(row, k.slots[i], start, end) {
			continue
		}
		if &states[0] == &v.states[0] {
			states = v.widen()
		}
		v.add(states, slot, row)
	}
	plan, results := v.shard.index.question.Plan, v.shard.results
	for _, at := range v.work.aggregates {
		plan.Result(at, states, 0, results[at], slot)
	}
}

// measure counts the events of the window.
func (v *view) measure(k *keyWork, slot, from, to int) {
	rows := &v.shard.rows
	rows.earliest[slot] = math.MaxInt64
	for _, pane := range k.panes[from:to] {
		rows.counts[slot] += v.shard.counts[pane]
		rows.earliest[slot] = min(rows.earliest[slot], v.shard.earliest[pane])
	}
}

// widen copies the states of the window.
func (v *view) widen() []aggregate.States {
	if v.widened == nil {
		v.widened = make([]aggregate.States, len(v.states))
		for _, at := range v.work.parts {
			v.widened[at] = newPlaces(v.shard.index.question.Plan.Parts()[at], 1)
		}
	}
	for _, at := range v.work.parts {
		v.widened[at].Reset(0)
		v.widened[at].Merge(0, v.states[at], 0)
	}
	return v.widened
}

// add adds a late event to a window.
func (v *view) add(states []aggregate.States, slot int, row uint32) {
	events := &v.shard.late.events
	for _, at := range v.work.parts {
		states[at].Add(0, events, int(row))
	}
	if v.extent {
		rows := &v.shard.rows
		rows.counts[slot]++
		rows.earliest[slot] = min(rows.earliest[slot], events.Times[row])
	}
}
