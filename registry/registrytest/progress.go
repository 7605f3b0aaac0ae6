package registrytest

import (
	"errors"
	"math"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/registry"
)

// done is progress of a view of generation 1 over intervals. A start of none is no beginning.
func done(view string, rebuild int64, intervals ...[2]int64) registry.Progress {
	p := registry.Progress{View: view, Generation: 1, Rebuild: rebuild}
	for _, bounds := range intervals {
		interval := registry.Interval{Start: &bounds[0], End: bounds[1]}
		if bounds[0] == none {
			interval.Start = nil
		}
		p.Intervals = append(p.Intervals, interval)
	}
	return p
}

const none = math.MinInt64

func unitedProgress(t *testing.T, open Database) {
	type bounds = [2]int64
	of := func(rebuild int64, intervals ...bounds) registry.Progress {
		return done("weather", rebuild, intervals...)
	}
	replacing := func(p registry.Progress) registry.Progress { p.Replace = true; return p }
	tests := map[string]struct {
		recorded, finished, want registry.Progress
	}{
		"a window that follows goes on":           {of(2, bounds{none, 5}), of(2, bounds{5, 6}), of(2, bounds{none, 6})},
		"a window that comes before begins there": {of(2, bounds{5, 9}), of(2, bounds{3, 5}), of(2, bounds{3, 9})},
		"a window that overlaps goes on":          {of(2, bounds{3, 5}), of(2, bounds{4, 6}), of(2, bounds{3, 6})},
		"a window around stands for both":         {of(2, bounds{4, 5}), of(2, bounds{3, 6}), of(2, bounds{3, 6})},
		"a window within adds nothing":            {of(2, bounds{3, 6}), of(2, bounds{4, 5}), of(2, bounds{3, 6})},
		"the beginning is not hidden":             {of(2, bounds{none, 5}), of(2, bounds{-4, 5}), of(2, bounds{none, 5})},
		"the beginning is added":                  {of(2, bounds{4, 5}), of(2, bounds{none, 4}), of(2, bounds{none, 5})},
		"a window apart is kept apart": {of(2, bounds{none, 5}), of(2, bounds{6, 7}),
			of(2, bounds{none, 5}, bounds{6, 7})},
		"a window apart is kept before": {of(2, bounds{6, 7}), of(2, bounds{3, 5}),
			of(2, bounds{3, 5}, bounds{6, 7})},
		"a window between leaves two gaps": {of(2, bounds{1, 2}, bounds{8, 9}), of(2, bounds{4, 5}),
			of(2, bounds{1, 2}, bounds{4, 5}, bounds{8, 9})},
		"a window between closes a gap": {of(2, bounds{1, 2}, bounds{8, 9}), of(2, bounds{2, 8}), of(2, bounds{1, 9})},
		"a window over all closes all gaps": {of(2, bounds{1, 2}, bounds{4, 5}, bounds{8, 9}), of(2, bounds{none, 9}),
			of(2, bounds{none, 9})},
		"the ends of what an instant holds": {of(2, bounds{none + 1, 0}), of(2, bounds{0, math.MaxInt64}),
			of(2, bounds{none + 1, math.MaxInt64})},
		"a window without an instant adds nothing":  {of(2, bounds{1, 2}), of(2, bounds{5, 5}), of(2, bounds{1, 2})},
		"a newer rebuild replaces even a later end": {of(1, bounds{none, 9}), of(2, bounds{1, 5}), of(2, bounds{1, 5})},
		"an older rebuild does not":                 {of(2, bounds{none, 5}), of(1, bounds{1, 9}), of(2, bounds{none, 5})},
		"a replacement replaces even a later end": {of(2, bounds{none, 9}), replacing(of(2, bounds{1, 5})),
			of(2, bounds{1, 5})},
		"a replacement by an older rebuild does not": {of(2, bounds{none, 5}), replacing(of(1, bounds{none, 9})),
			of(2, bounds{none, 5})},
		"a replacement is a record like any other": {replacing(of(2, bounds{none, 5})), of(2, bounds{5, 6}),
			of(2, bounds{none, 6})},
	}
	engine := open(t)
	for name, test := range tests {
		apply(t, engine, name, 0, stateOf(view{"weather", 1, 2}))
		record(t, engine, name, test.recorded)
		record(t, engine, name, test.finished)
		if diff := cmp.Diff(test.want, progress(t, engine, name)["weather"]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// naiveProgress holds what is recorded against a set of instants, after each of some runs. In each case a run replaces
// what is there now and then.
func naiveProgress(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}))
	const count = 24
	rapid.Check(t, func(rt *rapid.T) {
		if err := engine.Forget(t.Context(), "test", "weather"); err != nil {
			rt.Fatal(err)
		}
		var want [count]bool
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			end := rapid.Int64Range(1, count-1).Draw(rt, "end")
			start := rapid.Int64Range(-1, end-1).Draw(rt, "start")
			p := done("weather", 1, [2]int64{start, end})
			if start < 0 {
				p.Intervals[0].Start = nil
			}
			if p.Replace = rapid.IntRange(0, 9).Draw(rt, "replaces") == 0; p.Replace {
				want = [count]bool{}
			}
			for at := start + 1; at <= end; at++ {
				want[at] = true
			}
			record(t, engine, "test", p)
			var got [count]bool
			for _, interval := range progress(t, engine, "test")["weather"].Intervals {
				for at := range got {
					got[at] = got[at] || (interval.Start == nil || *interval.Start < int64(at)) && int64(at) <= interval.End
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				rt.Fatal(diff)
			}
		}
	})
}

// concurrentFinishes lets runs over windows of 10, every one of which is needed, finish at once by several handles.
func concurrentFinishes(t *testing.T, open Database) {
	handles := []Engine{open(t), open(t), open(t)}
	apply(t, handles[0], "test", 0, stateOf(view{"weather", 1, 1}))
	const count = 24
	var group sync.WaitGroup
	errs := make([]error, count)
	for i := range count {
		place := int64(i*7) % count // 7 and count have no common factor: every window once, out of order
		run := begin(t, handles[0], "test", "weather")
		run.Outcome = registry.Succeeded
		window := done("weather", 1, [2]int64{place * 10, place*10 + 10})
		group.Go(func() { errs[i] = handles[i%len(handles)].Finish(t.Context(), run, &window) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	want := map[string]registry.Progress{"weather": done("weather", 1, [2]int64{0, count * 10})}
	if diff := cmp.Diff(want, progress(t, handles[1], "test")); diff != "" {
		t.Error(diff)
	}
}
