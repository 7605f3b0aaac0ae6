package registrytest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
)

// over is the term of a lease that has run out when it begins, and long that of one that does not run out.
const (
	over = -time.Second
	long = time.Hour
)

// divided begins a run of a view and divides it.
func divided(t *testing.T, engine Engine, project, view string, shards int) registry.Run {
	t.Helper()
	run := registry.Run{Project: project, View: view, Generation: 2, Start: new(int64(1)), End: 9, StartedAt: noon,
		Outcome: registry.Running}
	var err error
	if run.ID, err = engine.Begin(t.Context(), run); err == nil {
		err = engine.OpenShards(t.Context(), run, []byte(`{"a": "ü"}`), shards)
	}
	if err != nil {
		t.Fatalf("divide a run of %s: %v", view, err)
	}
	return run
}

func take(t *testing.T, engine Engine, run registry.Run, term time.Duration) *registry.Lease {
	t.Helper()
	lease, err := engine.TakeShard(t.Context(), run.ID, "worker 1", term)
	if err != nil {
		t.Fatalf("TakeShard: %v", err)
	}
	return lease
}

// sharded are the open runs of the project test.
func sharded(t *testing.T, engine Engine) []registry.ShardedRun {
	t.Helper()
	found, err := engine.ShardedRuns(t.Context(), "test")
	if err != nil {
		t.Fatalf("ShardedRuns: %v", err)
	}
	return found
}

// states are those of the shards of the only open run.
func states(t *testing.T, engine Engine) string {
	t.Helper()
	var words []string
	for _, run := range sharded(t, engine) {
		for _, shard := range run.Shards {
			words = append(words, string(shard.State))
		}
	}
	return strings.Join(words, " ")
}

func expectStates(t *testing.T, engine Engine, want string) {
	t.Helper()
	if got := states(t, engine); got != want {
		t.Errorf("the shards are %q, not %q", got, want)
	}
}

// counted is what a shard has done.
func counted(n int64) registry.Run {
	return registry.Run{Read: n, Written: 2 * n, Older: 3 * n, NullKeys: 4 * n, NullTimes: 5 * n, Skipped: 6 * n,
		Bytes: 7 * n, Tiles: 8 * n, Inputs: []feature.Input{{Source: "hourly", Name: "data/hourly.parquet",
			Version: feature.FileVersion{Size: 7, Modified: noon, Footer: "9f"}}}}
}

func takenShards(t *testing.T, open Database) {
	engine, other := open(t), open(t)
	run := divided(t, engine, "test", "weather", 3)
	want := registry.ShardedRun{Run: run, Plan: []byte(`{"a": "ü"}`), Shards: []registry.Shard{
		{Number: 0, State: registry.ShardFree}, {Number: 1, State: registry.ShardFree},
		{Number: 2, State: registry.ShardFree}}}
	if diff := cmp.Diff([]registry.ShardedRun{want}, sharded(t, other)); diff != "" {
		t.Error(diff)
	}
	first, second := take(t, engine, run, long), take(t, other, run, long)
	if first.Shard != 0 || second.Shard != 1 || first.Token != 1 {
		t.Fatalf("leases are %+v and %+v", first, second)
	}
	expectStates(t, engine, "taken taken free")
	if err := engine.KeepShard(t.Context(), *first, 17, long); err != nil {
		t.Error(err)
	}
	if err := other.ReturnShard(t.Context(), *second, "no \x00 disk"); err != nil {
		t.Error(err)
	}
	if err := engine.FinishShard(t.Context(), *first, counted(3)); err != nil {
		t.Error(err)
	}
	shards := sharded(t, engine)[0].Shards
	done := registry.Shard{State: registry.ShardDone, Holder: "worker 1", Leases: 1, Rows: 15, Done: counted(3)}
	if diff := cmp.Diff(done, shards[0]); diff != "" {
		t.Error(diff)
	}
	free := registry.Shard{Number: 1, State: registry.ShardFree, Holder: "worker 1", Leases: 1, Problem: "no \ufffd disk"}
	if diff := cmp.Diff(free, shards[1]); diff != "" {
		t.Error(diff)
	}
	if lease := take(t, engine, run, long); lease.Shard != 2 {
		t.Errorf("a shard that nobody has tried is not taken first: %+v", lease)
	}
	if lease := take(t, engine, run, long); lease.Shard != 1 || lease.Token != 2 {
		t.Errorf("the shard that was returned comes as %+v", lease)
	}
	if lease := take(t, engine, run, long); lease != nil {
		t.Errorf("no shard is free, and %+v is taken", lease)
	}
}

