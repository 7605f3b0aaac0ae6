package materialize

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// someView has a record of progress in most cases below.
var someView = &registry.View{Project: "test", Name: "weather", Generation: 2, Rebuild: 3, Online: true}

// recorded is progress of someView; a negative start is no beginning.
func recorded(start, end int64) map[string]registry.Progress {
	return map[string]registry.Progress{"weather": *progress(start, end)}
}

func progress(start, end int64) *registry.Progress {
	p := &registry.Progress{View: "weather", Generation: 2, Rebuild: 3, Start: &start, End: end}
	if start < 0 {
		p.Start = nil
	}
	return p
}

func window(start, end store.Instant) store.Window {
	if start < 0 {
		return store.Window{End: end}
	}
	return store.Window{Start: &start, End: end}
}

func TestR5_WindowFollowsFromRequestAndRecord(t *testing.T) {
	cases := map[string]struct {
		recorded map[string]registry.Progress
		request  Request
		window   store.Window
		progress *registry.Progress
		note     string
	}{
		"the first window has no beginning": {
			request: Request{To: 50}, window: window(-1, 50), progress: progress(-1, 50),
		},
		"a first window with a start begins there": {
			request: Request{From: new(store.Instant(10)), To: 50}, window: window(10, 50), progress: progress(10, 50),
		},
		"the next window starts at the recorded end": {
			recorded: recorded(-1, 50), request: Request{To: 60}, window: window(50, 60), progress: progress(-1, 60),
		},
		"a window that begins inside extends the end": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(30)), To: 60},
			window: window(30, 60), progress: progress(20, 60),
		},
		"a window that touches the end extends it": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(50)), To: 60},
			window: window(50, 60), progress: progress(20, 60),
		},
		"a window that touches the start extends it backwards": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(5)), To: 20},
			window: window(5, 20), progress: progress(5, 50),
		},
		"a window inside changes nothing that is recorded": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(30)), To: 40},
			window: window(30, 40), progress: progress(20, 50),
		},
		"a window around replaces": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(10)), To: 60},
			window: window(10, 60), progress: progress(10, 60),
		},
		"a window that leaves a gap before it is not recorded": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(55)), To: 60},
			window: window(55, 60), note: "still missing: the recorded end stays",
		},
		"a window that leaves a gap behind it is not recorded": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(5)), To: 15},
			window: window(5, 15), note: "still missing: the recorded window still begins",
		},
		"a rebuild has no beginning, and replaces a later end": {
			recorded: recorded(20, 50), request: Request{To: 40, Full: true},
			window: window(-1, 40), progress: replacing(progress(-1, 40)),
		},
		"a rebuild with a start begins there": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(30)), To: 40, Full: true},
			window: window(30, 40), progress: replacing(progress(30, 40)),
		},
		"a lookback begins before the recorded end": {
			recorded: recorded(-1, 50), request: Request{To: 60, Lookback: new(5 * time.Microsecond)},
			window: window(45, 60), progress: progress(-1, 60),
		},
		"a lookback ends at the recorded start": {
			recorded: recorded(20, 50), request: Request{To: 60, Lookback: new(time.Hour)},
			window: window(20, 60), progress: progress(20, 60),
		},
		"a lookback reads a window again that was done": {
			recorded: recorded(20, 50), request: Request{To: 50, Lookback: new(5 * time.Microsecond)},
			window: window(45, 50), progress: progress(20, 50),
		},
		"a lookback from a clock that was set back keeps the later end": {
			recorded: recorded(20, 90), request: Request{To: 80, Lookback: new(20 * time.Microsecond)},
			window: window(70, 80), progress: progress(20, 90),
		},
		"a lookback without a record has no beginning": {
			request: Request{To: 60, Lookback: new(time.Hour)}, window: window(-1, 60), progress: progress(-1, 60),
		},
		"a start goes before a lookback": {
			recorded: recorded(20, 50), request: Request{From: new(store.Instant(30)), To: 60, Lookback: new(time.Hour)},
			window: window(30, 60), progress: progress(20, 60),
		},
		"a record of an earlier generation says nothing": {
			recorded: map[string]registry.Progress{"weather": {View: "weather", Generation: 1, Rebuild: 1, End: 50}},
			request:  Request{To: 60}, window: window(-1, 60), progress: progress(-1, 60),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			plan, err := newPlan(someView, c.request, c.recorded, 100)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.window, plan.window); diff != "" {
				t.Errorf("window (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(c.progress, plan.progress); diff != "" {
				t.Errorf("progress (-want +got):\n%s", diff)
			}
			if notes := strings.Join(plan.notes, "\n"); !strings.Contains(notes, c.note) || (c.note == "") != (notes == "") {
				t.Errorf("notes are %q, want one with %q", notes, c.note)
			}
		})
	}
}

