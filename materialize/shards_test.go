package materialize_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
)

// asked asks a worker for all shards. Leases do not run out unless expire makes them.
func (p *project) asked() materialize.Work {
	return materialize.Work{Project: "shops", Wanted: func(string) bool { return true }, Holder: "a worker",
		Term: time.Hour, Clock: func() time.Time { return noon }, Poll: time.Millisecond,
		Begin:  func(registry.ShardedRun, int) {},
		End:    func(registry.ShardedRun, int, materialize.Report, error) {},
		Closed: func(*feature.View, materialize.Report, error) {},
	}
}

// inShards divides a run, and does it.
func (p *project) inShards(m *materialize.Materializer, view string, request materialize.Request, shards int,
) materialize.Report {
	p.T.Helper()
	report := must(m.Divide(p.T.Context(), p.View(view), request, shards))(p.T)
	if report.Done != nil {
		return report
	}
	asked := p.asked()
	asked.Closed = func(_ *feature.View, closed materialize.Report, _ error) { report.Run = closed.Run }
	if err := m.Work(p.T.Context(), asked); err != nil {
		p.T.Fatal(err)
	}
	if report.Run.Outcome != registry.Succeeded {
		p.T.Fatalf("the run ended as %+v", report.Run)
	}
	return report
}

// divide opens a run of the prices up to 4 o'clock.
func (p *project) divide(m *materialize.Materializer, shards int) registry.Run {
	p.T.Helper()
	return must(m.Divide(p.T.Context(), p.View("price"), materialize.Request{To: at(4)}, shards))(p.T).Run
}

// expire makes all leases run out, as if their terms had passed.
func (p *project) expire() {
	p.T.Helper()
	db := must(sql.Open("sqlite3", filepath.Join(p.Folder, "registry.db")+"?_busy_timeout=10000"))(p.T)
	defer db.Close()
	must(db.Exec("UPDATE shards SET expires_at = 0"))(p.T)
}

// expectSame checks that what is stored is what a run without shards stores, and that the end is recorded.
func (p *project) expectSame(store online.Store, shops []string) {
	p.T.Helper()
	if end, _ := p.End(); end != at(4) {
		p.T.Errorf("once all shards are done the end is %s, want %s", end, at(4))
	}
	whole := openSQLite(p.T, filepath.Join(p.T.TempDir(), "whole.db"))
	p.Run(whole, materialize.Request{To: at(4), Full: true})
	if !sameRows(p.Stored(whole, shops), p.Stored(store, shops)) {
		p.T.Error("what is stored differs from what a run without shards stores")
	}
}

// openRuns are those that are divided.
func (p *project) openRuns() []registry.ShardedRun {
	p.T.Helper()
	return must(p.Registry.ShardedRuns(context.Background(), "shops"))(p.T)
}

func TestARunInShardsStoresAndCountsWhatAWholeRunDoes(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		prices, shops := manyPrices(300)
		prices = append(prices, price{nil, at(1), nil, 1.0}, price{"shop 3", nil, nil, 1.0}, price{nil, nil, nil, 1.0})
		for _, shards := range []int{1, 2, 7} {
			p := newProject(t, prices...)
			p.lose(store)
			report := p.inShards(p.Materializer(store), "price", materialize.Request{To: at(4)}, shards)
			if losses := p.losses(store); len(losses) != 0 {
				t.Errorf("after the run the store has lost %v", losses)
			}
			after := p.inShards(p.Materializer(store), "price", materialize.Request{To: at(4)}, shards)
			if after.Done == nil {
				t.Errorf("there is more to do: %+v", after)
			}
			p.expectSame(store, shops)
			runs := must(p.Registry.Runs(t.Context(), "shops", "price"))(t) // The second one is that of expectSame.
			got, want := runs[0], runs[1]
			got.ID, want.ID = 0, 0
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) || got.Read != report.Run.Read {
				t.Errorf("in %d shards the run is\n%+v, and without\n%+v", shards, got, want)
			}
		}
	})
}

func TestWorkersThatAreKilledAtAnyPointCostRepetitionAlone(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	prices, shops := manyPrices(400)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	run := p.divide(p.Materializer(store), 4)
	for range 12 {
		p.runAndKill(random.IntN(8), childWorks+"=1") // A shard has 5 batches or so.
		if end, complete := p.End(); complete {
			t.Fatalf("the end is recorded as %s although a worker was killed before", end)
		}
		if len(p.openRuns()) == 1 && p.openRuns()[0].Count(registry.ShardDone) > 2 {
			break // Another worker could end the run before it is killed.
		}
		p.expire()
	}
	p.expire()
	if err := p.Materializer(store).Work(t.Context(), p.asked()); err != nil {
		t.Fatal(err)
	}
	if last := must(p.Registry.LastRuns(t.Context(), "shops"))(t)["price"]; last.ID != run.ID ||
		last.Outcome != registry.Succeeded || last.Read != 800 || last.Written+last.Older != 400 {
		t.Errorf("the run is %+v", last)
	}
	p.expectSame(store, shops)
}