// expiredLeases has a worker whose lease has run out: whatever it says does not count, whether or not another worker
// has the shard by then.
func expiredLeases(t *testing.T, open Database) {
	engine := open(t)
	run := divided(t, engine, "test", "weather", 1)
	zombie := take(t, engine, run, over)
	expectStates(t, engine, "free")
	refuse := func(when string) {
		t.Helper()
		if err := engine.KeepShard(t.Context(), *zombie, 1, long); !errors.Is(err, registry.ErrLeaseLost) {
			t.Errorf("%s it is kept: %v", when, err)
		}
		if err := engine.FinishShard(t.Context(), *zombie, counted(1)); !errors.Is(err, registry.ErrLeaseLost) {
			t.Errorf("%s it is done: %v", when, err)
		}
		if err := engine.ReturnShard(t.Context(), *zombie, "zombie"); err != nil {
			t.Errorf("%s it is returned: %v", when, err)
		}
	}
	refuse("once its lease has run out")
	lease := take(t, engine, run, long)
	if lease == nil || lease.Shard != zombie.Shard || lease.Token <= zombie.Token {
		t.Fatalf("after %+v comes %+v", zombie, lease)
	}
	refuse("once another has it")
	expectStates(t, engine, "taken")
	if err := engine.FinishShard(t.Context(), *lease, counted(1)); err != nil {
		t.Error(err)
	}
	refuse("once another has done it")
	if err := engine.FinishShard(t.Context(), *lease, counted(2)); !errors.Is(err, registry.ErrLeaseLost) {
		t.Errorf("it is done twice: %v", err)
	}
	if shard := sharded(t, engine)[0].Shards[0]; shard.Done.Read != 1 || shard.Problem != "" {
		t.Errorf("the shard is %+v", shard)
	}
}

func closedShards(t *testing.T, open Database) {
	engine := open(t)
	apply(t, engine, "test", 0, stateOf(view{"weather", 1, 2}))
	run := divided(t, engine, "test", "weather", 2)
	p := done("weather", 2, [2]int64{none, 9})
	for n := range 2 {
		lease := take(t, engine, run, long)
		run.Outcome, run.FinishedAt = registry.Succeeded, noon.Add(time.Minute)
		if closed, err := engine.CloseShards(t.Context(), run, &p); closed || err != nil {
			t.Errorf("before all is done it is closed: %v %v", closed, err)
		}
		if err := engine.FinishShard(t.Context(), *lease, counted(int64(n+1))); err != nil {
			t.Fatal(err)
		}
	}
	if len(progress(t, engine, "test")) != 0 {
		t.Error("progress is recorded before the run has ended")
	}
	found := sharded(t, engine)[0]
	sum := found.Sum()
	if want := counted(3); !found.AllDone() || sum.Read != want.Read || sum.Written != want.Written ||
		sum.Older != want.Older || sum.NullKeys != want.NullKeys || sum.NullTimes != want.NullTimes ||
		sum.Skipped != want.Skipped || sum.Bytes != want.Bytes || sum.Tiles != want.Tiles || len(sum.Inputs) != 1 {
		t.Errorf("the sum of the shards is %+v", sum)
	}
	sum.Outcome, sum.FinishedAt = registry.Succeeded, noon.Add(time.Minute)
	if closed, err := engine.CloseShards(t.Context(), sum, &p); !closed || err != nil {
		t.Fatalf("CloseShards: %v %v", closed, err)
	}
	if closed, err := engine.CloseShards(t.Context(), sum, nil); closed || err != nil {
		t.Errorf("it is closed twice: %v %v", closed, err)
	}
	if diff := cmp.Diff(p, progress(t, engine, "test")["weather"]); diff != "" {
		t.Error(diff)
	}
	runs, err := engine.Runs(t.Context(), "test", "weather")
	if err != nil || len(runs) != 1 || cmp.Diff(sum, runs[0]) != "" {
		t.Errorf("the run is %+v, error %v", runs, err)
	}
	if open := sharded(t, engine); len(open) != 0 {
		t.Errorf("a closed run is open: %+v", open)
	}
}