func replacing(p *registry.Progress) *registry.Progress {
	p.Replace = true
	return p
}

func TestR5_EmptyWindowsAreNothingToDo(t *testing.T) {
	for name, request := range map[string]Request{
		"up to the recorded end":     {To: 50},
		"up to an earlier end":       {To: 40},
		"from a start to itself":     {From: new(store.Instant(60)), To: 60},
		"from a start in the future": {From: new(store.Instant(110)), To: 120},
	} {
		plan, err := newPlan(someView, request, recorded(-1, 50), 100)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !plan.empty || plan.progress != nil || !strings.Contains(strings.Join(plan.notes, "\n"), "nothing to do") {
			t.Errorf("%s: want nothing to do and that said, got %+v", name, plan)
		}
	}
}

func TestR5_AStartAfterTheEndIsTheUsersMistake(t *testing.T) {
	_, err := newPlan(someView, Request{From: new(store.Instant(60)), To: 50}, nil, 100)
	var input *registry.InputError
	if !errors.As(err, &input) || input.Field != "from" {
		t.Fatalf("want an InputError for from, got %v", err)
	}
}

func TestR15_TheEndIsNeverLaterThanNow(t *testing.T) {
	plan, err := newPlan(someView, Request{To: 150}, recorded(-1, 50), 100)
	if err != nil {
		t.Fatal(err)
	}
	if plan.window.End != 100 || plan.progress.End != 100 {
		t.Errorf("the window ends at %d and %d is recorded, want 100 twice", plan.window.End, plan.progress.End)
	}
	if len(plan.notes) != 1 || !strings.Contains(plan.notes[0], "left for a later window") {
		t.Errorf("want a note that later rows are left, got %q", plan.notes)
	}
}

// Whatever windows are asked for, what is recorded says no more than what was done: every instant in the record lies in
// some window, and consecutive windows tile with none of them done twice.
func TestR5_TheRecordNeverClaimsMoreThanWasDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var done [64]int
		record := map[string]registry.Progress{}
		for range rapid.IntRange(1, 10).Draw(t, "runs") {
			request := Request{To: store.Instant(rapid.IntRange(0, 63).Draw(t, "to"))}
			if rapid.Bool().Draw(t, "has start") {
				request.From = new(store.Instant(rapid.IntRange(0, int(request.To)).Draw(t, "from")))
			}
			before, known := record["weather"]
			plan, err := newPlan(someView, request, record, 50)
			if err != nil {
				t.Fatal(err)
			}
			if plan.empty {
				continue
			}
			for i := first(plan.window.Start); i <= int(plan.window.End); i++ {
				if done[i]++; known && request.From == nil && i <= int(before.End) {
					t.Fatalf("the window that follows (…, %d] holds %d again", before.End, i)
				}
			}
			if plan.progress != nil {
				record["weather"] = *plan.progress
			}
			after := record["weather"]
			for i := first((*store.Instant)(after.Start)); i <= int(after.End); i++ {
				if done[i] == 0 {
					t.Fatalf("%d is recorded as done, by %+v, but was in no window", i, after)
				}
			}
		}
	})
}

// first is the first instant after a start, of the 64 that there are.
func first(start *store.Instant) int {
	if start == nil {
		return 0
	}
	return int(*start) + 1
}
