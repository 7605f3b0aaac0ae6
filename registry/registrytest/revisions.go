package registrytest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

func current(t *testing.T, engine Engine, project string) *feature.Snapshot {
	t.Helper()
	snapshot, err := engine.Current(t.Context(), project)
	if err != nil {
		t.Fatalf("Current(%q): %v", project, err)
	}
	return snapshot
}

func apply(t *testing.T, engine Engine, project string, base int64, state *plumbv1.State) {
	t.Helper()
	number, err := engine.Apply(t.Context(), registry.Commit{Project: project, Base: base, State: state, At: noon})
	if err != nil {
		t.Fatalf("Apply to %q on %d: %v", project, base, err)
	}
	if number != base+1 {
		t.Fatalf("Apply to %q on %d made revision %d", project, base, number)
	}
}

func revisions(t *testing.T, engine Engine, project string) []registry.Revision {
	t.Helper()
	found, err := engine.History(t.Context(), project)
	if err != nil {
		t.Fatalf("History(%q): %v", project, err)
	}
	return found
}

func emptyProject(t *testing.T, open Database) {
	engine := open(t)
	snapshot := current(t, engine, "test")
	if snapshot.Project != "test" || snapshot.Revision != 0 || len(snapshot.Views()) != 0 {
		t.Errorf("got revision %d of %q with %d views", snapshot.Revision, snapshot.Project, len(snapshot.Views()))
	}
	if found := revisions(t, engine, "test"); len(found) != 0 {
		t.Errorf("history has %v", found)
	}
}

func applied(t *testing.T, open Database) {
	engine := open(t)
	state := stateOf(view{"weather", 1, 1}, view{"plane", 1, 1})
	apply(t, engine, "test", 0, state)
	for name, engine := range map[string]Engine{"same handle": engine, "another handle": open(t)} {
		snapshot := current(t, engine, "test")
		if snapshot.Revision != 1 {
			t.Errorf("%s: revision %d", name, snapshot.Revision)
		}
		if diff := cmp.Diff(state, snapshot.State, protocmp.Transform()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if _, err := snapshot.View("plane"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	apply(t, engine, "test", 1, &plumbv1.State{})
	if snapshot := current(t, engine, "test"); snapshot.Revision != 2 || len(snapshot.Views()) != 0 {
		t.Errorf("a state with nothing in it came back as revision %d with %d views", snapshot.Revision,
			len(snapshot.Views()))
	}
}

func keptApart(t *testing.T, open Database) {
	engine := open(t)
	state := described("before")
	apply(t, engine, "test", 0, state)
	state.Definitions.Entities[0].Description = "changed by its maker"
	old := current(t, engine, "test")
	if got := description(old); got != "before" {
		t.Errorf("current says %q", got)
	}
	apply(t, engine, "test", 1, described("after"))
	if got := description(old); got != "before" || old.Revision != 1 {
		t.Errorf("the older snapshot became revision %d and says %q", old.Revision, got)
	}
}

func history(t *testing.T, open Database) {
	engine := open(t)
	commits := []registry.Commit{
		{By: "ada", At: noon, Changes: []string{"add view weather", "line\nbreak, \"quotes\" and ü"}},
		{By: "", At: noon.Add(-time.Hour)},
		{By: "grace@example.org", At: noon.Add(time.Microsecond).In(time.FixedZone("", 5*3600)), Changes: []string{"x"}},
	}
	want := make([]registry.Revision, len(commits))
	for i, commit := range commits {
		commit.Project, commit.Base, commit.State = "test", int64(i), described("")
		if _, err := engine.Apply(t.Context(), commit); err != nil {
			t.Fatal(err)
		}
		want[len(commits)-1-i] = registry.Revision{Number: int64(i + 1), By: commit.By, At: commit.At.UTC(),
			Changes: append([]string{}, commit.Changes...)}
	}
	if diff := cmp.Diff(want, revisions(t, engine, "test")); diff != "" {
		t.Error(diff)
	}
}

func isolatedProjects(t *testing.T, open Database) {
	engine := open(t)
	for i, name := range similar {
		apply(t, engine, name, 0, described(name))
		for _, other := range similar[i+1:] {
			if snapshot := current(t, engine, other); snapshot.Revision != 0 {
				t.Fatalf("applying to %q made %q revision %d", name, other, snapshot.Revision)
			}
		}
	}
	apply(t, engine, "test", 1, described("again"))
	for _, name := range similar {
		if name == "test" {
			continue
		}
		if snapshot := current(t, engine, name); snapshot.Revision != 1 || description(snapshot) != name {
			t.Errorf("applying to test made %q revision %d with %q", name, snapshot.Revision, description(snapshot))
		}
		if found := revisions(t, engine, name); len(found) != 1 {
			t.Errorf("%q has %d revisions", name, len(found))
		}
	}
}

func conflict(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, described("one"))
	apply(t, engine, "test", 1, described("two"))
	for _, base := range []int64{0, 1, 3, -1} {
		_, err := engine.Apply(t.Context(), registry.Commit{Project: "test", Base: base, State: described("stale")})
		if !errors.Is(err, fault.ErrConflict) {
			t.Errorf("Apply on %d returned %v", base, err)
		}
	}
	if snapshot := current(t, engine, "test"); snapshot.Revision != 2 || description(snapshot) != "two" {
		t.Errorf("current is revision %d with %q", snapshot.Revision, description(snapshot))
	}
	if found := revisions(t, engine, "test"); len(found) != 2 {
		t.Errorf("history has %d revisions", len(found))
	}
}

func concurrentApplies(t *testing.T, open Database) {
	handles := []Engine{open(t), open(t)}
	for base := range int64(3) {
		const contenders = 8
		errs := make([]error, contenders)
		var group sync.WaitGroup
		for i := range contenders {
			group.Go(func() {
				_, errs[i] = handles[i%len(handles)].Apply(t.Context(), registry.Commit{Project: "test", Base: base,
					State: described(fmt.Sprint("of contender ", i))})
			})
		}
		group.Wait()
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner >= 0:
				t.Fatalf("contenders %d and %d both won on base %d", winner, i, base)
			case err == nil:
				winner = i
			case !errors.Is(err, fault.ErrConflict):
				t.Fatalf("contender %d on base %d: %v", i, base, err)
			}
		}
		snapshot := current(t, handles[1], "test")
		if want := fmt.Sprint("of contender ", winner); snapshot.Revision != base+1 || description(snapshot) != want {
			t.Fatalf("revision %d is %q, not %q", snapshot.Revision, description(snapshot), want)
		}
	}
}

