// Package windows says which events a window counts (R18), and keeps the events of an entity as tiles (R19). It is
// pure.
package windows

import "math"

// Span is a window: how long it is, at which instants it begins, and how long before the instant of a look-up it ends.
// All are microseconds.
type Span struct {
	// Length is 0 for a window without a beginning.
	Length int64
	// Hop is 0 for a window that is exactly as long as Length.
	Hop    int64
	Offset int64
}

// Bounds returns the window at an instant: events count that are later than start and not later than end (R18). An
// event at math.MinInt64 never counts, and there are none.
func (s Span) Bounds(at int64) (start, end int64) {
	end = less(at, s.Offset)
	if s.Length == 0 {
		return math.MinInt64, end
	}
	start = less(end, s.Length)
	if s.Hop > 0 {
		start = floor(start, s.Hop)
	}
	return start, end
}

// less is a - b for b >= 0, or the least number if that is less.
func less(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}

// floor is the greatest multiple of hop that is not greater than x, or the least number if that is less.
func floor(x, hop int64) int64 {
	rest := x % hop
	if rest < 0 {
		rest += hop
	}
	return less(x, rest)
}
