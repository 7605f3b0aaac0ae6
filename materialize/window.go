package materialize

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// Request asks for the window (From, To] of event times (R5).
type Request struct {
	// To is the end of the window, inclusive. An end later than now is taken as now (R15).
	To feature.Instant
	// From is the start, exclusive, and before To. If nil, the window starts at the end of the first of the view's
	// recorded intervals, and has no beginning if there is none.
	From *feature.Instant
	// Lookback, if not nil, replaces the view's own: how far before that end the window starts, so that rows that arrived
	// after their window was done still reach the store. It applies if From is nil.
	Lookback *time.Duration
	// Full ignores what is recorded and replaces it: the window starts at From, or has no beginning.
	Full bool
	// MaxFailed is how many rows of a view may have values that do not fit; they are left out. If more fail, the run
	// fails: with no row written, except for failures that only packing finds, such as a row that is too long.
	MaxFailed int64
}

// plan is what a run over one view will do.
type plan struct {
	view   *feature.View
	window offline.Window
	// progress is what to record once the window is done.
	progress *registry.Progress
	notes    []string
	// anew says that nothing which was materialized before counts: rows that are still in a write-ahead file of the
	// view's push log may be in no table that is read.
	anew bool
	// countBefore asks for the number of rows before the window, since nothing recorded says that they were left out.
	countBefore bool
	// done, if not nil, is the interval that leaves nothing to do.
	done *registry.Interval
	// states says how the states of a view of the kind feature.Windows are made; nil for other views.
	states *statePlan
	// part is the shard that is done, and keeping keeps its lease; nil unless the run is divided.
	part    *offline.Part
	keeping *keeping
}

// newPlan applies R5 and R15: it chooses the window, and says what the record then lacks. If the store has lost rows,
// the record only says where to begin again.
//
// For example, with To at 12:00 and a clock beyond that:
//
//	recorded                          asked for          window
//	nothing                           -                  up to 12:00, without a beginning
//	up to 10:00                       -                  (10:00, 12:00]
//	up to 10:00                       lookback of 1h     (09:00, 12:00]
//	up to 10:00, (11:00, 11:30]       -                  (10:00, 12:00], which fills the gap
//	up to 12:00                       -                  none: there is nothing to do
//	(08:00, 10:00], rows are lost     -                  (08:00, 12:00], in place of what is recorded
func newPlan(view *feature.View, request Request, recorded map[string]registry.Progress, loss Loss,
	now feature.Instant,
) (*plan, error) {
	p := &plan{view: view, window: offline.Window{Start: request.From, End: min(request.To, now)}, anew: true}
	if err := request.check(now); err != nil {
		return nil, err
	}
	done, ok := recorded[view.Name]
	ok = ok && done.Generation == view.Generation && done.Rebuild == view.Rebuild && !request.Full
	lost := ok && loss != NoLoss
	if lost {
		ok = false
		if err := p.beginAgain(done.First()); err != nil {
			return nil, err
		}
	}
	if ok {
		if err := AheadOfClock(view.Name, feature.Instant(done.Last().End), now); err != nil {
			return nil, err
		}
	}
	if ok && request.From == nil {
		p.window.Start = new(lookedBack(done.First(), request.lookback(view)))
	}
	if p.window.Start != nil && *p.window.Start >= p.window.End {
		p.done = new(done.First())
		return p, nil
	}
	if request.To > now {
		p.note("rows later than now, %s, are left for a later window", now)
	}
	p.progress = &registry.Progress{
		View:       view.Name,
		Generation: view.Generation,
		Rebuild:    view.Rebuild,
		Intervals:  []registry.Interval{{Start: (*int64)(p.window.Start), End: int64(p.window.End)}},
		Replace:    request.Full || lost,
	}
	if ok {
		p.anew = false
		p.sayGaps(done, request.From == nil)
	}
	p.countBefore = !ok && !lost && p.window.Start != nil
	return p, nil
}

// beginAgain makes the window begin no later than what was materialized before it was lost.
func (p *plan) beginAgain(first registry.Interval) error {
	start := (*feature.Instant)(first.Start)
	if p.window.Start == nil || start == nil || *start < *p.window.Start {
		p.window.Start = start
	}
	if start = p.window.Start; start != nil && *start >= p.window.End {
		return &fault.PreconditionError{Message: fmt.Sprintf("the online store has lost rows of view %q, which was "+
			"materialized after %s; give an end later than that to bring them back", p.view.Name, *start)}
	}
	from := "the beginning"
	if start != nil {
		from = start.String()
	}
	p.note("the online store has lost rows of view %q; starting again from %s", p.view.Name, from)
	return nil
}

// check refuses a start that is not before the end. If no start is asked for, there may be nothing to do.
func (r Request) check(now feature.Instant) error {
	switch {
	case r.From == nil:
		return nil
	case *r.From >= r.To:
		return fault.Inputf("from", "%s is not before the window's end %s, so the window holds no instant; give an "+
			"earlier start, or leave it out to go on where each view's last run ended", *r.From, r.To)
	case *r.From >= now:
		return fault.Inputf("from", "%s is not before now, %s; rows later than now are left for a later window", *r.From,
			now)
	}
	return nil
}

func (r Request) lookback(view *feature.View) time.Duration {
	if r.Lookback != nil {
		return *r.Lookback
	}
	return view.Lookback
}

// lookedBack is the instant that is the lookback before the end of what is done without a gap. It is not before the
// start of what is done, since everything before that start was left out on purpose.
func lookedBack(done registry.Interval, lookback time.Duration) feature.Instant {
	start := done.End - lookback.Microseconds()
	if start > done.End { // Beyond what an instant holds.
		start = math.MinInt64
	}
	if done.Start != nil {
		start = max(start, *done.Start)
	}
	return feature.Instant(start)
}

// sayGaps names the gap that the run goes on at, and those that it leaves.
func (p *plan) sayGaps(done registry.Progress, goesOn bool) {
	if gaps := registry.Gaps(done.Intervals); goesOn && len(gaps) > 0 {
		p.note("the window after %s was missing, although later ones are done; this run begins there",
			between(gaps[:1]))
	}
	after := registry.Gaps(registry.United(slices.Concat(done.Intervals, p.progress.Intervals)))
	if len(after) > 0 {
		p.note("still missing: after %s; a run without --from begins there", between(after))
	}
}

// between names gaps, a few of many.
func between(gaps []registry.Interval) string {
	const most = 3
	var texts []string
	for _, gap := range gaps[:min(len(gaps), most)] {
		texts = append(texts, fmt.Sprintf("%s up to %s", feature.Instant(*gap.Start), feature.Instant(gap.End)))
	}
	text := strings.Join(texts, ", after ")
	if more := len(gaps) - most; more > 0 {
		text += fmt.Sprintf(", and %d more", more)
	}
	return text
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
