package registrytest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/registry"
)

func progress(t *testing.T, engine Engine, project string) map[string]registry.Progress {
	t.Helper()
	found, err := engine.Progress(t.Context(), project)
	if err != nil {
		t.Fatalf("Progress(%q): %v", project, err)
	}
	return found
}

func lastRuns(t *testing.T, engine Engine, project string) map[string]registry.Run {
	t.Helper()
	found, err := engine.LastRuns(t.Context(), project)
	if err != nil {
		t.Fatalf("LastRuns(%q): %v", project, err)
	}
	return found
}

// begin begins a run of generation 1 over the window up to 5.
func begin(t *testing.T, engine Engine, project, view string) registry.Run {
	t.Helper()
	run := registry.Run{Project: project, View: view, Generation: 1, End: 5, StartedAt: noon}
	id, err := engine.Begin(t.Context(), run)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	run.ID, run.Outcome = id, registry.Running
	return run
}

func finish(t *testing.T, engine Engine, run registry.Run, outcome registry.Outcome, done *registry.Progress) {
	t.Helper()
	run.Outcome, run.FinishedAt = outcome, noon.Add(time.Minute)
	if err := engine.Finish(t.Context(), run, done); err != nil {
		t.Fatalf("Finish: %v", err)
	}
}

// record makes a whole run that succeeds.
func record(t *testing.T, engine Engine, project string, done registry.Progress) {
	t.Helper()
	finish(t, engine, begin(t, engine, project, done.View), registry.Succeeded, &done)
}

func noProgress(t *testing.T, open Database) {
	engine := open(t)
	if found := progress(t, engine, "test"); len(found) != 0 {
		t.Errorf("before anything was applied: %v", found)
	}
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}))
	if found := progress(t, engine, "test"); len(found) != 0 {
		t.Errorf("before any run: %v", found)
	}
	begin(t, engine, "test", "weather")
	if found := progress(t, engine, "test"); len(found) != 0 {
		t.Errorf("while the first run is under way: %v", found)
	}
	if found := lastRuns(t, engine, "another"); len(found) != 0 {
		t.Errorf("runs of a project that is not there: %v", found)
	}
}

func finished(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}, view{"plane", 1, 1}))
	run := registry.Run{Project: "test", View: "weather", Generation: 1, Start: new(int64(-7)), End: 1 << 60,
		StartedAt: noon}
	id, err := engine.Begin(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	run.ID, run.Outcome, run.FinishedAt = id, registry.Succeeded, noon.Add(time.Microsecond)
	run.Read, run.Written, run.Older, run.NullKeys, run.NullTimes, run.Error = 1, 2, 3, 4, 5, "ü\n\"'"
	run.Skipped, run.Bytes = 6, 1<<40
	done := registry.Progress{View: "weather", Generation: 1, Rebuild: 1, Start: new(int64(-1 << 60)), End: 1 << 60}
	if err := engine.Finish(t.Context(), run, &done); err != nil {
		t.Fatal(err)
	}
	record(t, engine, "test", registry.Progress{View: "plane", Generation: 1, Rebuild: 1, End: -5})

	reopened := open(t)
	want := map[string]registry.Progress{"weather": done, "plane": {View: "plane", Generation: 1, Rebuild: 1, End: -5}}
	if diff := cmp.Diff(want, progress(t, reopened, "test")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(run, lastRuns(t, reopened, "test")["weather"]); diff != "" {
		t.Error(diff)
	}
}

func allRuns(t *testing.T, open Database) {
	engine := open(t)
	first, second := begin(t, engine, "test", "weather"), begin(t, engine, "test", "weather")
	begin(t, engine, "test", "plane")
	begin(t, engine, "mytest", "weather") // R16
	first.Files = []registry.SourceFile{
		{Source: "hourly", Path: "data/ü \"1\".parquet", Size: 1 << 40, Modified: noon.Add(time.Nanosecond), Footer: "00ff"},
		{Source: "hourly", Path: "/elsewhere/2.parquet"},
	}
	first.Outcome, first.FinishedAt = registry.Succeeded, noon.Add(time.Minute)
	if err := engine.Finish(t.Context(), first, nil); err != nil {
		t.Fatal(err)
	}
	runs, err := open(t).Runs(t.Context(), "test", "weather")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]registry.Run{first, second}, runs); diff != "" {
		t.Error(diff)
	}
	if runs, err := engine.Runs(t.Context(), "test", "no"); err != nil || len(runs) != 0 {
		t.Errorf("the runs of a view that is not there are %v, %v", runs, err)
	}
}

