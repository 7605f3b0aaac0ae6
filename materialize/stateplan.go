package materialize

import (
	"time"

	"github.com/plumbstore/plumb/compute/windows"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// statePlan says how a run makes the states of a view of the kind feature.Windows.
//
// A run that goes on reads the events after a boundary again, which is some multiple of the hops before what is
// recorded. The state of each key that has such an event is continued: its tiles up to the boundary stay, and the
// events that were read are counted behind them. The states of other keys are complete through the end of the run as
// they are. A key that has such an event and no state has no event before the boundary that can count: its state
// would be there, since states are kept for longer than that (online.StateGrace), and a store that has lost rows is
// found by its marks (loss.go).
//
// Other runs read all events that can count, and make all states anew.
type statePlan struct {
	layout  *windows.Layout
	horizon windows.Horizon
	// skew and lookback are microseconds; lookback is the view's.
	skew, lookback int64
	// continues says that states are continued that were cut at the boundary.
	continues bool
	boundary  int64
	// recorded is through when the view is recorded as complete; nil if nothing is recorded.
	recorded *int64
	// build is a number that is greater than that of every build before.
	build int64
}

// untold is what a run that goes on may end before the clock.
const untold = feature.Instant(online.StateGrace / 2 / time.Microsecond)

// newPlanOfStates is newPlan for a view of the kind feature.Windows. What is recorded of it is one interval without a
// beginning.
func newPlanOfStates(view *feature.View, request Request, recorded map[string]registry.Progress, loss Loss,
	now feature.Instant, skew time.Duration,
) (*plan, error) {
	if request.From != nil {
		return nil, fault.Inputf("from", "view %s has windows, which count all events that lie in them; leave --from out, "+
			"or name other views", view.Name)
	}
	layout, err := view.Layout()
	if err != nil {
		return nil, err
	}
	p := &plan{view: view, window: offline.Window{End: min(request.To, now)}, anew: true}
	p.states = &statePlan{layout: layout, skew: skew.Microseconds(), lookback: view.Lookback.Microseconds()}
	p.states.horizon = layout.Horizon(int64(p.window.End), p.states.skew, p.states.lookback)
	done, ok := recorded[view.Name]
	if ok = ok && done.Generation == view.Generation; ok {
		p.states.recorded = new(done.Last().End)
	}
	ok = ok && done.Rebuild == view.Rebuild && !request.Full
	lost := ok && loss != NoLoss
	if lost {
		p.note("the online store has lost rows of view %q; starting again from the beginning", view.Name)
	}
	if ok && !lost {
		if err := p.goOn(done, request, now); err != nil || p.done != nil {
			return p, err
		}
	}
	if request.To > now {
		p.note("rows later than now, %s, are left for a later window", now)
	}
	p.progress = &registry.Progress{View: view.Name, Generation: view.Generation, Rebuild: view.Rebuild,
		Intervals: []registry.Interval{{End: int64(p.window.End)}}, Replace: request.Full || lost}
	p.anew = !p.states.continues
	p.readFrom()
	return p, nil
}

// goOn plans to continue the states that are there, unless that cannot be right.
func (p *plan) goOn(done registry.Progress, request Request, now feature.Instant) error {
	first, end := done.First(), int64(p.window.End)
	if err := AheadOfClock(p.view.Name, feature.Instant(done.Last().End), now); err != nil {
		return err
	}
	lookback := request.lookback(p.view).Microseconds()
	if end < first.End || end == first.End && lookback == 0 {
		p.done = &first
		return nil
	}
	s := p.states
	switch {
	case first.Start != nil:
		return nil
	case online.NewTable(p.view, 0).Retention > 0 && now-p.window.End+feature.Instant(2*s.skew) > untold:
		p.note("the window ends more than %s before now, and the online store may have forgotten states since; all events "+
			"are read again", time.Duration(untold)*time.Microsecond)
		return nil
	case lookback > s.lookback && p.view.Aggregated.Reach() == 0:
		p.note("the lookback is longer than the view's, and windows without a beginning keep no older tiles; all events " +
			"are read again")
		return nil
	}
	s.continues, s.boundary = true, s.layout.Boundary(first.End, s.skew, lookback)
	return nil
}

// readFrom chooses where the events to read begin.
//
// Anew they begin where the longest window does at the floor. If a state may be there that is complete to an earlier
// instant, they begin there: it has to give way if its key has had events since, also if none of them counts any more.
func (p *plan) readFrom() {
	s := p.states
	start, ok := s.layout.Start(s.horizon)
	switch {
	case s.continues:
		start = s.boundary
	case !ok:
		p.window.Start = nil
		return
	case s.recorded != nil:
		start = min(start, *s.recorded)
	}
	p.window.Start = new(feature.Instant(start))
}

// makeAnew is the plan that reads everything, after one that was to go on has found that it cannot.
func (p *plan) makeAnew(why error) *plan {
	anew, states := *p, *p.states
	states.continues, anew.states, anew.notes = false, &states, nil
	anew.readFrom()
	anew.note("%s: %v", p.view.Name, why)
	return &anew
}
