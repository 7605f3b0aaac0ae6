package registry

import (
	"cmp"
	"slices"
)

// Interval is the half-open interval (Start, End] of event times (R5), in microseconds since the epoch.
type Interval struct {
	// Start is nil if the interval has no beginning.
	Start *int64 `json:"start"`
	End   int64  `json:"end"`
}

// holdsNothing says that no instant lies in the interval.
func (i Interval) holdsNothing() bool { return i.Start != nil && *i.Start >= i.End }

// startsBy says whether the interval starts at the instant or before it.
func (i Interval) startsBy(instant int64) bool { return i.Start == nil || *i.Start <= instant }

// United is the union of intervals: as few as there can be, in ascending order, none of which meets another.
func United(intervals []Interval) []Interval {
	var united []Interval
	for _, next := range slices.SortedFunc(slices.Values(intervals), byStart) {
		if next.holdsNothing() {
			continue
		}
		if last := len(united) - 1; last >= 0 && next.startsBy(united[last].End) {
			united[last].End = max(united[last].End, next.End)
			continue
		}
		united = append(united, next)
	}
	return united
}

func byStart(a, b Interval) int {
	switch {
	case a.Start == nil && b.Start == nil:
		return 0
	case a.Start == nil:
		return -1
	case b.Start == nil:
		return 1
	}
	return cmp.Compare(*a.Start, *b.Start)
}

// Gaps are the intervals that lie between the given ones, which are as United returns them.
func Gaps(united []Interval) []Interval {
	var gaps []Interval
	for i := 1; i < len(united); i++ {
		gaps = append(gaps, Interval{Start: new(united[i-1].End), End: *united[i].Start})
	}
	return gaps
}