// unholdableTexts: an error may quote any file, and an author may be any text.
func unholdableTexts(t *testing.T, open Database) {
	engine := open(t)
	commit := registry.Commit{Project: "test", State: described(""), By: "a\x00da", Changes: []string{"\x00"}, At: noon}
	if _, err := engine.Apply(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	if found := revisions(t, engine, "test")[0]; found.By != "a\ufffdda" || found.Changes[0] != "\x00" {
		t.Errorf("the revision is %+v", found)
	}
	run := begin(t, engine, "test", "weather")
	run.Error = "file \xff\x00 is no Parquet"
	finish(t, engine, run, registry.Failed, nil)
	if found := lastRuns(t, engine, "test")["weather"].Error; found != "file \ufffd\ufffd is no Parquet" {
		t.Errorf("the error is kept as %q", found)
	}
}

func moreProgressStays(t *testing.T, open Database) {
	upTo := func(rebuild, end int64) registry.Progress {
		return registry.Progress{View: "weather", Generation: 1, Rebuild: rebuild, End: end}
	}
	window := func(rebuild, start, end int64) registry.Progress {
		p := upTo(rebuild, end)
		p.Start = &start
		return p
	}
	replacing := func(p registry.Progress) registry.Progress { p.Replace = true; return p }
	tests := map[string]struct {
		recorded, finished, want registry.Progress
	}{
		"a later end replaces":                         {upTo(2, 5), upTo(2, 6), upTo(2, 6)},
		"a later end replaces, though it is shorter":   {upTo(2, 5), window(2, 4, 6), window(2, 4, 6)},
		"an earlier end does not":                      {window(2, 4, 5), upTo(2, 4), window(2, 4, 5)},
		"the same end from earlier on replaces":        {window(2, 4, 5), window(2, 3, 5), window(2, 3, 5)},
		"the same end from the beginning replaces":     {window(2, 4, 5), upTo(2, 5), upTo(2, 5)},
		"the same end from later on does not":          {window(2, 3, 5), window(2, 4, 5), window(2, 3, 5)},
		"the same end does not hide the beginning":     {upTo(2, 5), window(2, -4, 5), upTo(2, 5)},
		"the same window again is harmless":            {window(2, 3, 5), window(2, 3, 5), window(2, 3, 5)},
		"a newer rebuild replaces even a later end":    {upTo(1, 9), window(2, 1, 5), window(2, 1, 5)},
		"an older rebuild does not":                    {upTo(2, 5), window(1, 1, 9), upTo(2, 5)},
		"a replacement replaces even a later end":      {upTo(2, 9), replacing(window(2, 1, 5)), window(2, 1, 5)},
		"a replacement by an older rebuild does not":   {upTo(2, 5), replacing(upTo(1, 9)), upTo(2, 5)},
		"a replacement is a record like any other":     {replacing(upTo(2, 5)), upTo(2, 6), upTo(2, 6)},
		"a replacement is not replaced by earlier end": {replacing(upTo(2, 5)), upTo(2, 4), upTo(2, 5)},
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

func voidProgress(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"kept", 1, 1}, view{"rebuilt", 1, 1}, view{"anew", 1, 1}, view{"gone", 1, 1}))
	for _, name := range []string{"kept", "rebuilt", "anew", "gone"} {
		record(t, engine, "test", registry.Progress{View: name, Generation: 1, Rebuild: 1, End: 5})
	}
	apply(t, engine, "test", 1, stateOf(view{"kept", 1, 1}, view{"rebuilt", 1, 2}, view{"anew", 2, 2}))
	kept := registry.Progress{View: "kept", Generation: 1, Rebuild: 1, End: 5}
	if diff := cmp.Diff(map[string]registry.Progress{"kept": kept}, progress(t, engine, "test")); diff != "" {
		t.Error(diff)
	}
	// A run that began before says nothing about the view as it is now, whenever it ends.
	record(t, engine, "test", registry.Progress{View: "anew", Generation: 1, Rebuild: 1, End: 9})
	if found, ok := progress(t, engine, "test")["anew"]; ok {
		t.Errorf("a run of the former generation counts: %v", found)
	}
	anew := registry.Progress{View: "anew", Generation: 2, Rebuild: 2, End: 3}
	rebuilt := registry.Progress{View: "rebuilt", Generation: 1, Rebuild: 2, End: 4}
	record(t, engine, "test", anew)
	record(t, engine, "test", rebuilt)
	want := map[string]registry.Progress{"kept": kept, "anew": anew, "rebuilt": rebuilt}
	if diff := cmp.Diff(want, progress(t, engine, "test")); diff != "" {
		t.Error(diff)
	}
}

func failedRun(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}))
	done := registry.Progress{View: "weather", Generation: 1, Rebuild: 1, End: 5}
	record(t, engine, "test", done)
	further := done
	further.End = 9
	finish(t, engine, begin(t, engine, "test", "weather"), registry.Failed, &further)
	if diff := cmp.Diff(done, progress(t, engine, "test")["weather"]); diff != "" {
		t.Errorf("after a failed run: %s", diff)
	}
	if outcome := lastRuns(t, engine, "test")["weather"].Outcome; outcome != registry.Failed {
		t.Errorf("the run is %s", outcome)
	}
	finish(t, engine, begin(t, engine, "test", "weather"), registry.Succeeded, nil)
	if diff := cmp.Diff(done, progress(t, engine, "test")["weather"]); diff != "" {
		t.Errorf("after a run without progress: %s", diff)
	}
}

