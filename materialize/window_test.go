package materialize

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// someView has a record of progress in most cases below.
var someView = &feature.View{Project: "test", Name: "weather", Generation: 2, Rebuild: 3, Online: true}

// recorded is progress of someView over windows, each a start and an end; a negative start is no beginning.
func recorded(bounds ...int64) map[string]registry.Progress {
	return map[string]registry.Progress{"weather": *progress(bounds...)}
}

func progress(bounds ...int64) *registry.Progress {
	p := &registry.Progress{View: "weather", Generation: 2, Rebuild: 3}
	for i := 0; i < len(bounds); i += 2 {
		interval := registry.Interval{Start: &bounds[i], End: bounds[i+1]}
		if bounds[i] < 0 {
			interval.Start = nil
		}
		p.Intervals = append(p.Intervals, interval)
	}
	return p
}

// checkNotes makes sure that what is wanted is said, and nothing else.
func checkNotes(t *testing.T, got []string, want string) {
	t.Helper()
	if notes := strings.Join(got, "\n"); notes != want {
		t.Errorf("notes are %q, want %q", notes, want)
	}
}

func window(start, end feature.Instant) offline.Window {
	if start < 0 {
		return offline.Window{End: end}
	}
	return offline.Window{Start: &start, End: end}
}

func TestR5_WindowFollowsFromRequestAndRecord(t *testing.T) {
	const second = "1970-01-01T00:00:00."
	cases := map[string]struct {
		recorded map[string]registry.Progress
		request  Request
		// window is what is read, and recorded as done.
		window offline.Window
		note   string
		// counts says that the rows before the window are counted.
		counts bool
	}{
		"the first window has no beginning": {
			request: Request{To: 50}, window: window(-1, 50),
		},
		"a first window with a start begins there": {
			request: Request{From: new(feature.Instant(10)), To: 50}, window: window(10, 50), counts: true,
		},
		"the next window starts at the recorded end": {
			recorded: recorded(-1, 50), request: Request{To: 60}, window: window(50, 60),
		},
		"a window that begins inside is done as asked": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(30)), To: 60}, window: window(30, 60),
		},
		"a window that touches the end leaves no gap": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(50)), To: 60}, window: window(50, 60),
		},
		"a window that touches the start leaves no gap": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(5)), To: 20}, window: window(5, 20),
		},
		"a window inside is done again": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(30)), To: 40}, window: window(30, 40),
		},
		"a window behind a gap is recorded, and the gap said": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(55)), To: 60}, window: window(55, 60),
			note: "still missing: after " + second + "000050Z up to " + second + "000055Z; " +
				"a run without --from begins there",
		},
		"a window before a gap is recorded, and the gap said": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(5)), To: 15}, window: window(5, 15),
			note: "still missing: after " + second + "000015Z up to " + second + "000020Z; " +
				"a run without --from begins there",
		},
		"a window that closes a gap leaves nothing to say": {
			recorded: recorded(-1, 50, 60, 70), request: Request{From: new(feature.Instant(50)), To: 60},
			window: window(50, 60),
		},
		"the next window starts at the first gap": {
			recorded: recorded(-1, 50, 60, 70), request: Request{To: 80}, window: window(50, 80),
			note: "the window after " + second + "000050Z up to " + second + "000060Z was missing, although later ones " +
				"are done; this run begins there",
		},
		"the next window may leave later gaps": {
			recorded: recorded(-1, 10, 20, 30, 40, 50), request: Request{To: 25}, window: window(10, 25),
			note: "the window after " + second + "000010Z up to " + second + "000020Z was missing, although later ones " +
				"are done; this run begins there\n" +
				"still missing: after " + second + "000030Z up to " + second + "000040Z; a run without --from begins there",
		},
		"of many gaps three are named": {
			recorded: recorded(-1, 10, 20, 21, 30, 31, 40, 41, 50, 51),
			request:  Request{From: new(feature.Instant(60)), To: 61}, window: window(60, 61),
			note: "still missing: after " + second + "000010Z up to " + second + "000020Z, after " + second +
				"000021Z up to " + second + "000030Z, after " + second + "000031Z up to " + second +
				"000040Z, and 2 more; a run without --from begins there",
		},
		"a rebuild has no beginning": {
			recorded: recorded(20, 50), request: Request{To: 40, Full: true}, window: window(-1, 40),
		},
		"a rebuild with a start begins there": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(30)), To: 40, Full: true},
			window: window(30, 40), counts: true,
		},
		"a lookback begins before the recorded end": {
			recorded: recorded(-1, 50), request: Request{To: 60, Lookback: new(5 * time.Microsecond)}, window: window(45, 60),
		},
		"a lookback begins before the first gap": {
			recorded: recorded(-1, 50, 55, 57), request: Request{To: 60, Lookback: new(5 * time.Microsecond)},
			window: window(45, 60),
			note: "the window after " + second + "000050Z up to " + second + "000055Z was missing, although later ones " +
				"are done; this run begins there",
		},
		"a lookback ends at the recorded start": {
			recorded: recorded(20, 50), request: Request{To: 60, Lookback: new(time.Hour)}, window: window(20, 60),
		},
		"a lookback reads a window again that was done": {
			recorded: recorded(20, 50), request: Request{To: 50, Lookback: new(5 * time.Microsecond)}, window: window(45, 50),
		},
		"a lookback may end before the recorded end": {
			recorded: recorded(20, 90), request: Request{To: 80, Lookback: new(20 * time.Microsecond)}, window: window(70, 80),
		},
		"a lookback without a record has no beginning": {
			request: Request{To: 60, Lookback: new(time.Hour)}, window: window(-1, 60),
		},
		"a start goes before a lookback": {
			recorded: recorded(20, 50), request: Request{From: new(feature.Instant(30)), To: 60, Lookback: new(time.Hour)},
			window: window(30, 60),
		},
		"a record of an earlier generation says nothing": {
			recorded: map[string]registry.Progress{"weather": {View: "weather", Generation: 1, Rebuild: 1,
				Intervals: []registry.Interval{{End: 50}}}},
			request: Request{To: 60}, window: window(-1, 60),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			plan, err := newPlan(someView, c.request, c.recorded, NoLoss, 100)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.window, plan.window); diff != "" {
				t.Errorf("window (-want +got):\n%s", diff)
			}
			want := progress(-1, int64(c.window.End))
			want.Intervals[0].Start, want.Replace = (*int64)(c.window.Start), c.request.Full
			if diff := cmp.Diff(want, plan.progress); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			if plan.countBefore != c.counts {
				t.Errorf("rows before the window are counted: %t", plan.countBefore)
			}
			checkNotes(t, plan.notes, c.note)
		})
	}
}

