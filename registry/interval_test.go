package registry_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/registry"
)

// instants are the microseconds that the property tests know of. Those before all starts are in intervals without one.
const instants = 24

// members is the naive form of intervals: whether each instant lies in one of them.
func members(intervals []registry.Interval) (in [instants]bool) {
	for _, interval := range intervals {
		for at := range int64(instants) {
			if (interval.Start == nil || *interval.Start < at) && at <= interval.End {
				in[at] = true
			}
		}
	}
	return in
}

func drawInterval(t *rapid.T) registry.Interval {
	interval := registry.Interval{End: rapid.Int64Range(0, instants-1).Draw(t, "end")}
	if rapid.IntRange(0, 9).Draw(t, "has start") > 0 {
		interval.Start = new(rapid.Int64Range(0, instants-1).Draw(t, "start"))
	}
	return interval
}

func TestR5_AUnionHoldsTheInstantsOfItsIntervalsAndNoOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		intervals := rapid.SliceOfN(rapid.Custom(drawInterval), 0, 8).Draw(t, "intervals")
		united := registry.United(intervals)
		want := members(intervals)
		if diff := cmp.Diff(want, members(united)); diff != "" {
			t.Fatal(diff)
		}
		gaps := registry.Gaps(united)
		if len(gaps) != max(len(united)-1, 0) {
			t.Fatalf("%d intervals have %d gaps", len(united), len(gaps))
		}
		missing := members(gaps)
		for i, interval := range united {
			if interval.Start != nil && (*interval.Start >= interval.End || i > 0 && *interval.Start <= united[i-1].End) {
				t.Fatalf("interval %d of %v holds nothing or meets the one before", i, united)
			}
			if i > 0 && interval.Start == nil {
				t.Fatalf("interval %d of %v has no beginning", i, united)
			}
		}
		for at := range instants {
			inside := len(united) > 0 && int64(at) <= united[len(united)-1].End &&
				(united[0].Start == nil || *united[0].Start < int64(at))
			if missing[at] != (inside && !want[at]) {
				t.Fatalf("%d: the gaps of %v are %v", at, united, gaps)
			}
		}
	})
}
