package parity

import (
	"math"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
)

// Kind says why a label row is there.
type Kind string

// The kinds of label rows. Mistakes in time are off by one: a < for a <=, a window that leaves out its end. So label
// rows lie at an edge and one microsecond, the least distance that there is (R1), to either side of it. A row is
// visible from its event time to the end of its ttl, both included (R2): at AtRow and AtTTL, and not at BeforeRow and
// AfterTTL. It counts in a window from AtReach to BeforeLoss (R18): from the instant that is the window's offset after
// its event time, up to before the window begins at its event time or later.
const (
	Given       Kind = "given"
	Uniform     Kind = "uniform"
	AtRow       Kind = "at a row"
	BeforeRow   Kind = "1 µs before a row"
	AfterRow    Kind = "1 µs after a row"
	AtTTL       Kind = "at the end of a ttl"
	BeforeTTL   Kind = "1 µs before the end of a ttl"
	AfterTTL    Kind = "1 µs after the end of a ttl"
	AtTie       Kind = "at rows that tie"
	AtLateRow   Kind = "at a row known later"
	AtReach     Kind = "as a window with an offset reaches a row"
	BeforeReach Kind = "1 µs before a window with an offset reaches a row"
	AfterReach  Kind = "1 µs after a window with an offset has reached a row"
	AtLoss      Kind = "as a window loses a row"
	BeforeLoss  Kind = "1 µs before a window loses a row"
	AfterLoss   Kind = "1 µs after a window has lost a row"
	// AtBorder: the start of the window, which is the end of a tile (R19), is the row's event time or just before it.
	AtBorder  Kind = "as a window begins at a row or 1 µs before it"
	AtFloor   Kind = "at the first instant of a state"
	UnseenKey Kind = "key that no row has"
	NullKey   Kind = "null key"
)

// microsecond is the least distance of two instants (R1).
const microsecond feature.Instant = 1

// Kinds are all kinds, in the order in which reports have them.
func Kinds() []Kind {
	return []Kind{Given, Uniform, AtRow, BeforeRow, AfterRow, AtTTL, BeforeTTL, AfterTTL, AtTie, AtLateRow, AtReach,
		BeforeReach, AfterReach, AtLoss, BeforeLoss, AfterLoss, AtBorder, AtFloor, UnseenKey, NullKey}
}

// edgeFamily is a kind of row that label rows are aimed at.
type edgeFamily int

const (
	edgeRow edgeFamily = iota
	edgeTTL
	edgeTie
	edgeLate
	edgeReach
	edgeLoss
	edgeBorder
	edgeFamilies
)

// ofWindows says whether the edges of a family are those of windows.
func (e edgeFamily) ofWindows() bool { return e >= edgeReach && e <= edgeBorder }

// aim is an instant to aim at.
type aim struct {
	at   feature.Instant
	kind Kind
}

// aims are the instants of interest around a row. A row without a ttl is never one of edgeTTL.
func (e edgeFamily) aims(row seedRow, ttl feature.Instant, span windows.Span) []aim {
	switch e {
	case edgeTTL:
		end := row.event + ttl
		return []aim{{end - microsecond, BeforeTTL}, {end, AtTTL}, {end + microsecond, AfterTTL}}
	case edgeTie:
		return []aim{{row.event, AtTie}}
	case edgeLate:
		return []aim{{row.event, AtLateRow}}
	case edgeReach:
		at := row.event + feature.Instant(span.Offset)
		return []aim{{at - microsecond, BeforeReach}, {at, AtReach}, {at + microsecond, AfterReach}}
	case edgeLoss:
		at, _ := lossOf(row.event, span)
		return []aim{{at - microsecond, BeforeLoss}, {at, AtLoss}, {at + microsecond, AfterLoss}}
	case edgeBorder:
		at, _ := lossOf(row.event-afterBorder(row.event, span), span)
		return []aim{{at, AtBorder}}
	}
	return []aim{{row.event - microsecond, BeforeRow}, {row.event, AtRow}, {row.event + microsecond, AfterRow}}
}

// has says whether a window has an edge of a family at a row.
func (e edgeFamily) has(event feature.Instant, span windows.Span) bool {
	switch e {
	case edgeReach:
		return span.Offset > 0 && event < math.MaxInt64-feature.Instant(span.Offset)
	case edgeBorder:
		if !isAtBorder(event, span) {
			return false
		}
	}
	_, ok := lossOf(event, span)
	return ok
}

// lossOf is the first instant at which a row counts no more in a window: the window begins at the row's event time by
// then, or at the first multiple of the hop after it (R18). It is false if there is none, or if it is beyond all time.
func lossOf(event feature.Instant, span windows.Span) (feature.Instant, bool) {
	if span.Length == 0 {
		return 0, false
	}
	start := event
	if rest := afterBorder(event, span); rest > 0 {
		start += feature.Instant(span.Hop) - rest
	}
	room := feature.Instant(math.MaxInt64 - span.Length - span.Offset - 1)
	return start + feature.Instant(span.Length+span.Offset), start >= event && start <= room
}

// afterBorder is how long after a multiple of the hop a row is.
func afterBorder(event feature.Instant, span windows.Span) feature.Instant {
	if span.Hop == 0 {
		return 0
	}
	hop := feature.Instant(span.Hop)
	return (event%hop + hop) % hop
}
