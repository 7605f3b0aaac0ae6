package windows

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/plumbstore/plumb/compute/aggregate"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Layout says what is kept of the events of one entity for some aggregates: the windows' levels, and what the tiles of
// each level have. It does not change, and may be used by several goroutines at a time.
type Layout struct {
	plan       *aggregate.Plan
	parts      []aggregate.Part
	aggregates []Aggregate
	// types are those of the columns of an event, and kept the positions of those that some aggregate reads.
	types []plumbv1.Type
	kept  []int
	// spans are the windows, each once. spanOf has the position of each aggregate's.
	spans  []Span
	spanOf []int
	levels []level
	// align is a multiple of every hop. No tile lies on both sides of a multiple of it, so a state can be cut there.
	align int64
	// depth is how long before the floor events are kept one by one.
	depth int64
	// mark tells states of this layout from those of others.
	mark uint32
}

// level is what windows of one hop share: tiles that are as long as the hop.
type level struct {
	// hop is 0 for windows that are exactly as long as they say: their events are kept one by one, and they have no tiles.
	hop int64
	// Tiles have numbers between least and most, whose bounds are instants.
	least, most int64
	// lifetime says that the windows have no beginning. Such a level has one more tile, for all events up to a border.
	lifetime bool
	// spans are positions in Layout.spans. The start of each is not later than that of the next, at any instant.
	spans []int
	// parts are positions in Layout.parts.
	parts []int
}

// day is the length of the tiles of windows without a beginning, unless another hop does not fit with it.
const day = 24 * 60 * 60 * 1_000_000

// NewLayout returns the layout for aggregates of events with columns of the given types. Of any two hops one has to
// be a multiple of the other (R19).
func NewLayout(aggregates []Aggregate, types []plumbv1.Type) (*Layout, error) {
	l := &Layout{aggregates: aggregates, types: types, spanOf: make([]int, len(aggregates)), align: 1}
	specs := make([]aggregate.Spec, len(aggregates))
	for i, a := range aggregates {
		specs[i] = a.Spec
		l.keep(a.Spec.Column)
		l.keep(a.Spec.By)
		l.addSpan(i, a.Span)
	}
	slices.Sort(l.kept)
	l.plan = aggregate.NewPlan(specs)
	l.parts = l.plan.Parts()
	if err := l.alignHops(); err != nil {
		return nil, err
	}
	l.addLevels()
	l.mark = l.fingerprint()
	return l, nil
}

func (l *Layout) keep(column int) {
	if column != aggregate.None && !slices.Contains(l.kept, column) {
		l.kept = append(l.kept, column)
	}
}

func (l *Layout) addSpan(aggregate int, span Span) {
	at := slices.Index(l.spans, span)
	if at < 0 {
		at = len(l.spans)
		l.spans = append(l.spans, span)
		l.depth = max(l.depth, span.depth())
	}
	l.spanOf[aggregate] = at
}

// depth is how long before an instant events have to be kept one by one, so that the end of the window at that instant
// lies among them; of a window that is exactly as long as it says, also its start.
func (s Span) depth() int64 {
	if s.Hop == 0 {
		return s.Offset + s.Length
	}
	return s.Offset
}

func (s Span) isLifetime() bool { return s.Length == 0 }

// alignHops finds the greatest hop, and gives windows without a beginning a length of tiles that fits with all others.
func (l *Layout) alignHops() error {
	hops := []int64{}
	lifetime := false
	for _, span := range l.spans {
		lifetime = lifetime || span.isLifetime()
		if span.Hop > 0 {
			hops = append(hops, span.Hop)
		}
	}
	slices.Sort(hops)
	for i := 1; i < len(hops); i++ {
		if hops[i]%hops[i-1] != 0 {
			return fmt.Errorf("the hops of %dus and %dus do not go together: one has to be a multiple of the other", hops[i-1],
				hops[i])
		}
	}
	if len(hops) > 0 {
		l.align = hops[len(hops)-1]
	}
	if lifetime && !slices.ContainsFunc(hops, func(hop int64) bool { return hop%day != 0 && day%hop != 0 }) {
		l.align = max(l.align, day)
	}
	return nil
}

// lifetimeHop is the length of the tiles of windows without a beginning.
func (l *Layout) lifetimeHop() int64 {
	if l.align%day == 0 {
		return day
	}
	return l.align
}

