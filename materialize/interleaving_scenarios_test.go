package materialize_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/push"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/storetest"
)

func cmpText(a, b string) int { return cmp.Compare(a, b) }

// pusher is that of a process; nil for one whose steps do not matter.
func (w *world) pusher(p *process) *push.Pusher {
	return push.New(push.Config{
		Online: gatedStore{gated{w, p}}, Now: w.now, ClockSkew: push.DefaultClockSkew,
		LogFolder:  func(string) (string, error) { return w.folder, nil },
		Definition: func(context.Context, string) (*feature.View, error) { return w.view(), nil },
	})
}

func (w *world) materializer(p *process) *materialize.Materializer {
	config := materialize.Config{Offline: gated{w, p}, Online: gatedStore{gated{w, p}}, Ledger: w.registry, Now: w.now,
		Registry: w.registry, LogFolder: func(string) (string, error) { return w.folder, nil }}
	if p != nil {
		config.Ledger = gatedLedger{w.registry, gated{w, p}}
	}
	return materialize.New(config)
}

// lookUp asks for all features of shop a as a server does if a request names no instant, and returns the instant it
// used.
func (w *world) lookUp(_ *feature.View, store online.Store) ([]storetest.Cell, feature.Instant, error) {
	snapshot := must(w.registry.Current(context.Background(), w.project))(w.t)
	prepared := must(lookup.New(must(snapshot.SelectFeatures([]string{"price:*"}, false))(w.t)))(w.t)
	reply, err := prepared.Reply(context.Background(), store, lookup.Request{
		Keys: storetest.KeyColumns(w.t, prepared.Keys(), []any{"a"}), Now: w.now, EventTimestamps: true,
	})
	if err != nil {
		return nil, 0, err
	}
	defer reply.Release()
	var cells []storetest.Cell
	for _, column := range must(reply.Message())(w.t).GetColumns() {
		cells = append(cells, storetest.Cells(column)[0])
	}
	return cells, reply.At(), nil
}

// push pushes one row of shop a under a view.
func (w *world) push(pusher *push.Pusher, view *feature.View, event feature.Instant, euros int64) error {
	rows := push.Rows{
		Keys:    []arrow.Array{storetest.ArrowColumn(w.t, plumbv1.Type_STRING, "a")},
		Event:   storetest.ArrowColumn(w.t, plumbv1.Type_INT64, int64(event)),
		Created: storetest.ArrowColumn(w.t, plumbv1.Type_INT64, nil),
	}
	row := w.brought(view, seen(event, euros, euros*100), "", 0)
	for i, f := range view.Features {
		rows.Features = append(rows.Features, storetest.ArrowColumn(w.t, f.Type, row.Features[i]))
	}
	_, err := pusher.Push(context.Background(), view, rows, false)
	w.tell("the push of %d at %s: %v", euros, event, err)
	return err
}

// materialize is one incremental run of a process through now.
func (w *world) materialize(p *process, view *feature.View) {
	report, err := w.materializer(p).Run(context.Background(), view, materialize.Request{To: w.clock})
	w.tell("the run of %s: %v %v", p.name, report.Notes, err)
}

func TestR17_InEveryOrderOfSteps(t *testing.T) {
	worlds := newWorlds(t)
	for _, c := range []struct {
		name     string
		scenario func(w *world) []*process
		judge    func(w *world) error
	}{
		{"a run under an older definition goes on", twoDefinitions, (*world).judge},
		{"a push waits in a write-ahead file while a generation begins", newGeneration, (*world).judge},
		{"a push fails online after it was logged", failsOnline, (*world).judge},
		{"the clock was ahead once", clockAhead, (*world).judge},
		{"a push comes between a look-up's instant and its read", lookUpAndPush, (*world).judge},
		{"a push lies ahead of the clock", pushAhead, (*world).judge},
		{"the store loses its rows", losesRows, (*world).judge},
		{"the store loses its rows while they are first written", losesFirstRows, (*world).judge},
		{"the store comes back from an old snapshot", oldSnapshot, (*world).judge},
	} {
		t.Run(c.name, func(t *testing.T) {
			orders := explore(t, worlds, c.scenario, c.judge)
			t.Logf("%d orders", orders)
		})
	}
}