func largeState(t *testing.T, open Database) {
	engine := open(t)
	state := described(largeText())
	apply(t, engine, "test", 0, state)
	if !proto.Equal(state, current(t, engine, "test").State) {
		t.Error("it came back different")
	}
}

func unresolvable(t *testing.T, open Database) {
	engine := open(t)
	state := stateOf(view{"weather", 1, 1})
	state.Definitions.Sources = nil
	if _, err := engine.Apply(t.Context(), registry.Commit{Project: "test", State: state}); err == nil {
		t.Error("a view without its source was applied")
	}
	if snapshot := current(t, engine, "test"); snapshot.Revision != 0 {
		t.Errorf("the project is at revision %d", snapshot.Revision)
	}
}

func cancelled(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 1}))
	run := begin(t, engine, "test", "weather")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Current": func() error { _, err := engine.Current(ctx, "test"); return err },
		"Apply": func() error {
			_, err := engine.Apply(ctx, registry.Commit{Project: "test", Base: 1, State: described("")})
			return err
		},
		"History":  func() error { _, err := engine.History(ctx, "test"); return err },
		"Progress": func() error { _, err := engine.Progress(ctx, "test"); return err },
		"Begin":    func() error { _, err := engine.Begin(ctx, registry.Run{Project: "test", View: "plane"}); return err },
		"Finish": func() error {
			run.Outcome = registry.Succeeded
			return engine.Finish(ctx, run, new(done("weather", 1, [2]int64{none, 5})))
		},
		"LastRuns": func() error { _, err := engine.LastRuns(ctx, "test"); return err },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s returned %v", name, err)
		}
	}
	if snapshot := current(t, engine, "test"); snapshot.Revision != 1 {
		t.Errorf("the project is at revision %d", snapshot.Revision)
	}
	runs := lastRuns(t, engine, "test")
	if len(runs) != 1 || runs["weather"].Outcome != registry.Running || len(progress(t, engine, "test")) != 0 {
		t.Errorf("the ledger has runs %v and progress %v", runs, progress(t, engine, "test"))
	}
}
