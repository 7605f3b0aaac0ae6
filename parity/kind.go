package parity

import (
	"github.com/plumbstore/plumb/feature"
)

// Kind says why a label row is there.
type Kind string

// The kinds of label rows. Mistakes in time are off by one: a < for a <=, a window that leaves out its end. So label
// rows lie at an edge and one microsecond, the least distance that there is (R1), to either side of it. A row is
// visible from its event time to the end of its ttl, both included (R2): at AtRow and AtTTL, and not at BeforeRow and
// AfterTTL.
const (
	Given     Kind = "given"
	Uniform   Kind = "uniform"
	AtRow     Kind = "at a row"
	BeforeRow Kind = "1 µs before a row"
	AfterRow  Kind = "1 µs after a row"
	AtTTL     Kind = "at the end of a ttl"
	BeforeTTL Kind = "1 µs before the end of a ttl"
	AfterTTL  Kind = "1 µs after the end of a ttl"
	AtTie     Kind = "at rows that tie"
	AtLateRow Kind = "at a row known later"
	UnseenKey Kind = "key that no row has"
	NullKey   Kind = "null key"
)

// microsecond is the least distance of two instants (R1).
const microsecond feature.Instant = 1

// Kinds are all kinds, in the order in which reports have them.
func Kinds() []Kind {
	return []Kind{Given, Uniform, AtRow, BeforeRow, AfterRow, AtTTL, BeforeTTL, AfterTTL, AtTie, AtLateRow, UnseenKey,
		NullKey}
}

// edgeFamily is a kind of row that label rows are aimed at.
type edgeFamily int

const (
	edgeRow edgeFamily = iota
	edgeTTL
	edgeTie
	edgeLate
	edgeFamilies
)

// aim is an instant to aim at.
type aim struct {
	at   feature.Instant
	kind Kind
}

// aims are the instants of interest around a row. A row without a ttl is never one of edgeTTL.
func (e edgeFamily) aims(row seedRow, ttl feature.Instant) []aim {
	switch e {
	case edgeTTL:
		end := row.event + ttl
		return []aim{{end - microsecond, BeforeTTL}, {end, AtTTL}, {end + microsecond, AfterTTL}}
	case edgeTie:
		return []aim{{row.event, AtTie}}
	case edgeLate:
		return []aim{{row.event, AtLateRow}}
	}
	return []aim{{row.event - microsecond, BeforeRow}, {row.event, AtRow}, {row.event + microsecond, AfterRow}}
}
