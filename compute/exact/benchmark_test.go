package exact

import (
	"math/rand/v2"
	"testing"
)

var sink float64

// BenchmarkAdd compares an exact sum with a naive one over the same values, which are like prices.
func BenchmarkAdd(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	values := make([]float64, 4096)
	for i := range values {
		values[i] = random.ExpFloat64() * 30
	}
	b.Run("naive", func(b *testing.B) {
		sums := make([]float64, 4)
		for b.Loop() {
			for i, x := range values {
				sums[i&3] += x
			}
		}
		sink = sums[0]
		perValue(b, len(values))
	})
	b.Run("exact", func(b *testing.B) {
		s := NewSums()
		s.Grow(4)
		for b.Loop() {
			for i, x := range values {
				s.Add(i&3, x)
			}
		}
		perValue(b, len(values))
	})
}

func perValue(b *testing.B, values int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*values), "ns/value")
}