// twoDefinitions has a run that began before a feature was added, and one that began after.
func twoDefinitions(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	return []*process{
		{name: "old", body: func(p *process) { w.materialize(p, w.view()) }},
		{name: "new", body: func(p *process) {
			w.apply(2)
			p.gate("materialize")
			w.materialize(p, w.view())
		}},
	}
}

// newGeneration has a process that pushes, perhaps under the definition before, and one that begins a new generation.
func newGeneration(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	return []*process{
		{name: "serve", body: func(p *process) {
			pusher, view := w.pusher(p), w.view()
			p.gate("push")
			_ = w.push(pusher, view, at(11), 2)
			p.gate("roll")
			w.tell("roll: %v", pusher.Close())
		}},
		{name: "new", body: func(p *process) {
			w.apply(3)
			p.gate("materialize")
			w.materialize(p, w.view())
		}},
	}
}

// failsOnline has a store that is gone for a while.
func failsOnline(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	return []*process{
		{name: "serve", body: func(p *process) {
			pusher := w.pusher(p)
			_ = w.push(pusher, w.view(), at(11), 2)
			p.gate("end")
			w.tell("end: %v", pusher.Close())
		}},
		{name: "store", body: func(p *process) {
			w.down = true
			p.gate("is back")
			w.down = false
		}},
		{name: "run", body: func(p *process) { w.materialize(p, w.view()) }},
	}
}

// clockAhead has a machine whose clock is a year ahead for a while, and a row that arrives after.
func clockAhead(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	const year = 365 * 24 * 3600 * 1e6
	return []*process{
		{name: "clock", body: func(p *process) {
			w.clock += year
			p.gate("is right")
			w.clock = at(14)
			w.source = append(w.source, seen(at(13), 2, 200))
		}},
		{name: "run", body: func(p *process) { w.materialize(p, w.view()) }},
		{name: "serve", body: func(p *process) {
			pusher := w.pusher(p)
			_ = w.push(pusher, w.view(), w.clock, 3)
			w.tell("end: %v", pusher.Close())
		}},
	}
}

// lookUpAndPush has a key that always has a value.
func lookUpAndPush(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	if err := w.settle(); err != nil {
		w.t.Fatal(err)
	}
	return []*process{
		{name: "push", body: func(p *process) {
			w.clock++
			pusher := w.pusher(p)
			_ = w.push(pusher, w.view(), w.clock, 2)
			w.pushers = append(w.pushers, pusher)
		}},
		{name: "look-up", body: func(p *process) { w.mustFind(p) }},
	}
}

// pushAhead has pushes that lie ahead of the clock, within the skew, and a look-up meanwhile.
func pushAhead(w *world) []*process {
	w.source = append(w.source, seen(at(10), 1, 100))
	if err := w.settle(); err != nil {
		w.t.Fatal(err)
	}
	const second = 1_000_000
	return []*process{
		{name: "push", body: func(p *process) {
			pusher := w.pusher(p)
			w.pushers = append(w.pushers, pusher)
			_ = w.push(pusher, w.view(), at(12)+5*second, 2)
			_ = w.push(pusher, w.view(), at(12)+3*second, 3)
		}},
		{name: "clock", body: func(p *process) {
			for _, seconds := range []feature.Instant{4, 6} {
				w.clock = at(12) + seconds*second
				p.gate("ticks")
			}
		}},
		{name: "look-up", body: func(p *process) { w.mustFind(p) }},
	}
}

// mustFind looks shop a up, which always has a value.
func (w *world) mustFind(p *process) {
	cells, at, err := w.lookUp(w.view(), gatedStore{gated{w, p}})
	w.tell("the look-up at %s: %v %v", at, cells, err)
	if err == nil && cells[0].Status != plumbv1.Status_PRESENT {
		w.wrong = errors.Join(w.wrong, fmt.Errorf("a key that always has a value is %s", cells[0].Status))
	}
}