func TestR5_WhatIsDoneIsNothingToDo(t *testing.T) {
	for name, to := range map[string]feature.Instant{"up to the recorded end": 50, "up to an earlier end": 40} {
		plan, err := newPlan(someView, Request{To: to}, recorded(-1, 50, 60, 70), NoLoss, 100)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plan.done == nil || plan.done.End != 50 || plan.progress != nil || plan.notes != nil {
			t.Errorf("%s: want nothing to do, and done up to 50; got %+v", name, plan)
		}
	}
}

func TestR5_AStartThatIsNotBeforeTheEndIsTheUsersMistake(t *testing.T) {
	for name, request := range map[string]Request{
		"after the end":                  {From: new(feature.Instant(60)), To: 50},
		"at the end":                     {From: new(feature.Instant(50)), To: 50},
		"in the future":                  {From: new(feature.Instant(110)), To: 120},
		"now, and the end in the future": {From: new(feature.Instant(100)), To: 120},
		"at the end, from the beginning": {From: new(feature.Instant(50)), To: 50, Full: true},
	} {
		_, err := newPlan(someView, request, recorded(-1, 50), NoLoss, 100)
		var input *fault.InputError
		if !errors.As(err, &input) || input.Field != "from" || !strings.Contains(err.Error(), "is not before") {
			t.Errorf("%s: want an InputError for from, got %v", name, err)
		}
	}
}

func TestR15_TheEndIsNeverLaterThanNow(t *testing.T) {
	plan, err := newPlan(someView, Request{To: 150}, recorded(-1, 50), NoLoss, 100)
	if err != nil {
		t.Fatal(err)
	}
	if plan.window.End != 100 || plan.progress.First().End != 100 {
		t.Errorf("the window ends at %d and %d is recorded, want 100 twice", plan.window.End, plan.progress.First().End)
	}
	if len(plan.notes) != 1 || !strings.Contains(plan.notes[0], "left for a later window") {
		t.Errorf("want a note that later rows are left, got %q", plan.notes)
	}
}

// Whatever windows are asked for, in whatever order: what is recorded is what was done, and a run without a start
// begins at the first gap.
func TestR5_TheRecordIsWhatWasDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var done [64]bool
		record := map[string]registry.Progress{}
		for range rapid.IntRange(1, 10).Draw(t, "runs") {
			request := Request{To: feature.Instant(rapid.IntRange(1, 63).Draw(t, "to"))}
			if rapid.Bool().Draw(t, "has start") {
				request.From = new(feature.Instant(rapid.IntRange(0, min(int(request.To), 50)-1).Draw(t, "from")))
			}
			plan, err := newPlan(someView, request, record, NoLoss, 50)
			if err != nil {
				t.Fatal(err)
			}
			if plan.done != nil {
				continue
			}
			before, known := record["weather"]
			if request.From == nil && known && int64(*plan.window.Start) != before.First().End {
				t.Fatalf("after %v the next window starts at %d", before.Intervals, *plan.window.Start)
			}
			for i := first(plan.window.Start); i <= int(plan.window.End); i++ {
				done[i] = true
			}
			united := *plan.progress
			united.Intervals = registry.United(append(slices.Clone(before.Intervals), united.Intervals...))
			record["weather"] = united
			for i, want := range done {
				got := slices.ContainsFunc(united.Intervals, func(interval registry.Interval) bool {
					return first((*feature.Instant)(interval.Start)) <= i && i <= int(interval.End)
				})
				if got != want {
					t.Fatalf("%d: done is %t, recorded %t by %v", i, want, got, united.Intervals)
				}
			}
		}
	})
}

// first is the first instant after a start, of the 64 that there are.
func first(start *feature.Instant) int {
	if start == nil {
		return 0
	}
	return int(*start) + 1
}
