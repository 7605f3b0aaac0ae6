package materialize_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// lose removes all rows of the prices from a store, and its marks.
func (p *project) lose(store online.Store) {
	p.T.Helper()
	must(store.(online.Remover).Remove(p.T.Context(), "shops", "price"))(p.T)
}

func (p *project) losses(store online.Store) map[string]materialize.Loss {
	p.T.Helper()
	views := []*feature.View{p.View("archive"), p.View("price")}
	return must(materialize.Losses(p.T.Context(), p.Registry, store, "shops", views))(p.T)
}

func saysLost(notes []string) bool {
	return slices.ContainsFunc(notes, func(note string) bool {
		return strings.Contains(note, `the online store has lost rows of view "price"; starting again from the beginning`)
	})
}

func TestARunBringsBackWhatTheStoreHasLost(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(3), nil, 2.0})
		p.Run(store, materialize.Request{To: at(4)})
		if losses := p.losses(store); len(losses) != 0 {
			t.Errorf("nothing is lost, and the losses are %v", losses)
		}
		p.lose(store)
		if losses := p.losses(store); len(losses) != 1 || losses["price"] != materialize.AllRows {
			t.Errorf("all rows are lost, and the losses are %v", losses)
		}
		report := p.Run(store, materialize.Request{To: at(5)})
		if !saysLost(report.Notes) || report.Run.Start != nil || report.Run.Written != 2 {
			t.Errorf("the run says %q and is %+v, want all from the beginning", report.Notes, report.Run)
		}
		if losses := p.losses(store); len(losses) != 0 {
			t.Errorf("nothing is lost any more, and the losses are %v", losses)
		}
		if report := p.Run(store, materialize.Request{To: at(5)}); report.Done == nil || len(report.Notes) > 0 {
			t.Errorf("once more there is %+v to do, and %q to say", report.Run, report.Notes)
		}
	})
}

// A store can lose its rows between a run's batches, and keep the connection.
func TestARunNoticesThatItsRowsWereLostMeanwhile(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		prices, shops := manyPrices(30)
		p := newProject(t, prices...)
		lost := false
		m := p.Materializer(store, func(c *materialize.Config) {
			c.BatchRows = 10
			c.Progress = func(_ string, rows int64) {
				if !lost && rows == 20 {
					lost = true
					p.lose(store)
				}
			}
		})
		report := must(m.Run(t.Context(), p.View("price"), materialize.Request{To: at(4)}))(t)
		if report.Run.ID != 2 || !strings.Contains(strings.Join(report.Notes, "; "),
			`run 1 of view "price" is begun anew: the online store has lost rows while the run was writing them`) {
			t.Errorf("run %d says %q, want a second one", report.Run.ID, report.Notes)
		}
		runs := must(p.Registry.Runs(t.Context(), "shops", "price"))(t)
		if len(runs) != 2 || runs[0].Outcome != registry.Failed || runs[1].Outcome != registry.Succeeded {
			t.Errorf("the runs are %+v", runs)
		}
		p.expectComplete(store, shops)
	})
}

// A run that brings back what was lost is killed, and so is one that begins anew without need.
func TestWhatIsLostStaysLostUntilARunHasBroughtItBack(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0})
		p.Run(store, materialize.Request{To: at(4)})
		fails := p.Materializer(store, func(c *materialize.Config) { c.Offline = unreadable{} })
		for _, request := range []materialize.Request{{To: at(5)}, {To: at(5), Full: true}} {
			if _, err := fails.Run(t.Context(), p.View("price"), request); err == nil {
				t.Fatal("the run has not failed")
			}
			if losses := p.losses(store); len(losses) != 0 {
				t.Errorf("after a run that failed the losses are %v, and all rows are there", losses)
			}
		}
		p.lose(store)
		for range 2 {
			if _, err := fails.Run(t.Context(), p.View("price"), materialize.Request{To: at(5)}); err == nil {
				t.Fatal("the run has not failed")
			}
			if losses := p.losses(store); losses["price"] != materialize.AllRows {
				t.Errorf("after a run that failed the losses are %v", losses)
			}
		}
		if report := p.Run(store, materialize.Request{To: at(5)}); !saysLost(report.Notes) || report.Run.Written != 1 {
			t.Errorf("the run says %q and is %+v", report.Notes, report.Run)
		}
	})
}

// A run was killed after it marked the store and before the registry heard of it.
func TestAStoreThatIsAheadOfTheRegistryHasLostNothing(t *testing.T) {
	p := newProject(t, price{"a", at(1), nil, 1.0})
	store := openSQLite(t, t.TempDir()+"/online.db")
	p.Run(store, materialize.Request{To: at(4)})
	table := online.NewTable(p.View("price"), 0)
	marks := must(online.ReadMarks(t.Context(), store, table))(t)
	if err := online.WriteProgress(t.Context(), store, table, marks[0].Progress+5, 0); err != nil {
		t.Fatal(err)
	}
	if losses := p.losses(store); len(losses) != 0 {
		t.Errorf("the losses are %v", losses)
	}
	if report := p.Run(store, materialize.Request{To: at(5)}); len(report.Notes) > 0 || report.Run.Start == nil {
		t.Errorf("the run says %q and is %+v, want one that goes on", report.Notes, report.Run)
	}
	recorded := must(p.Registry.Recorded(t.Context(), "shops"))(t)["price"]
	if recorded.Birth != marks[0].Birth || recorded.Mark <= marks[0].Progress+5 {
		t.Errorf("recorded is %+v, want birth %d and a mark beyond %d", recorded, marks[0].Birth, marks[0].Progress+5)
	}
}

// The registry was made anew, so that its numbers begin again, while the store stayed.
func TestAStoreThatIsOlderThanTheRegistryIsTakenOver(t *testing.T) {
	online := openSQLite(t, t.TempDir()+"/online.db")
	before := newProject(t, price{"a", at(1), nil, 1.0})
	for i := range 5 {
		before.Run(online, materialize.Request{To: at(float64(2 + i))})
	}
	p := newProject(t, price{"a", at(1), nil, 1.0})
	p.Run(online, materialize.Request{To: at(4)})
	if losses := p.losses(online); len(losses) != 0 {
		t.Errorf("the losses are %v", losses)
	}
	p.lose(online)
	if report := p.Run(online, materialize.Request{To: at(5)}); !saysLost(report.Notes) {
		t.Errorf("the run says %q", report.Notes)
	}
	if report := p.Run(online, materialize.Request{To: at(6)}); len(report.Notes) > 0 || report.Run.Start == nil {
		t.Errorf("the next run says %q and is %+v, want one that goes on", report.Notes, report.Run)
	}
}

// unreadable is an offline engine that reads nothing.
type unreadable struct{}

func (unreadable) Events(context.Context, offline.EventsRequest, func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return offline.NewestReport{}, errors.New("the source cannot be read")
}

func (unreadable) Newest(context.Context, offline.NewestRequest, func(arrow.RecordBatch) error) (
	offline.NewestReport, error,
) {
	return offline.NewestReport{}, errors.New("the source cannot be read")
}
