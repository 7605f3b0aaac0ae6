package push_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

// Of pushes with one key and one version the last to be stored wins, which has to be the last in the log.
func TestR17_PushesAtOnceOfOneVersionHaveOneWinner(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t)
		p.Apply(withLog())
		pusher, view := p.pusher(store), p.View("price")
		var pushing sync.WaitGroup
		for caller := range 8 {
			pushing.Go(func() {
				for i := range 10 {
					row := price{Shop: "a", At: at(11), Euros: float64(100*caller + i)}
					if _, err := pusher.Push(context.Background(), view, rowsOf(t, row), false); err != nil {
						t.Error(err)
					}
				}
			})
		}
		pushing.Wait()
		if err := pusher.Close(); err != nil {
			t.Fatal(err)
		}
		served, trained := p.Look(store, at(12), "a"), p.offlineAnswer(t, at(12), "a")
		if !sameCells(served, trained) {
			t.Errorf("online has %v, offline %v", served, trained)
		}
	})
}

func TestARowThatIsRefusedIsNotInTheLog(t *testing.T) {
	p := newProject(t)
	p.Apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	pusher := p.pusher(online)
	rows := rowsOf(t, price{Shop: "a", At: at(11), Euros: 1.0}, price{Shop: nil, At: at(11), Euros: 2.0},
		price{Shop: "b", At: at(13), Euros: 3.0}, price{Shop: "c", At: at(11), Euros: 4.0})
	report := must(pusher.Push(t.Context(), p.View("price"), rows, false))(t)
	if report.Written != 2 || len(report.Refused) != 2 {
		t.Errorf("report is %+v", report)
	}
	if err := pusher.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.logged(); len(got) != 2 || got["a"] != 1 || got["c"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

// logged counts the rows of the log's Parquet files by shop.
func (p *project) logged() map[string]int {
	p.T.Helper()
	counts := map[string]int{}
	paths := must(filepath.Glob(filepath.Join(p.Folder, "data/pushed/price/*.parquet")))(p.T)
	for _, path := range paths {
		reader := must(file.OpenParquetFile(path, false))(p.T)
		rows := must(pqarrow.NewFileReader(reader, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator))(p.T)
		table := must(rows.ReadTable(context.Background()))(p.T)
		for _, chunk := range table.Column(table.Schema().FieldIndices("shop")[0]).Data().Chunks() {
			for row := range chunk.Len() {
				counts[chunk.(*array.String).Value(row)]++
			}
		}
		reader.Close()
	}
	return counts
}

// gone is a store that cannot be reached.
type gone struct{ online.Store }

func (gone) Write(context.Context, online.Table, []online.Row) (online.WriteReport, error) {
	return online.WriteReport{}, fault.ErrUnavailable
}

// A push that fails for the store's sake is not acknowledged; pushed again it is served, and wins nothing twice.
func TestR17_APushThatFailedIsRightOnceItIsRepeated(t *testing.T) {
	p := newProject(t)
	p.Apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	row := price{Shop: "a", At: at(11), Euros: 1.0}
	failing := p.pusher(gone{online})
	_, err := failing.Push(t.Context(), p.View("price"), rowsOf(t, row), false)
	if !errors.Is(err, fault.ErrUnavailable) {
		t.Fatalf("error is %v", err)
	}
	working := p.pusher(online)
	must(working.Push(t.Context(), p.View("price"), rowsOf(t, row), false))(t)
	if err := errors.Join(failing.Close(), working.Close()); err != nil {
		t.Fatal(err)
	}
	served, trained := p.Look(online, at(12), "a"), p.offlineAnswer(t, at(12), "a")
	if want := []storetest.Cell{present(1, at(11))}; !sameCells(served, want) || !sameCells(trained, want) {
		t.Errorf("online has %v, offline %v", served, trained)
	}
}

// If the clock is set back, rows that are then in the future are refused, and the log goes on in order.
func TestR15_AClockThatIsSetBackLosesNothing(t *testing.T) {
	p := newProject(t)
	p.Apply(withLog())
	online := openSQLite(t, filepath.Join(t.TempDir(), "online.db"))
	for i, now := range []time.Time{noon, at(10).Time(), at(10).Time()} {
		pusher := p.pusher(online, func(c *push.Config) { c.Now = func() time.Time { return now } })
		rows := rowsOf(t, price{Shop: "a", At: at(9), Euros: float64(i)}, price{Shop: "b", At: at(11), Euros: float64(i)})
		report := must(pusher.Push(t.Context(), p.View("price"), rows, false))(t)
		if want := min(i, 1); len(report.Refused) != want {
			t.Errorf("at %s %v are refused", now, report.Refused)
		}
		if err := pusher.Close(); err != nil {
			t.Fatal(err)
		}
	}
	served, trained := p.Look(online, at(12), "a", "b"), p.offlineAnswer(t, at(12), "a", "b")
	want := []storetest.Cell{present(2, at(9)), present(0, at(11))}
	if !sameCells(served, want) || !sameCells(trained, want) {
		t.Errorf("online has %v, offline %v", served, trained)
	}
}

// A push to a view that was never materialized leaves no mark. What the log has is brought back by the first run, which
// begins anew whatever the store has lost (R17).
func TestR17_APushBeforeTheFirstRunIsNoTableThatCanBeLost(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"b", at(1), nil, 2.0})
		p.Apply(withLog())
		pusher := p.pusher(store)
		must(pusher.Push(t.Context(), p.View("price"), rowsOf(t, price{"a", at(3), nil, 1.0}), false))(t)
		marks := must(online.ReadMarks(t.Context(), store, online.NewTable(p.View("price"), 0)))(t)
		losses := func() map[string]materialize.Loss {
			return must(materialize.Losses(t.Context(), p.Registry, store, "shops", []*feature.View{p.View("price")}))(t)
		}
		if losses := losses(); marks[0] != (online.Marks{}) || len(losses) != 0 {
			t.Errorf("a push has left the marks %+v, and the losses are %v", marks, losses)
		}
		must(store.(online.Remover).Remove(t.Context(), "shops", "price"))(t)
		p.Run(store, materialize.Request{To: at(4)})
		if got := p.Look(store, at(4), "a"); !got[0].Same(present(1, at(3))) {
			t.Errorf("after the first run the pushed row is %v", got)
		}
		if losses := losses(); len(losses) != 0 {
			t.Errorf("after the first run the losses are %v", losses)
		}
	})
}
