package materialize_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/redistest"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// What makes a divided run void closes it, by whichever worker comes next, and nothing is recorded.
func TestADividedRunThatIsVoidIsClosedAsFailed(t *testing.T) {
	prices, _ := manyPrices(40)
	for name, test := range map[string]struct {
		happens func(p *project, store online.Store)
		want    string
	}{
		"the view gets another definition": {func(p *project, _ online.Store) {
			d := definitions()
			d.FeatureViews[0].Features[0].Type = plumbv1.Type_FLOAT32
			p.alter(d)
		}, `changed view "price" after run 1 had been divided`},
		"the view is gone": {func(p *project, _ online.Store) {
			d := definitions()
			d.FeatureViews = d.FeatureViews[1:]
			p.alter(d)
		}, `changed view "price" after run 1 had been divided`},
		"the store loses rows": {func(p *project, store online.Store) { p.lose(store) }, "has lost rows"},
	} {
		for _, within := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " within a shard: ", within), func(t *testing.T) {
				p := newProject(t, prices...)
				store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
				happened := false
				m := p.Materializer(store, func(c *materialize.Config) {
					c.BatchRows, c.Sharding.LocalStore = 5, "/online.db on this machine"
					c.Progress = func(string, int64) {
						if within && !happened {
							happened = true
							test.happens(p, store)
						}
					}
				})
				p.divide(m, 2)
				if !within {
					test.happens(p, store)
				}
				err := m.Work(t.Context(), p.asked())
				if within && strings.Contains(name, "definition") || within && strings.Contains(name, "gone") {
					test.want = "changed the view while this run was writing"
				}
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the worker says %v", err)
				}
				if open := p.openRuns(); len(open) != 0 {
					t.Errorf("the run is still open: %+v", open)
				}
				p.expectFailed(test.want)
				if err := m.Work(t.Context(), p.asked()); err != nil {
					t.Errorf("another worker says %v", err)
				}
			})
		}
	}
}

// The shards of a run read one content: a file that has changed fails the worker, and the run goes on once it is back.
func TestAShardOfOtherInputsIsRefused(t *testing.T) {
	prices, shops := manyPrices(40)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	m := p.Materializer(store)
	p.divide(m, 2)
	p.Write(prices[:50]...)
	err := m.Work(t.Context(), p.asked())
	if _, ok := errors.AsType[*offline.ChangedInputError](err); !ok ||
		!strings.Contains(err.Error(), "input data/prices.parquet has changed since the run was divided") {
		t.Errorf("the worker says %v", err)
	}
	if shard := p.openRuns()[0].Shards[0]; shard.State != registry.ShardFree || shard.Problem != err.Error() {
		t.Errorf("the shard is %+v", shard)
	}
	p.Write(prices...)
	if err := m.Work(t.Context(), p.asked()); err != nil {
		t.Error(err)
	}
	p.expectSame(store, shops)
}

func TestAViewHasOneDividedRun(t *testing.T) {
	prices, shops := manyPrices(40)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	m := p.Materializer(store)
	run := p.divide(m, 2)
	var refused *fault.PreconditionError
	_, err := m.Divide(t.Context(), p.View("price"), materialize.Request{To: at(4)}, 3)
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "run 1 of view price is divided into 2 shards") {
		t.Errorf("a second one: %v", err)
	}
	// A run without shards is none of its business: newest wins, and the registry has both windows.
	report := p.Run(store, materialize.Request{To: at(2)})
	if notes := strings.Join(report.Notes, "; "); !strings.Contains(notes, "run 1 of view") {
		t.Errorf("a run without shards says %q", notes)
	}
	if err := m.Work(t.Context(), p.asked()); err != nil {
		t.Error(err)
	}
	if losses := p.losses(store); len(losses) != 0 {
		t.Errorf("the store has lost %v", losses)
	}
	next := must(m.Divide(t.Context(), p.View("price"), materialize.Request{To: at(5)}, 2))(t)
	if next.Run.ID <= run.ID || *next.Run.Start != int64(at(4)) {
		t.Errorf("the next one is %+v", next.Run)
	}
	cancelled := must(m.Cancel(t.Context(), "shops", func(string) bool { return true }))(t)
	if len(cancelled) != 1 || cancelled[0].ID != next.Run.ID || len(p.openRuns()) != 0 {
		t.Errorf("cancelled are %+v", cancelled)
	}
	if again := must(m.Cancel(t.Context(), "shops", func(string) bool { return true }))(t); len(again) != 0 {
		t.Errorf("cancelled again are %+v", again)
	}
	p.expectSame(store, shops)
}

