package aggregate

import (
	"math"
	"slices"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// The kinds of parts.
const (
	// PartRows is how many events there are.
	PartRows PartKind = iota + 1
	// PartCount is how many events have a value, and how many an invalid one.
	PartCount
	// PartSum is the exact sum of the values, and PartSquares that of their squares.
	PartSum
	PartSquares
	// PartMin and PartMax are the least and the greatest value in R3's order.
	PartMin
	PartMax
	// PartFirst and PartLast are up to N values, the first or last by event time, created time and value. Nulls are
	// values.
	PartFirst
	PartLast
	// PartDistinct are the registers of a HyperLogLog.
	PartDistinct
	// PartBuckets are how many values each bucket of a log-linear histogram has.
	PartBuckets
)

// Invertible says whether states of the part can be subtracted.
func (part Part) Invertible() bool {
	switch part.Kind {
	case PartRows, PartCount, PartSum, PartSquares, PartBuckets:
		return true
	}
	return false
}

// Plan says which parts are kept for specs, and computes their results of the parts. It does not change.
type Plan struct {
	specs []Spec
	parts []Part
	// of has for each spec the positions of its parts, in the order of partsOf.
	of [][]int
}

// NewPlan plans the parts of specs. Specs share parts that are the same.
func NewPlan(specs []Spec) *Plan {
	p := &Plan{specs: specs, of: make([][]int, len(specs))}
	for i, spec := range specs {
		for _, part := range partsOf(spec) {
			at := slices.Index(p.parts, part)
			if at < 0 {
				at = len(p.parts)
				p.parts = append(p.parts, part)
			}
			p.of[i] = append(p.of[i], at)
		}
	}
	return p
}

// Parts are the parts of all specs.
func (p *Plan) Parts() []Part { return p.parts }

// PartsOf are the positions in Parts of what a spec reads.
func (p *Plan) PartsOf(spec int) []int { return p.of[spec] }

// partsOf are the parts of a spec in the order in which its result reads them. TopK and Histogram count the events of
// each value, as Rows by that column does.
//
// The count of the column, which says whether a value was invalid, is also kept of all events together if there are
// groups: an invalid value counts whatever the group, and also if the group is null.
func partsOf(s Spec) []Part {
	switch {
	case s.Function == TopK || s.Function == Histogram:
		return []Part{count(s.Column), {Kind: PartRows, Column: None, By: s.Column, ByType: s.Type}}
	case s.By == None:
		return single(s)
	}
	parts := []Part{count(s.By), {Kind: PartRows, Column: None, By: s.By, ByType: s.ByType}}
	if s.Column != None && !isOrdered(s.Function) {
		parts = append(parts, count(s.Column))
	}
	for _, part := range single(s) {
		part.By, part.ByType = s.By, s.ByType
		parts = append(parts, part)
	}
	return parts
}

// isOrdered says whether a function gives values of single events. Invalid values of other events do not count.
func isOrdered(f Function) bool { return f == First || f == Last || f == LastN }

func count(column int) Part { return Part{Kind: PartCount, Column: column, By: None} }

// single are the parts of a spec without groups.
func single(s Spec) []Part {
	of := func(kind PartKind) Part { return Part{Kind: kind, Column: s.Column, By: None, Type: s.Type} }
	switch s.Function {
	case Rows:
		return []Part{{Kind: PartRows, Column: None, By: None}}
	case Count:
		return []Part{count(s.Column)}
	case Sum, Mean:
		return []Part{count(s.Column), of(PartSum)}
	case Variance, VarianceSample, Stddev, StddevSample:
		return []Part{count(s.Column), of(PartSum), of(PartSquares)}
	case Min:
		return []Part{count(s.Column), of(PartMin)}
	case Max:
		return []Part{count(s.Column), of(PartMax)}
	case Distinct:
		return []Part{count(s.Column), of(PartDistinct)}
	case Percentile:
		part := of(PartBuckets)
		part.Error = s.Error
		return []Part{count(s.Column), part}
	}
	part := of(PartLast)
	if part.N = 1; s.Function == LastN {
		part.N = s.N
	}
	if s.Function == First {
		part.Kind = PartFirst
	}
	return []Part{part}
}

// NewStates makes states of a part, without places.
func NewStates(part Part) States {
	if part.By == None {
		return newSingle(part)
	}
	inner := part
	inner.By, inner.ByType = None, plumbv1.Type_TYPE_UNSPECIFIED
	if isText(part.ByType) {
		return newGroups[string](part.By, texts{}, newSingle(inner))
	}
	return newGroups[uint64](part.By, words{part.ByType}, newSingle(inner))
}

func newSingle(part Part) States {
	switch part.Kind {
	case PartRows:
		return &rows{}
	case PartCount:
		return &counts{column: part.Column}
	case PartSum:
		if isInteger(part.Type) {
			return &integers{column: part.Column}
		}
		return newDoubles(part.Column, false)
	case PartSquares:
		if isInteger(part.Type) {
			return &squares{column: part.Column}
		}
		return newDoubles(part.Column, true)
	case PartMin, PartMax:
		if isText(part.Type) {
			return newExtremes[string](part, texts{})
		}
		return newExtremes[uint64](part, words{part.Type})
	case PartDistinct:
		return &distinct{column: part.Column, of: part.Type}
	case PartBuckets:
		return newBuckets(part)
	}
	if isText(part.Type) {
		return newLasts[string](part, texts{})
	}
	return newLasts[uint64](part, words{part.Type})
}

func isText(t plumbv1.Type) bool { return t == plumbv1.Type_STRING || t == plumbv1.Type_BYTES }

func isInteger(t plumbv1.Type) bool { return t == plumbv1.Type_INT32 || t == plumbv1.Type_INT64 }

func isFloat(t plumbv1.Type) bool { return t == plumbv1.Type_FLOAT32 || t == plumbv1.Type_FLOAT64 }

// quietNaN is the one NaN of results, and of states.
const quietNaN = 0x7ff8000000000000

func canonical(x float64) uint64 {
	if x != x {
		return quietNaN
	}
	return math.Float64bits(x)
}
