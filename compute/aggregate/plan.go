package aggregate

import (
	"github.com/plumbstore/plumb/compute/expression"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Events are rows of a source as they are counted.
type Events struct {
	// Times are event times and Created created times, in microseconds; Created is NoCreated for a null. Created may be
	// nil if all are.
	Times, Created []int64
	// Columns are those that a Spec refers to.
	Columns []*expression.Column
}

// NoCreated is lower than every created time.
const NoCreated = -1 << 63

// Part is one thing that is kept of events, such as the exact sum of a column. Functions share parts: a mean needs a
// sum and a count. What a part does not depend on is zero in it, or None, so that equal parts keep the same.
type Part struct {
	Kind PartKind
	// Column and By are positions among the columns of the events, or None. With By a state is kept for each group.
	Column, By int
	// Type and ByType are their types.
	Type   plumbv1.Type
	ByType plumbv1.Type
	// N is how many events PartFirst and PartLast keep, and Error what the buckets of PartBuckets are made for.
	N     int
	Error float64
}

// PartKind says what a part keeps.
type PartKind uint8

// States are the states of one part at numbered places, such as tiles or windows. Every state is a function of the
// multiset of its events alone (R20): the order of Add, Merge and Subtract leaves no trace in it. They are not for use
// by several goroutines at once.
type States interface {
	// Grow makes places up to a number, which are empty.
	Grow(places int)
	// Add adds an event.
	Add(place int, events *Events, row int)
	// Merge adds the events of a state of the same part.
	Merge(place int, from States, at int)
	// Subtract takes the events of a state out, which must have been added. Only parts that are Invertible have it.
	Subtract(place int, from States, at int)
	Reset(place int)
	Storable
	Sized
}

// Storable are states that have bytes.
type Storable interface {
	// Append appends the bytes of a state. States of the same events have the same bytes.
	Append(dst []byte, place int) []byte
	// MergeBytes adds the events of a state that Append has written, and returns what comes after it. It believes nothing:
	// bytes that Append does not write are an error, after which the place may have some of their events.
	MergeBytes(place int, src []byte) (rest []byte, err error)
}

// Sized says about how much memory something takes.
type Sized interface{ Bytes() int64 }