func killedRun(t *testing.T, open Database) {
	run := begin(t, open(t), "test", "weather")
	reopened := open(t)
	if diff := cmp.Diff(map[string]registry.Run{"weather": run}, lastRuns(t, reopened, "test")); diff != "" {
		t.Error(diff)
	}
	if next := begin(t, reopened, "test", "weather"); next.ID == run.ID {
		t.Error("the next run has the same id")
	}
}

func latestRuns(t *testing.T, open Database) {
	engine := open(t)
	first := begin(t, engine, "test", "weather")
	plane := begin(t, engine, "test", "plane")
	second := begin(t, engine, "test", "weather")
	finish(t, engine, second, registry.Failed, nil)
	finish(t, engine, first, registry.Succeeded, nil)
	found := lastRuns(t, engine, "test")
	if len(found) != 2 || found["weather"].ID != second.ID || found["plane"].ID != plane.ID {
		t.Errorf("got %v", found)
	}
	if found["weather"].Outcome != registry.Failed || found["plane"].Outcome != registry.Running {
		t.Errorf("got %v", found)
	}
}

func unknownRun(t *testing.T, open Database) {
	engine := open(t)
	run := begin(t, engine, "test", "weather")
	run.ID++
	run.Outcome = registry.Succeeded
	var missing *registry.NotFoundError
	if err := engine.Finish(t.Context(), run, nil); !errors.As(err, &missing) {
		t.Errorf("Finish returned %v", err)
	}
}

func progressOfAnotherView(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}, view{"plane", 1, 1}))
	run := begin(t, engine, "test", "weather")
	run.Outcome = registry.Succeeded
	if err := engine.Finish(t.Context(), run, &registry.Progress{View: "plane", Generation: 1, Rebuild: 1}); err == nil {
		t.Error("a run of weather recorded progress of plane")
	}
	if found := lastRuns(t, engine, "test")["weather"].Outcome; found != registry.Running {
		t.Errorf("the run is %s", found)
	}
	if found := progress(t, engine, "test"); len(found) != 0 {
		t.Errorf("progress has %v", found)
	}
}

func forgottenProgress(t *testing.T, open Database) {
	engine := open(t)
	for _, project := range similar {
		apply(t, engine, project, 0, stateOf(view{"weather", 1, 1}, view{"weather_b", 1, 1}))
		record(t, engine, project, registry.Progress{View: "weather", Generation: 1, Rebuild: 1, End: 5})
		record(t, engine, project, registry.Progress{View: "weather_b", Generation: 1, Rebuild: 1, End: 5})
	}
	for range 2 { // Once more is no error.
		if err := engine.Forget(t.Context(), "test", "weather"); err != nil {
			t.Fatalf("Forget: %v", err)
		}
	}
	for _, project := range similar {
		want := 2
		if project == "test" {
			want = 1
		}
		if found := progress(t, engine, project); len(found) != want || found["weather_b"].End != 5 {
			t.Errorf("project %q has %v, want %d views", project, found, want)
		}
	}
	if len(lastRuns(t, engine, "test")) != 2 {
		t.Error("the runs are forgotten too")
	}
	record(t, engine, "test", registry.Progress{View: "weather", Generation: 1, Rebuild: 1, End: 3})
	if found := progress(t, engine, "test")["weather"].End; found != 3 {
		t.Errorf("what is recorded anew ends at %d, want 3", found)
	}
}

func isolatedLedgers(t *testing.T, open Database) {
	engine := open(t)
	var views []view
	for _, name := range similar {
		views = append(views, view{name, 1, 1})
	}
	for _, project := range similar {
		apply(t, engine, project, 0, stateOf(views...))
	}
	record(t, engine, "test", registry.Progress{View: "test", Generation: 1, Rebuild: 1, End: 5})
	for _, project := range similar {
		done, runs := progress(t, engine, project), lastRuns(t, engine, project)
		if project == "test" {
			delete(done, "test")
			delete(runs, "test")
		}
		if len(done) != 0 || len(runs) != 0 {
			t.Errorf("a run of view test in project test shows in project %q: %v, %v", project, done, runs)
		}
	}
}

func concurrentFinishes(t *testing.T, open Database) {
	handles := []Engine{open(t), open(t)}
	apply(t, handles[0], "test", 0, stateOf(view{"weather", 1, 1}))
	const count = 12
	var group sync.WaitGroup
	errs := make([]error, count)
	for i := range count {
		end := (i * 5) % count // 5 and count have no common factor: every end once, out of order
		run := begin(t, handles[0], "test", "weather")
		run.Outcome = registry.Succeeded
		group.Go(func() {
			errs[i] = handles[i%2].Finish(t.Context(), run,
				&registry.Progress{View: "weather", Generation: 1, Rebuild: 1, End: int64(end)})
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	want := map[string]registry.Progress{"weather": {View: "weather", Generation: 1, Rebuild: 1, End: count - 1}}
	if diff := cmp.Diff(want, progress(t, handles[1], "test")); diff != "" {
		t.Error(diff)
	}
}
