package materialize_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store"
	"github.com/plumbstore/plumb/store/storetest"
)

// origins are those of shops' rows, which have to be there.
func (p *project) origins(online store.Online, shops ...string) []store.Origin {
	p.t.Helper()
	var origins []store.Origin
	for _, value := range p.stored(online, shops) {
		origins = append(origins, must(store.ParseRow(value))(p.t).Origin)
	}
	return origins
}

func (p *project) expectOrigins(online store.Online, want map[string]store.Origin) {
	p.t.Helper()
	for shop, origin := range want {
		if got := p.origins(online, shop)[0]; got != origin {
			p.t.Errorf("the row of %s is of origin %d, want %d", shop, got, origin)
		}
	}
}

// pushAt pushes a price by a pusher whose clock says now, and returns the pusher.
func (p *project) pushAt(online store.Online, now feature.Instant, row price) *materialize.Pusher {
	p.t.Helper()
	pusher := p.pusher(online, func(c *materialize.PushConfig) { c.Now = func() time.Time { return now.Time() } })
	must(pusher.Push(p.t.Context(), p.view("price"), rowsOf(p.t, row), true))(p.t)
	return pusher
}

func TestARowSaysWhichRunOrPushWroteIt(t *testing.T) {
	onStores(t, func(t *testing.T, online store.Online) {
		p := newProject(t, price{"a", at(1), nil, 1.0}, price{"b", at(1), nil, 1.0}, price{"c", at(3), nil, 1.0})
		first := p.run(online, materialize.Request{To: at(2)}).Run.ID
		second := p.run(online, materialize.Request{To: at(4)}).Run.ID
		p.pushAt(online, at(5), price{"b", at(4), nil, 2.0})
		p.pushAt(online, at(5), price{"c", at(2), nil, 2.0}) // It is older than what is there.
		p.expectOrigins(online, map[string]store.Origin{
			"a": store.RunOrigin(first), "b": store.PushOrigin(at(5)), "c": store.RunOrigin(second),
		})
	})
}

func TestR14_TheLastOfEqualRowsSaysWhoWroteIt(t *testing.T) {
	onStores(t, func(t *testing.T, online store.Online) {
		p := newProject(t, price{"a", at(1), nil, 1.0})
		p.run(online, materialize.Request{To: at(2)})
		p.pushAt(online, at(3), price{"a", at(1), nil, 1.0})
		p.expectOrigins(online, map[string]store.Origin{"a": store.PushOrigin(at(3))})
		again := p.run(online, materialize.Request{To: at(2), Full: true}).Run.ID
		p.expectOrigins(online, map[string]store.Origin{"a": store.RunOrigin(again)})
	})
}

// Rows that were stored before rows had an origin are served, and replaced by newer ones.
func TestRowsOfTheFirstFormatAreServedBesideOthers(t *testing.T) {
	onStores(t, func(t *testing.T, online store.Online) {
		p := newProject(t, price{"b", at(2), nil, 2.0}, price{"c", at(2), nil, 2.0})
		view := p.view("price")
		var rows []store.Row
		for _, shop := range []string{"a", "b"} {
			row := storetest.SourceRow{Keys: []any{shop}, Event: new(at(1)), Features: []any{1.0}}
			packed := storetest.Pack(t, view.Keys, view.Schema(), row)[0]
			rows = append(rows, store.Row{Key: packed.Key, Value: storetest.InFirstFormat(packed.Value)})
		}
		must(online.Write(t.Context(), store.NewTable(view, 0), rows))(t)
		run := p.run(online, materialize.Request{To: at(3)}).Run.ID
		p.expectOrigins(online, map[string]store.Origin{"a": 0, "b": store.RunOrigin(run), "c": store.RunOrigin(run)})
		want := []storetest.Cell{present(1, at(1)), present(2, at(2)), present(2, at(2))}
		if got := p.look(online, at(3), "a", "b", "c"); !sameCells(got, want) {
			t.Errorf("served are %v, want %v", got, want)
		}
	})
}

// What a killed process has logged was accepted when it was pushed, not when another takes the log over.
func TestARowOfALogThatIsTakenOverSaysWhenItWasPushed(t *testing.T) {
	p := newProject(t)
	p.apply(withLog())
	first := openSQLite(t, filepath.Join(t.TempDir(), "first.db"))
	pusher := p.pushAt(first, at(5), price{"a", at(4), nil, 1.0})
	logs := filepath.Join(p.folder, "data/pushed/price/*.wal")
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
	for _, online := range []store.Online{first, second} {
		p.expectOrigins(online, map[string]store.Origin{"a": store.PushOrigin(at(5))})
	}
	p.expectOrigins(second, map[string]store.Origin{"b": store.PushOrigin(at(7))})
}
