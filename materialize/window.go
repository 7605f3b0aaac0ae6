package materialize

import (
	"fmt"
	"math"
	"time"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// Request asks for the window (From, To] of event times (R5).
type Request struct {
	// To is the end of the window, inclusive. It is taken as now where it is later (R15).
	To store.Instant
	// From is the start, exclusive. Where nil, the window starts at the view's recorded end, and has no beginning where
	// there is none.
	From *store.Instant
	// Lookback, where not nil, stands for the view's own: how far before the recorded end the window starts, so that rows
	// that arrived after their window was done still reach the store. It counts where From is nil.
	Lookback *time.Duration
	// Full ignores what is recorded and replaces it: the window starts at From, or has no beginning. It brings back what
	// an online store has lost.
	Full bool
	// MaxFailed is how many rows of a view may have values that do not fit; they are left out. Where more fail, so does
	// the run: with no row written, but for what only packing finds out, such as a row that is too long.
	MaxFailed int64
}

// plan is what a run over one view will do.
type plan struct {
	view   *registry.View
	window store.Window
	// progress is what to record once the window is done; nil leaves the record as it is.
	progress *registry.Progress
	notes    []string
	// anew says that nothing which was materialized before counts: rows that are still in a write-ahead file of the
	// view's push log may be in no table that is read.
	anew bool
	// empty says that the window holds no instant.
	empty bool
}

// newPlan applies R5 and R15: it chooses the window, and what will have been materialized once it is done.
func newPlan(view *registry.View, request Request, recorded map[string]registry.Progress, now store.Instant) (
	*plan, error,
) {
	if request.From != nil && *request.From > request.To {
		return nil, registry.Inputf("from", "%s is later than the window's end %s; give an earlier one",
			*request.From, request.To)
	}
	p := &plan{view: view, window: store.Window{Start: request.From, End: request.To}, anew: true}
	done, ok := recorded[view.Name]
	ok = ok && done.Generation == view.Generation && done.Rebuild == view.Rebuild && !request.Full
	if ok {
		if err := AheadOfClock(view.Name, store.Instant(done.End), now); err != nil {
			return nil, err
		}
	}
	if ok && request.From == nil {
		p.window.Start = new(lookedBack(done, request.lookback(view)))
	}
	if p.window.End > now {
		p.window.End = now
		p.note("rows later than now, %s, are left for a later window", now)
	}
	if p.window.Start != nil && *p.window.Start >= p.window.End {
		p.empty = true
		p.note("nothing to do: view %q is asked for after %s up to %s, which holds no instant", view.Name,
			*p.window.Start, p.window.End)
		return p, nil
	}
	p.progress = &registry.Progress{
		View:       view.Name,
		Generation: view.Generation,
		Rebuild:    view.Rebuild,
		Start:      (*int64)(p.window.Start),
		End:        int64(p.window.End),
		Replace:    request.Full,
	}
	if ok {
		p.anew = false
		p.join(done)
	}
	return p, nil
}

func (r Request) lookback(view *registry.View) time.Duration {
	if r.Lookback != nil {
		return *r.Lookback
	}
	return view.Lookback
}

// lookedBack is the instant so long before the recorded end, and not before the recorded start, where all before it was
// left out on purpose.
func lookedBack(done registry.Progress, lookback time.Duration) store.Instant {
	start := done.End - lookback.Microseconds()
	if start > done.End { // Beyond what an instant holds.
		start = math.MinInt64
	}
	if done.Start != nil {
		start = max(start, *done.Start)
	}
	return store.Instant(start)
}

// join unites the window with what has been done already. What is recorded is one window without gaps, so a window that
// does not touch it is written but not recorded.
func (p *plan) join(done registry.Progress) {
	switch window := p.progress; {
	case window.Start != nil && *window.Start > done.End:
		p.progress = nil
		p.note("the window after %s up to %s of view %q is still missing: the recorded end stays, and the next run "+
			"without a start begins there", store.Instant(done.End), *p.window.Start, p.view.Name)
	case done.Start != nil && window.End < *done.Start:
		p.progress = nil
		p.note("the window after %s up to %s of view %q is still missing: the recorded window still begins at its end",
			p.window.End, store.Instant(*done.Start), p.view.Name)
	default:
		window.End = max(window.End, done.End)
		if window.Start != nil && (done.Start == nil || *done.Start < *window.Start) {
			window.Start = done.Start
		}
	}
}

func (p *plan) note(format string, args ...any) {
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

// run is the ledger's entry for the plan at its start.
func (p *plan) run(now time.Time) registry.Run {
	return registry.Run{
		Project:    p.view.Project,
		View:       p.view.Name,
		Generation: p.view.Generation,
		Start:      (*int64)(p.window.Start),
		End:        int64(p.window.End),
		StartedAt:  now,
		Outcome:    registry.Running,
	}
}