func TestRowsThatFailAreCountedOverAllShards(t *testing.T) {
	var prices []price
	for i := range 20 {
		prices = append(prices, price{fmt.Sprint("shop ", i), at(1), nil, float64(i) + 0.5})
	}
	p := inWholeEuros(t, append(prices, price{"fits", at(1), nil, 1.0})...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	m := p.Materializer(store)
	for _, allowed := range []int64{19, 20} {
		request := materialize.Request{To: at(4), MaxFailed: allowed}
		run := must(m.Divide(t.Context(), p.View("price"), request, 3))(t).Run
		err := m.Work(t.Context(), p.asked())
		last := must(p.Registry.LastRuns(t.Context(), "shops"))(t)["price"]
		if last.ID != run.ID || last.Skipped != 20 {
			t.Errorf("the run is %+v", last)
		}
		if ok := allowed == 20; ok != (err == nil) || ok != (last.Outcome == registry.Succeeded) {
			t.Errorf("where %d rows may fail the worker says %v, and the run %s", allowed, err, last.Outcome)
		}
		if err != nil && !strings.Contains(err.Error(), "20 rows of all shards cannot be stored") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestAShardWithMoreFailedRowsThanMayFailsTheRun(t *testing.T) {
	p := inWholeEuros(t, price{"a", at(1), nil, 1.5}, price{"b", at(1), nil, 2.5}, price{"c", at(1), nil, 3.0})
	m := p.Materializer(openSQLite(t, filepath.Join(p.Folder, "online.db")))
	run := p.divide(m, 1)
	asked, closed := p.asked(), 0
	asked.Closed = func(_ *feature.View, report materialize.Report, err error) {
		if closed++; err == nil || report.Run.ID != run.ID || report.Run.Skipped != 2 {
			t.Errorf("the run is closed as %+v: %v", report.Run, err)
		}
	}
	if err := m.Work(t.Context(), asked); err == nil || closed != 1 {
		t.Errorf("the run was closed %d times, and the worker says %v", closed, err)
	}
	p.expectFailed("2 rows cannot be stored")
}

func TestAWorkerThatIsInterruptedGivesItsShardBack(t *testing.T) {
	prices, shops := manyPrices(40)
	p := newProject(t, prices...)
	store := openRedis(t, redistest.Start(t).URL)
	ctx, cancel := context.WithCancel(t.Context())
	m := p.Materializer(store, func(c *materialize.Config) {
		c.BatchRows = 5
		c.Progress = func(string, int64) { cancel() }
	})
	p.divide(m, 2)
	if err := m.Work(ctx, p.asked()); !errors.Is(err, context.Canceled) {
		t.Errorf("the worker says %v", err)
	}
	for _, shard := range p.openRuns()[0].Shards {
		if shard.State != registry.ShardFree || shard.Problem != "" {
			t.Errorf("a shard is %+v", shard)
		}
	}
	if err := p.Materializer(store).Work(t.Context(), p.asked()); err != nil {
		t.Error(err)
	}
	p.expectSame(store, shops)
}

// The store may forget states, so what takes up a run long after its end reads all events of its shards.
func TestAShardOfWindowsThatIsDoneLongAfterItsEndReadsAllEvents(t *testing.T) {
	s := newSpent(t, 0, "1h", "2d")
	store := openSQLite(t, filepath.Join(s.Folder, "online.db"))
	s.pay("a", at(1), 1)
	s.pay("b", at(1), 2)
	s.build(store, at(2))
	s.pay("a", at(2.5), 3)
	s.Write(s.rows...)
	m := s.Materializer(store, func(c *materialize.Config) { c.Now, c.ClockSkew = at(3).Time, s.skew })
	must(m.Divide(t.Context(), s.View("spend"), materialize.Request{To: at(3)}, 2))(t)
	later := s.Materializer(store, func(c *materialize.Config) { c.Now, c.ClockSkew = at(16).Time, s.skew })
	asked, read, notes := s.asked(), int64(0), ""
	asked.End = func(_ registry.ShardedRun, _ int, report materialize.Report, err error) {
		if read += report.Run.Read; err != nil {
			t.Error(err)
		}
		notes += strings.Join(report.Notes, "; ")
	}
	if err := later.Work(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	if read != 3 || !strings.Contains(notes, "the online store may have forgotten states since") {
		t.Errorf("%d events were read, and the notes are %q", read, notes)
	}
	s.expect(store, at(3), "a", s.rows)
	s.expect(store, at(3), "b", s.rows)
}

func TestAWorkerWithAnotherStoreIsRefused(t *testing.T) {
	prices, _ := manyPrices(3)
	p := newProject(t, prices...)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	on := func(name string) *materialize.Materializer {
		return p.Materializer(store, func(c *materialize.Config) { c.Sharding.LocalStore = name })
	}
	p.divide(on("/a.db on one"), 1)
	var refused *fault.PreconditionError
	err := on("/a.db on two").Work(t.Context(), p.asked())
	if want := "run 1 writes to /a.db on one, and the online store of this worker is /a.db on two"; !errors.As(err,
		&refused) || !strings.Contains(err.Error(), want) {
		t.Errorf("the worker says %v", err)
	}
	if err := on("").Work(t.Context(), p.asked()); !errors.As(err, &refused) {
		t.Errorf("a worker with Redis says %v", err)
	}
	if err := on("/a.db on one").Work(t.Context(), p.asked()); err != nil {
		t.Error(err)
	}
}

// A worker that was given another Redis finds no table of the run there, and ends nothing: neither before a shard nor
// when all are done.
func TestAWorkerWithAnotherRedisLeavesTheRunToTheOthers(t *testing.T) {
	for _, allDone := range []bool{false, true} {
		t.Run(fmt.Sprint("all shards done: ", allDone), func(t *testing.T) {
			prices, shops := manyPrices(40)
			p := newProject(t, prices...)
			store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
			m, other := p.Materializer(store), p.Materializer(openSQLite(t, filepath.Join(p.Folder, "other.db")))
			p.divide(m, 2)
			if allDone {
				p.finishShards(m)
			}
			err := other.Work(t.Context(), p.asked())
			var refused *fault.PreconditionError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "does not have the table that run 1 began to write") {
				t.Errorf("the worker says %v", err)
			}
			open := p.openRuns()
			if len(open) != 1 || open[0].AllDone() != allDone {
				t.Fatalf("the open runs are %+v", open)
			}
			if shard := open[0].Shards[0]; !allDone && (shard.State != registry.ShardFree || shard.Problem != err.Error()) {
				t.Errorf("the shard is %+v", shard)
			}
			if err := m.Work(t.Context(), p.asked()); err != nil {
				t.Error(err)
			}
			p.expectSame(store, shops)
		})
	}
}

// finishShards does all shards of the open run and leaves it open, as a worker does that is killed before the end.
func (p *project) finishShards(m *materialize.Materializer) {
	p.T.Helper()
	ctx, cancel := context.WithCancel(p.T.Context())
	work, left := p.asked(), len(p.openRuns()[0].Shards)
	work.End = func(registry.ShardedRun, int, materialize.Report, error) {
		if left--; left == 0 {
			cancel()
		}
	}
	if err := m.Work(ctx, work); !errors.Is(err, context.Canceled) {
		p.T.Fatalf("the worker says %v", err)
	}
	if open := p.openRuns(); len(open) != 1 || !open[0].AllDone() {
		p.T.Fatalf("the open runs are %+v", open)
	}
}

// What a whole run alone can do is refused before a run is begun.
func TestAViewWithAPushLogIsDividedOnceItWasMaterialized(t *testing.T) {
	prices, shops := manyPrices(5)
	p := newProject(t, prices...)
	logged := definitions()
	logged.FeatureViews[0].PushLog = &plumbv1.PushLog{Path: "data/log"}
	p.alter(logged)
	store := openSQLite(t, filepath.Join(p.Folder, "online.db"))
	m := p.Materializer(store)
	_, err := m.Divide(t.Context(), p.View("price"), materialize.Request{To: at(2)}, 2)
	if _, ok := errors.AsType[*fault.PreconditionError](err); !ok || !strings.Contains(err.Error(), "has a push log") {
		t.Errorf("the first run: %v", err)
	}
	if runs := must(p.Registry.Runs(t.Context(), "shops", "price"))(t); len(runs) != 0 {
		t.Errorf("it was begun: %+v", runs)
	}
	p.Run(store, materialize.Request{To: at(2)})
	p.inShards(m, "price", materialize.Request{To: at(4)}, 2)
	p.expectSame(store, shops)
}

func TestAWorkerThatFailsAtOneRunDoesTheOthers(t *testing.T) {
	s := newSpent(t, 0, "1h")
	store := openSQLite(t, filepath.Join(s.Folder, "online.db"))
	d := spending(0, "1h")
	d.FeatureViews[0].Features[0].Type = plumbv1.Type_INT32
	s.Apply(d)
	s.pay("a", at(1), 1.5)
	s.Write(s.rows...)
	m := s.Materializer(store)
	for _, view := range []string{"price", "spend"} {
		must(m.Divide(t.Context(), s.View(view), materialize.Request{To: at(2)}, 2))(t)
	}
	if err := m.Work(t.Context(), s.asked()); err == nil || !strings.Contains(err.Error(), "1 row cannot be stored") {
		t.Errorf("the worker says %v", err)
	}
	runs := must(s.Registry.LastRuns(t.Context(), "shops"))(t)
	if runs["price"].Outcome != registry.Failed || runs["spend"].Outcome != registry.Succeeded {
		t.Errorf("the runs are %+v", runs)
	}
}