func cancelledShards(t *testing.T, open Database) {
	engine := open(t)
	run := divided(t, engine, "test", "weather", 2)
	lease := take(t, engine, run, long)
	run.Outcome, run.FinishedAt, run.Error = registry.Failed, noon, "cancelled"
	if closed, err := engine.CloseShards(t.Context(), run, nil); !closed || err != nil {
		t.Fatalf("CloseShards: %v %v", closed, err)
	}
	if err := engine.FinishShard(t.Context(), *lease, counted(1)); !errors.Is(err, registry.ErrLeaseLost) {
		t.Errorf("a shard of a closed run is done: %v", err)
	}
	if lease := take(t, engine, run, long); lease != nil {
		t.Errorf("a shard of a closed run is taken: %+v", lease)
	}
	runs, err := engine.LastRuns(t.Context(), "test")
	if err != nil || runs["weather"].Error != "cancelled" || runs["weather"].Outcome != registry.Failed {
		t.Errorf("the run is %+v, error %v", runs, err)
	}
	divided(t, engine, "test", "weather", 2) // Another one can be opened.
}

func openShards(t *testing.T, open Database) {
	engine := open(t)
	if found := sharded(t, engine); len(found) != 0 {
		t.Errorf("before any run: %v", found)
	}
	run := divided(t, engine, "test", "weather", 2)
	var refused *fault.PreconditionError
	if err := engine.OpenShards(t.Context(), run, nil, 3); !errors.As(err, &refused) {
		t.Errorf("a second divided run of the view: %v", err)
	}
	divided(t, engine, "test", "plane", 1)
	for _, project := range similar {
		if project != "test" {
			divided(t, engine, project, "weather", 1)
		}
	}
	var views []string
	for _, run := range sharded(t, engine) {
		views = append(views, fmt.Sprint(run.View, len(run.Shards)))
	}
	if diff := cmp.Diff([]string{"weather2", "plane1"}, views); diff != "" {
		t.Error(diff)
	}
}

func concurrentLeases(t *testing.T, open Database) {
	const shards, workers = 20, 4
	engine := open(t)
	run := divided(t, engine, "test", "weather", shards)
	taken := make(chan registry.Lease, shards+1)
	var group sync.WaitGroup
	for range workers {
		handle := open(t)
		group.Go(func() {
			for {
				lease, err := handle.TakeShard(t.Context(), run.ID, "worker", long)
				if err != nil {
					t.Error(err)
				}
				if lease == nil {
					return
				}
				taken <- *lease
			}
		})
	}
	group.Wait()
	close(taken)
	seen := map[registry.Lease]bool{}
	for lease := range taken {
		if seen[lease] || lease.Token != 1 {
			t.Errorf("%+v is taken again", lease)
		}
		seen[lease] = true
	}
	if len(seen) != shards {
		t.Errorf("%d shards are taken of %d", len(seen), shards)
	}
}

func concurrentCloses(t *testing.T, open Database) {
	engine := open(t)
	run := divided(t, engine, "test", "weather", 1)
	if err := engine.FinishShard(t.Context(), *take(t, engine, run, long), counted(1)); err != nil {
		t.Fatal(err)
	}
	run.Outcome, run.FinishedAt = registry.Succeeded, noon
	p := done("weather", 2, [2]int64{none, 9})
	var mu sync.Mutex
	count := 0
	var group sync.WaitGroup
	for range 4 {
		handle := open(t)
		group.Go(func() {
			closed, err := handle.CloseShards(t.Context(), run, &p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if closed {
				count++
			}
		})
	}
	group.Wait()
	if count != 1 {
		t.Errorf("it is closed %d times", count)
	}
}
