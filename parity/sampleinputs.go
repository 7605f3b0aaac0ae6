package parity

import (
	"math"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// What is drawn of request inputs.
const (
	nullInputs   = 0.1
	edgeInputs   = 0.4
	mostElements = 3
)

// drawInput draws a request input, of which no source knows any values: null, the ends of its type, or a number as
// people have them, in hundredths, which doubles round.
func (s *sampler) drawInput(t plumbv1.Type) part {
	if s.random.Float64() < nullInputs {
		return part{isNull: true}
	}
	bits, err := value.AppendBits(nil, s.inputOf(t))
	if err != nil {
		return part{isNull: true}
	}
	return part{raw: string(bits)}
}

func (s *sampler) inputOf(t plumbv1.Type) any {
	if element, ok := value.ElementType(t); ok {
		list := make([]any, s.random.IntN(mostElements+1))
		for i := range list {
			if s.random.Float64() >= nullInputs {
				list[i] = s.inputOf(element)
			}
		}
		return list
	}
	edge, small := s.random.Float64() < edgeInputs, s.random.Int64N(2001)-1000
	switch t {
	case plumbv1.Type_BOOL:
		return small%2 == 0
	case plumbv1.Type_INT32:
		return pick(s, edge, int32(small), 0, -1, math.MinInt32, math.MaxInt32)
	case plumbv1.Type_INT64:
		return pick(s, edge, small, 0, -1, math.MinInt64, math.MaxInt64)
	case plumbv1.Type_FLOAT32:
		return float32(s.float(edge, float64(small)))
	case plumbv1.Type_FLOAT64:
		return s.float(edge, float64(small))
	case plumbv1.Type_BYTES:
		return []byte(pick(s, edge, "bytes", "", "\x00", "\xff"))
	case plumbv1.Type_TIMESTAMP:
		return feature.Instant(pick(s, edge, small*int64(microsecond)*1e6, 0, -1, 1))
	}
	return pick(s, edge, "text", "", " ", "\u00e4\u4e16")
}

func (s *sampler) float(edge bool, small float64) float64 {
	return pick(s, edge, small/100, 0, math.Copysign(0, -1), math.Inf(1), math.Inf(-1), math.NaN(), 1e300)
}

// pick returns the usual value, or one of those at an edge.
func pick[T any](s *sampler, edge bool, usual T, edges ...T) T {
	if !edge {
		return usual
	}
	return edges[s.random.IntN(len(edges))]
}
