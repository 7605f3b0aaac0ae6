package registrytest

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
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

func finish(t *testing.T, engine Engine, run registry.Run, outcome registry.Outcome,
	progress *registry.Progress,
) {
	t.Helper()
	run.Outcome, run.FinishedAt = outcome, noon.Add(time.Minute)
	if err := engine.Finish(t.Context(), run, progress); err != nil {
		t.Fatalf("Finish: %v", err)
	}
}

// record makes a whole run that succeeds.
func record(t *testing.T, engine Engine, project string, progress registry.Progress) {
	t.Helper()
	finish(t, engine, begin(t, engine, project, progress.View), registry.Succeeded, &progress)
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
	run.Skipped, run.Bytes, run.Tiles = 6, 1<<40, 1<<41
	weather := done("weather", 1, [2]int64{-1 << 60, -1 << 59}, [2]int64{1 << 59, 1 << 60})
	if err := engine.Finish(t.Context(), run, &weather); err != nil {
		t.Fatal(err)
	}
	plane := done("plane", 1, [2]int64{none, -5})
	record(t, engine, "test", plane)

	reopened := open(t)
	want := map[string]registry.Progress{"weather": weather, "plane": plane}
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
	first.Inputs = []feature.Input{
		{Source: "hourly", Name: "data/ü \"1\".parquet",
			Version: feature.FileVersion{Size: 1 << 40, Modified: noon.Add(time.Nanosecond), Footer: "00ff"}},
		{Source: "hourly", Name: "/elsewhere/2.parquet", Version: feature.FileVersion{}},
		{Source: "hourly", Name: "s3://lake/3.parquet",
			Version: feature.ObjectVersion{Size: 7, Modified: noon, ETag: "c2ca-3"}},
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
	run.Error = "file \xff\x00 is not Parquet"
	finish(t, engine, run, registry.Failed, nil)
	if found := lastRuns(t, engine, "test")["weather"].Error; found != "file \ufffd\ufffd is not Parquet" {
		t.Errorf("the error is kept as %q", found)
	}
}

func voidProgress(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"kept", 1, 1}, view{"rebuilt", 1, 1}, view{"anew", 1, 1}, view{"gone", 1, 1}))
	for _, name := range []string{"kept", "rebuilt", "anew", "gone"} {
		record(t, engine, "test", done(name, 1, [2]int64{none, 5}))
	}
	apply(t, engine, "test", 1, stateOf(view{"kept", 1, 1}, view{"rebuilt", 1, 2}, view{"anew", 2, 2}))
	kept := done("kept", 1, [2]int64{none, 5})
	if diff := cmp.Diff(map[string]registry.Progress{"kept": kept}, progress(t, engine, "test")); diff != "" {
		t.Error(diff)
	}
	// A run that began before says nothing about the view as it is now, whenever it ends.
	record(t, engine, "test", done("anew", 1, [2]int64{none, 9}))
	if found, ok := progress(t, engine, "test")["anew"]; ok {
		t.Errorf("a run of the former generation counts: %v", found)
	}
	anew, rebuilt := done("anew", 2, [2]int64{none, 3}), done("rebuilt", 2, [2]int64{none, 4})
	anew.Generation = 2
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
	recorded, further := done("weather", 1, [2]int64{none, 5}), done("weather", 1, [2]int64{none, 9})
	record(t, engine, "test", recorded)
	finish(t, engine, begin(t, engine, "test", "weather"), registry.Failed, &further)
	if diff := cmp.Diff(recorded, progress(t, engine, "test")["weather"]); diff != "" {
		t.Errorf("after a failed run: %s", diff)
	}
	if outcome := lastRuns(t, engine, "test")["weather"].Outcome; outcome != registry.Failed {
		t.Errorf("the run is %s", outcome)
	}
	finish(t, engine, begin(t, engine, "test", "weather"), registry.Succeeded, nil)
	if diff := cmp.Diff(recorded, progress(t, engine, "test")["weather"]); diff != "" {
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
	var missing *fault.NotFoundError
	if err := engine.Finish(t.Context(), run, nil); !errors.As(err, &missing) {
		t.Errorf("Finish returned %v", err)
	}
}

func progressOfAnotherView(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}, view{"plane", 1, 1}))
	run := begin(t, engine, "test", "weather")
	run.Outcome = registry.Succeeded
	if err := engine.Finish(t.Context(), run, new(done("plane", 1, [2]int64{none, 5}))); err == nil {
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
		record(t, engine, project, done("weather", 1, [2]int64{none, 5}))
		record(t, engine, project, done("weather_b", 1, [2]int64{none, 5}))
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
		if found := progress(t, engine, project); len(found) != want || found["weather_b"].First().End != 5 {
			t.Errorf("project %q has %v, want %d views", project, found, want)
		}
	}
	if len(lastRuns(t, engine, "test")) != 2 {
		t.Error("the runs are forgotten too")
	}
	anew := done("weather", 1, [2]int64{2, 3})
	record(t, engine, "test", anew)
	if diff := cmp.Diff(anew, progress(t, engine, "test")["weather"]); diff != "" {
		t.Errorf("what is recorded anew: %s", diff)
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
	record(t, engine, "test", done("test", 1, [2]int64{none, 5}))
	for _, project := range similar {
		found, runs := progress(t, engine, project), lastRuns(t, engine, project)
		if project == "test" {
			delete(found, "test")
			delete(runs, "test")
		}
		if len(found) != 0 || len(runs) != 0 {
			t.Errorf("a run of view test in project test shows in project %q: %v, %v", project, found, runs)
		}
	}
}