// A worker is stopped within a shard. Its lease runs out, another does the shard and ends the run, and then it goes on.
func TestAWorkerThatHasLostItsLeaseRecordsNothing(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		prices, shops := manyPrices(60)
		p := newProject(t, prices...)
		p.lose(store)
		stopped, goOn := make(chan struct{}), make(chan struct{})
		var once sync.Once
		zombie := p.Materializer(store, func(c *materialize.Config) {
			c.BatchRows = 5
			c.Progress = func(string, int64) {
				once.Do(func() { close(stopped); <-goOn })
			}
		})
		run := p.divide(zombie, 2)
		asked, ended := p.asked(), make(chan error, 4)
		asked.End = func(_ registry.ShardedRun, _ int, _ materialize.Report, err error) { ended <- err }
		var group sync.WaitGroup
		group.Go(func() {
			if err := zombie.Work(t.Context(), asked); err != nil {
				t.Error(err)
			}
		})
		<-stopped
		p.expire()
		if err := p.Materializer(store).Work(t.Context(), p.asked()); err != nil {
			t.Error(err)
		}
		before := must(p.Registry.LastRuns(t.Context(), "shops"))(t)["price"]
		close(goOn)
		group.Wait()
		if err := <-ended; !errors.Is(err, registry.ErrLeaseLost) || len(ended) > 0 {
			t.Errorf("the shard of the stopped worker ended with %v", err)
		}
		after := must(p.Registry.LastRuns(t.Context(), "shops"))(t)["price"]
		if fmt.Sprintf("%+v", after) != fmt.Sprintf("%+v", before) || after.ID != run.ID || after.Read != 120 {
			t.Errorf("the run was %+v and is %+v", before, after)
		}
		p.expectSame(store, shops)
	})
}

// A worker that cannot reach the registry for a term stops by itself: it may write nothing once another may have begun.
func TestAWorkerStopsWhenItsTermHasPassed(t *testing.T) {
	prices, _ := manyPrices(60)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	writes := 0
	m := p.Materializer(counting{store, &writes})
	p.divide(m, 1)
	before := writes
	asked := p.asked()
	asked.Term = time.Nanosecond
	var looks atomic.Int64
	asked.Clock = func() time.Time { return noon.Add(time.Duration(looks.Add(1)) * time.Second) }
	ctx, cancel := context.WithCancel(t.Context())
	asked.End = func(_ registry.ShardedRun, _ int, _ materialize.Report, err error) {
		if !errors.Is(err, registry.ErrLeaseLost) {
			t.Errorf("the shard ended with %v", err)
		}
		cancel()
	}
	if err := m.Work(ctx, asked); !errors.Is(err, context.Canceled) && !errors.Is(err, registry.ErrLeaseLost) {
		t.Errorf("the worker ended with %v", err)
	}
	if writes != before {
		t.Errorf("%d batches were written without a lease", writes-before)
	}
}

// counting counts writes.
type counting struct {
	online.Store
	writes *int
}

func (c counting) Write(ctx context.Context, table online.Table, rows []online.Row) (online.WriteReport, error) {
	*c.writes++
	return c.Store.Write(ctx, table, rows)
}

func TestWorkersSideBySideDoEachShardOnce(t *testing.T) {
	prices, shops := manyPrices(100)
	p := newProject(t, prices...)
	store := openRedis(t, redistest.Start(t).URL)
	p.divide(p.Materializer(store), 6)
	var mu sync.Mutex
	done, closed := map[int]int{}, 0
	var group sync.WaitGroup
	for range 3 {
		asked := p.asked()
		asked.End = func(_ registry.ShardedRun, shard int, _ materialize.Report, err error) {
			mu.Lock()
			defer mu.Unlock()
			if done[shard]++; err != nil {
				t.Error(err)
			}
		}
		asked.Closed = func(*feature.View, materialize.Report, error) {
			mu.Lock()
			defer mu.Unlock()
			closed++
		}
		group.Go(func() {
			if err := p.Materializer(store).Work(t.Context(), asked); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(done) != 6 || closed != 1 {
		t.Errorf("shards were done %v times, and the run closed %d times", done, closed)
	}
	for shard, times := range done {
		if times != 1 {
			t.Errorf("shard %d was done %d times", shard, times)
		}
	}
	p.expectSame(store, shops)
}
