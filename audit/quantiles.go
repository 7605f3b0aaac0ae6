package audit

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// spread counts durations so that quantiles of any number of them can be computed in bounded memory. Durations of one
// bin differ by less than one part in 4,096, and those below 4,096 microseconds have bins of their own. Two of them are
// merged by adding up their bins.
//
// It is not a library's sketch: DDSketch and HdrHistogram return the middle or the end of a bin. This one returns a
// duration that was added, so that ages of whole hours are reported as such.
type spread struct {
	bins  map[uint64]*bin
	count int64
}

// bin counts the durations in it, and has the longest.
type bin struct {
	count int64
	most  uint64
}

const precision = 13 // bits

func (s *spread) add(micros int64) {
	if s.bins == nil {
		s.bins = map[uint64]*bin{}
	}
	value := uint64(max(micros, 0))
	shift := max(bits.Len64(value)-precision, 0)
	key := value >> shift << shift
	if s.bins[key] == nil {
		s.bins[key] = &bin{}
	}
	b := s.bins[key]
	b.count++
	b.most = max(b.most, value)
	s.count++
}

// quantile is the least duration that the given share of all durations does not exceed; false if there are none.
func (s *spread) quantile(part float64) (time.Duration, bool) {
	if s.count == 0 {
		return 0, false
	}
	wanted := max(int64(math.Ceil(part*float64(s.count))), 1)
	for _, key := range s.keys() {
		if wanted -= s.bins[key].count; wanted <= 0 {
			return micros(s.bins[key].most), true
		}
	}
	return 0, false
}

func (s *spread) keys() []uint64 {
	keys := make([]uint64, 0, len(s.bins))
	for key := range s.bins {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// micros is a number of microseconds as a duration, or the longest duration if it is longer.
func micros(value uint64) time.Duration {
	if value > math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return time.Duration(value) * time.Microsecond
}
