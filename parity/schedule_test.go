package parity

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
)

func drawIntervals(t *rapid.T) []interval {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) interval {
		from := feature.Instant(rapid.IntRange(0, 60).Draw(t, "from"))
		return interval{from, from + feature.Instant(rapid.IntRange(0, 20).Draw(t, "length"))}
	}), 0, 30).Draw(t, "intervals")
}

// fewest is how many stops are needed: intervals by their ends, each stabbed at its end unless a stop is in it.
func fewest(all []interval) int {
	ordered := slices.Clone(all)
	slices.SortFunc(ordered, func(a, b interval) int { return int(a.to - b.to) })
	count, last := 0, feature.Instant(math.MinInt64)
	for _, each := range ordered {
		if each.from > last {
			count, last = count+1, each.to
		}
	}
	return count
}

func TestStopsAreTheFewestThatAreInEachInterval(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawIntervals(t)
		stops := stab(slices.Clone(all))
		if len(stops) != fewest(all) || !slices.IsSorted(stops) {
			t.Fatalf("%v are the stops of %v, which need %d", stops, all, fewest(all))
		}
		for _, each := range all {
			inside := func(stop feature.Instant) bool { return stop >= each.from && stop <= each.to }
			if !slices.ContainsFunc(stops, inside) {
				t.Fatalf("no stop of %v is in %v", stops, each)
			}
		}
	})
}

// A label row is played at the first stop at or after its instant, which has to be in its interval however windows are
// cut.
func TestTheFirstStopAtOrAfterAnInstantIsInItsIntervalWithSeamsToo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawIntervals(t)
		newest := map[feature.Instant]feature.Instant{}
		for _, each := range all {
			newest[each.from] = each.from - feature.Instant(rapid.IntRange(0, 9).Draw(t, "age"))
		}
		plain := stab(slices.Clone(all))
		cut := withSeams(plain, newest)
		if !slices.IsSorted(cut) || len(slices.Compact(slices.Clone(cut))) != len(cut) || len(cut) > len(plain)+seams {
			t.Fatalf("%v was cut to %v", plain, cut)
		}
		for _, each := range all {
			first, ok := slices.BinarySearch(cut, each.from)
			if !ok && (first == len(cut) || cut[first] > each.to) {
				t.Fatalf("%v is played at none of %v", each, cut)
			}
		}
	})
}

func TestSomeWindowsAreCutAtTheEventTimeOfARow(t *testing.T) {
	stops := []feature.Instant{10, 20, 30}
	got := withSeams(stops, map[feature.Instant]feature.Instant{10: 10, 20: 15, 30: 12})
	if want := []feature.Instant{10, 15, 20, 30}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: a row at a stop is at a seam already, and one before the last stop is not of the window",
			got, want)
	}
}

// Each instant costs a window of each view, so targets have the same ones, as far as they lie in the time of their
// views.
func TestTargetsShareTheirBaseInstants(t *testing.T) {
	sampled := func(seed uint64, first, last feature.Instant, before []feature.Instant) []feature.Instant {
		view := &sandboxView{View: plainView, found: &findings{rows: 2, first: first, last: last, keys: newBottomK()}}
		only := &target{uses: []use{{view: view, columns: []int{0}}}, keys: view.Keys, inputs: 1}
		return newSampler(only, rand.New(rand.NewPCG(seed, 0)), 1000, before).bases
	}
	one := sampled(1, 0, 1e12, nil)
	if again := sampled(2, 0, 1e12, one); !slices.Equal(again, one) {
		t.Errorf("the second target has the instants %v, not %v", again, one)
	}
	for _, at := range sampled(2, 2e12, 3e12, one) {
		if at < 2e12 {
			t.Errorf("%d lies before the time of the view", at)
		}
	}
	if more := sampled(2, 0, 1e12, one[:5]); len(more) != len(one) || !slices.Equal(more[:5], one[:5]) {
		t.Errorf("the second target has the instants %v", more)
	}
}