func (l *Layout) addLevels() {
	for at, span := range l.spans {
		hop := span.Hop
		if span.isLifetime() {
			hop = l.lifetimeHop()
		}
		same := func(v level) bool { return v.hop == hop && v.lifetime == span.isLifetime() }
		i := slices.IndexFunc(l.levels, same)
		if i < 0 {
			i = len(l.levels)
			l.levels = append(l.levels, newLevel(hop, span.isLifetime()))
		}
		l.levels[i].spans = append(l.levels[i].spans, at)
	}
	for i := range l.levels {
		v := &l.levels[i]
		slices.SortStableFunc(v.spans, func(a, b int) int { return cmp.Compare(l.spans[b].reach(), l.spans[a].reach()) })
		for a, span := range l.spanOf {
			if slices.Contains(v.spans, span) {
				v.parts = append(v.parts, l.plan.PartsOf(a)...)
			}
		}
		slices.Sort(v.parts)
		v.parts = slices.Compact(v.parts)
	}
}

func newLevel(hop int64, lifetime bool) level {
	v := level{hop: hop, lifetime: lifetime}
	if hop > 0 {
		v.least, v.most = math.MinInt64/hop, math.MaxInt64/hop
	}
	return v
}

// reach is how long before an instant a window begins at the latest.
func (s Span) reach() int64 { return s.Length + s.Offset }

// fingerprint depends on all that decides which bytes a state has and what they mean.
func (l *Layout) fingerprint() uint32 {
	var text []byte
	for _, column := range l.kept {
		text = fmt.Appendf(text, "column %d %d\n", column, l.types[column])
	}
	for _, v := range l.levels {
		text = fmt.Appendf(text, "level %d %t\n", v.hop, v.lifetime)
		for _, at := range v.spans {
			text = fmt.Appendf(text, "window %d %d\n", l.spans[at].Length, l.spans[at].Offset)
		}
		for _, at := range v.parts {
			p := l.parts[at]
			text = fmt.Appendf(text, "part %d %d %d %d %d %d %g\n", p.Kind, p.Column, p.By, p.Type, p.ByType, p.N, p.Error)
		}
	}
	return crc32.ChecksumIEEE(text)
}

// Aggregates are those that the layout is for.
func (l *Layout) Aggregates() []Aggregate { return l.aggregates }

// Horizon says what a state is complete for (R27). All are instants in microseconds.
type Horizon struct {
	// Through is the last instant up to which all events are counted, C.
	Through int64
	// Floor is the first instant at which the state can be looked up, F.
	Floor int64
	// Raw is what events are later than that are kept one by one, R. The end of every window at the floor or later is not
	// before it, so no tile has an event that a window does not reach yet.
	Raw int64
	// Border is a multiple of every hop at or before Raw. The events up to it are not counted again: those of windows
	// without a beginning are in one tile.
	Border int64
}

// Horizon returns that of a state which is complete through an instant. Look-ups may be as far behind that as twice the
// skew of clocks, and events may still arrive that are as old as the lookback. All are microseconds.
func (l *Layout) Horizon(through, skew, lookback int64) Horizon {
	h := Horizon{Through: through, Floor: less(less(through, skew), skew)}
	h.Raw = less(h.Floor, l.depth)
	h.Border = floor(min(less(through, lookback), h.Raw), l.align)
	return h
}

// Start is what events have to be later than to count in some window at the floor of a horizon or later. It is false if
// all do.
func (l *Layout) Start(h Horizon) (int64, bool) {
	least := int64(math.MaxInt64)
	for _, span := range l.spans {
		start, _ := span.Bounds(h.Floor)
		least = min(least, start)
	}
	return least, least > math.MinInt64
}

// MostTiles returns the greatest number of tiles of a state. Tiles after the border of windows without a beginning are
// not counted.
func (l *Layout) MostTiles() int64 {
	most := int64(0)
	for i := range l.levels {
		v := &l.levels[i]
		switch {
		case v.lifetime:
			most++
		case v.hop > 0:
			longest := l.spans[v.spans[0]]
			most += max(longest.reach()-l.depth, 0)/v.hop + 2
		}
	}
	return most
}

// start is what the tiles of a level have to begin at, at the earliest, to count at an instant or later.
func (l *Layout) start(v *level, at int64) int64 {
	start, _ := l.spans[v.spans[0]].Bounds(at)
	return start
}

// tileOf is the number of the tile that an event is in (R19): tile k holds those in (k*hop, (k+1)*hop].
func tileOf(event, hop int64) int64 {
	k := event / hop
	if event%hop <= 0 {
		k--
	}
	return k
}
