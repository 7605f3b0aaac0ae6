package push_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
	"github.com/plumbstore/plumb/store/storetest"
)

// origins are those of shops' rows, which have to be there.
func (p *project) origins(store online.Store, shops ...string) []packed.Origin {
	p.T.Helper()
	var origins []packed.Origin
	for _, value := range p.Stored(store, shops) {
		origins = append(origins, must(packed.Parse(value))(p.T).Origin)
	}
	return origins
}

func (p *project) expectOrigins(store online.Store, want map[string]packed.Origin) {
	p.T.Helper()
	for shop, origin := range want {
		if got := p.origins(store, shop)[0]; got != origin {
			p.T.Errorf("the row of %s is of origin %d, want %d", shop, got, origin)
		}
	}
}

// pushAt pushes a price by a pusher whose clock says now, and returns the pusher.
func (p *project) pushAt(store online.Store, now feature.Instant, row price) *push.Pusher {
	p.T.Helper()
	pusher := p.pusher(store, func(c *push.Config) { c.Now = func() time.Time { return now.Time() } })
	must(pusher.Push(p.T.Context(), p.View("price"), rowsOf(p.T, row), true))(p.T)
	return pusher
}

func TestARowSaysWhichRunOrPushWroteIt(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(1), nil, 1.0}, price{"c", at(3), nil, 1.0})
		first := p.Run(store, materialize.Request{To: at(2)}).Run.ID
		second := p.Run(store, materialize.Request{To: at(4)}).Run.ID
		p.pushAt(store, at(5), price{"b", at(4), nil, 2.0})
		p.pushAt(store, at(5), price{"c", at(2), nil, 2.0}) // It is older than what is there.
		p.expectOrigins(store, map[string]packed.Origin{
			"a": packed.RunOrigin(first), "b": packed.PushOrigin(at(5)), "c": packed.RunOrigin(second),
		})
	})
}

func TestR14_TheLastOfEqualRowsSaysWhoWroteIt(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"a", at(1), nil, 1.0})
		p.Run(store, materialize.Request{To: at(2)})
		p.pushAt(store, at(3), price{"a", at(1), nil, 1.0})
		p.expectOrigins(store, map[string]packed.Origin{"a": packed.PushOrigin(at(3))})
		again := p.Run(store, materialize.Request{To: at(2), Full: true}).Run.ID
		p.expectOrigins(store, map[string]packed.Origin{"a": packed.RunOrigin(again)})
	})
}

// Rows that were stored before rows had an origin are served, and replaced by newer ones.
func TestRowsOfTheFirstFormatAreServedBesideOthers(t *testing.T) {
	onStores(t, func(t *testing.T, store online.Store) {
		p := newProject(t, price{"b", at(2), nil, 2.0}, price{"c", at(2), nil, 2.0})
		view := p.View("price")
		var rows []online.Row
		for _, shop := range []string{"a", "b"} {
			row := storetest.SourceRow{Keys: []any{shop}, Event: new(at(1)), Features: []any{1.0}}
			packed := storetest.Pack(t, view.Keys, view.Schema(), row)[0]
			rows = append(rows, online.Row{Key: packed.Key, Value: storetest.WithoutOrigin(packed.Value)})
		}
		must(store.Write(t.Context(), online.NewTable(view, 0), rows))(t)
		run := p.Run(store, materialize.Request{To: at(3)}).Run.ID
		p.expectOrigins(store, map[string]packed.Origin{"a": 0, "b": packed.RunOrigin(run), "c": packed.RunOrigin(run)})
		want := []storetest.Cell{present(1, at(1)), present(2, at(2)), present(2, at(2))}
		if got := p.Look(store, at(3), "a", "b", "c"); !sameCells(got, want) {
			t.Errorf("served are %v, want %v", got, want)
		}
	})
}

// What a killed process has logged was accepted when it was pushed, not when another takes the log over.
func TestARowOfALogThatIsTakenOverSaysWhenItWasPushed(t *testing.T) {
	p := newProject(t)
	p.Apply(withLog())
	first := openSQLite(t, filepath.Join(t.TempDir(), "first.db"))
	pusher := p.pushAt(first, at(5), price{"a", at(4), nil, 1.0})
	logs := filepath.Join(p.Folder, "data/pushed/price/*.wal")
	paths := must(filepath.Glob(logs))(t)
	if len(paths) != 1 {
		t.Fatalf("write-ahead files are %v, want one", paths)
	}
	left := must(os.ReadFile(paths[0]))(t)
	if err := pusher.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(filepath.Dir(paths[0]), "00000000000000000001-left.wal")
	if err := os.WriteFile(name, left, 0o644); err != nil {
		t.Fatal(err)
	}
	second := openSQLite(t, filepath.Join(t.TempDir(), "second.db"))
	after := p.pushAt(second, at(7), price{"b", at(6), nil, 2.0})
	if err := after.Close(); err != nil {
		t.Fatal(err)
	}
	for _, store := range []online.Store{first, second} {
		p.expectOrigins(store, map[string]packed.Origin{"a": packed.PushOrigin(at(5))})
	}
	p.expectOrigins(second, map[string]packed.Origin{"b": packed.PushOrigin(at(7))})
}
