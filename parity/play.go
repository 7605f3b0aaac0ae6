package parity

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	"github.com/plumbstore/plumb/materialize"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/offline"
)

// perRequest is how many label rows go into one look-up.
const perRequest = 1000

// sandboxView is a view in the sandbox.
type sandboxView struct {
	*feature.View
	states witnessStates
	// values are what the features of some rows are by the witness, by the rows' places.
	values map[int64][]witnessed
	// computed is what the witness makes of events, of a view with aggregations.
	computed *windowValues
	// stops are the ends of the windows to materialize, ascending; runs are those that were.
	stops []feature.Instant
	runs  []registry.Run
	// found is what sampling learned of the source.
	found *findings
}

// isWindowed says whether the view computes its features of events.
func (s *sandboxView) isWindowed() bool { return s.Aggregated != nil }

// interval is when a label row may be played, as far as one view is concerned: the view is materialized through an
// instant in there.
type interval struct{ from, to feature.Instant }

// moment is a label row on its way to be played. Label rows of all targets are played together, in the order of their
// instants, since all share the sandbox and its one clock.
type moment struct {
	at     feature.Instant
	target *target
	row    int
}

// joinOffline asks what training would see.
func (v *verification) joinOffline(ctx context.Context) error {
	began := v.Now()
	for _, t := range v.targets {
		request := t.joinRequest()
		request.Statuses, request.EventTimestamps, request.Progress = true, true, v.Progress
		join, err := v.Offline.PlanJoin(ctx, request)
		if err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		report, err := join.Stream(ctx, t.keep)
		if err = errors.Join(err, join.Close()); err != nil {
			return fmt.Errorf("%s: %w", t.Name, err)
		}
		if rows := int64(len(t.labels)); report.Rows != rows || int64(t.offline[0].len()) != rows {
			return fmt.Errorf("%s: the join has %d rows for %d label rows; did the label file change?", t.Name, report.Rows,
				rows)
		}
	}
	v.report.Seconds.Offline = v.since(began)
	return nil
}

// keep takes the cells out of a batch of a join's result.
func (t *target) keep(batch arrow.RecordBatch) error {
	for i, output := range t.selection.Outputs {
		values, err := columnOf(batch, output.Name)
		if err != nil {
			return err
		}
		statuses, err := columnOf(batch, output.Name+"__status")
		if err != nil {
			return err
		}
		eventOf := t.instantOf
		if stored, ok := output.From.(feature.StoredColumn); ok {
			events, err := columnOf(batch, t.selection.References[stored.Reference].Alias+"__event_timestamp")
			if err != nil {
				return err
			}
			eventOf = func(_ int, row int) feature.Instant { return timeAt(events, row) }
		}
		for row := range int(batch.NumRows()) {
			if err := t.offline[i].keep(values, statuses, eventOf(t.offline[i].len(), row), row); err != nil {
				return fmt.Errorf("%s: %w", output.Name, err)
			}
		}
	}
	return nil
}

func columnOf(batch arrow.RecordBatch, name string) (arrow.Array, error) {
	found := batch.Schema().FieldIndices(name)
	if len(found) != 1 {
		return nil, fmt.Errorf("the join has %d columns %s", len(found), name)
	}
	return batch.Column(found[0]), nil
}

// instantOf is the event time of a computed value: the instant of its label row.
func (t *target) instantOf(label, _ int) feature.Instant {
	if label >= len(t.labels) {
		return math.MinInt64
	}
	return t.labels[label].at
}

// timeAt is an event time. If there is a row but no event time, it is math.MinInt64, which nothing equals.
func timeAt(events arrow.Array, row int) feature.Instant {
	if times, ok := events.(*array.Timestamp); ok && times.IsValid(row) {
		return feature.Instant(times.Value(row))
	}
	return math.MinInt64
}

// keep appends a row of the result.
func (c *cells) keep(values, statuses arrow.Array, event feature.Instant, row int) (err error) {
	status := plumbv1.Status(plumbv1.Status_value[statuses.ValueStr(row)])
	if values.IsValid(row) {
		if c.data, err = value.AppendArrowBits(c.data, values, row); err != nil {
			return err
		}
	}
	c.add(status, event)
	return nil
}

// play materializes views and looks label rows up, in the order of their instants. Neither windows nor the store can go
// back: once a view is materialized further than a label row allows, that row cannot be played any more.
func (v *verification) play(ctx context.Context) (err error) {
	for _, view := range v.views {
		view.stops = v.stopsOf(view)
	}
	var moments []moment
	for _, t := range v.targets {
		for row := range t.labels {
			moments = append(moments, moment{t.labels[row].at, t, row})
		}
	}
	readings, err := v.read(ctx)
	defer func() { err = errors.Join(err, closeAll(readings)) }()
	if err != nil {
		return err
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	step := offline.Progress{Step: "materializing and looking up", Total: int64(len(moments))}
	v.Progress(step)
	for len(moments) > 0 {
		now := moments[0].at
		end := slices.IndexFunc(moments, func(m moment) bool { return m.at != now })
		if end < 0 {
			end = len(moments)
		}
		if err := v.advance(ctx, readings, now); err != nil {
			return err
		}
		if err := v.lookUp(ctx, now, moments[:end]); err != nil {
			return err
		}
		moments = moments[end:]
		step.Rows += int64(end)
		v.Progress(step)
	}
	return nil
}

// stopsOf are the fewest instants such that each label row's interval has one, and a few seams besides.
func (v *verification) stopsOf(view *sandboxView) []feature.Instant {
	var all []interval
	newest := map[feature.Instant]feature.Instant{}
	for _, t := range v.targets {
		for i := range t.uses {
			if t.uses[i].view != view {
				continue
			}
			for row := range t.labels {
				l := &t.labels[row]
				if tuple, ok := t.uses[i].tuple(l); ok {
					seen := view.states.at(tuple, l.at)
					all = append(all, interval{l.at, v.lastStop(view, seen, l)})
					if seen.rows > 0 {
						newest[l.at] = max(newest[l.at], seen.event)
					}
				}
			}
		}
	}
	return withSeams(stab(all), newest)
}

// lastStop is the last instant that a view may be materialized through for a label row.
//
// A state of windows can be looked up at every instant from its floor on (R27), whatever its events. So the stop is at
// most twice the skew later than the label row, and what lies between the two is left out by the look-up itself.
func (v *verification) lastStop(view *sandboxView, seen sourceState, l *label) feature.Instant {
	if !view.isWindowed() {
		return seen.end(l) - 1
	}
	return l.at + min(v.Sandbox.behind(), math.MaxInt64-l.at)
}

// behind is how long before the end of a materialization the states of windows can be looked up (R27).
func (s *Sandbox) behind() feature.Instant { return 2 * feature.Instant(s.ClockSkew.Microseconds()) }

// end is the instant before which a label row has to be played. One that is aimed at a row which became known late is
// played before that: so there is a window which ends between the two.
func (s sourceState) end(l *label) feature.Instant {
	if l.kind == AtLateRow && s.known > l.at {
		return min(s.next, s.known)
	}
	return s.next
}

// stab returns the fewest instants such that there is one in each interval. Of those that would do it takes the
// earliest, so that views are materialized no further than they have to be.
//
// For [1, 4], [2, 6] and [5, 9] these are 2 and 5. Intervals are taken by their beginnings for as long as all of them
// have an instant in common, and share the first one that they have. The next group begins with the first interval that
// does not fit.
func stab(all []interval) []feature.Instant {
	slices.SortFunc(all, func(a, b interval) int { return cmp.Compare(a.from, b.from) })
	var stops []feature.Instant
	for first := 0; first < len(all); {
		last, common := first, all[first].to
		for next := first + 1; next < len(all) && all[next].from <= common; next++ {
			last, common = next, min(common, all[next].to)
		}
		stops = append(stops, all[last].from)
		first = last + 1
	}
	return stops
}

// seams is how many windows of a view begin and end at the very event time of a row.
const seams = 8

// withSeams cuts some windows at the latest event time that a label row at their end sees: a row at a seam must be read
// by one of the two windows and not by both (R5).
func withSeams(stops []feature.Instant, newest map[feature.Instant]feature.Instant) []feature.Instant {
	var cut []feature.Instant
	left, before := min(seams, len(stops)), feature.Instant(math.MinInt64)
	for i, stop := range stops {
		// Spread: the first stop of each part that can be cut.
		wanted := left > 0 && i >= (seams-left)*len(stops)/seams
		if event, ok := newest[stop]; wanted && ok && event > before && event < stop {
			cut = append(cut, event)
			left--
		}
		cut, before = append(cut, stop), stop
	}
	return cut
}

// sharedReading reads the windows of some views, which are materialized one after the other.
type sharedReading struct {
	offline.Reading
	views []*sandboxView
}

// read deals the views out to as many readings as may be used at a time. Those that have been opened are returned also
// if there is an error.
func (v *verification) read(ctx context.Context) ([]sharedReading, error) {
	readings := make([]sharedReading, min(max(v.Parallel, 1), len(v.views)))
	for i, view := range v.views {
		shared := &readings[i%len(readings)]
		shared.views = append(shared.views, view)
	}
	for i := range readings {
		var views []*feature.View
		for _, view := range readings[i].views {
			views = append(views, view.View)
		}
		var err error
		if readings[i].Reading, err = v.Offline.Read(ctx, views); err != nil {
			return readings[:i], err
		}
	}
	return readings, nil
}

func closeAll(readings []sharedReading) error {
	var failures []error
	for _, reading := range readings {
		failures = append(failures, reading.Close())
	}
	return errors.Join(failures...)
}

// advance materializes each view through the instant, or as much further as all label rows allow.
func (v *verification) advance(ctx context.Context, readings []sharedReading, at feature.Instant) error {
	began := v.Now()
	defer func() { v.report.Seconds.Materializing += v.since(began) }()
	group, ctx := errgroup.WithContext(ctx)
	for _, reading := range readings {
		group.Go(func() error {
			for _, view := range reading.views {
				if err := v.materialize(ctx, reading, view, at); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// isBehind says whether there is a window to materialize before the instant.
func (s *sandboxView) isBehind(at feature.Instant) bool {
	done := len(s.runs)
	return done < len(s.stops) && (done == 0 || s.stops[done-1] < at)
}

// materialize runs the windows of a view one after the other, each at the instant that it ends.
func (v *verification) materialize(ctx context.Context, reading offline.Reading, view *sandboxView,
	at feature.Instant,
) error {
	for view.isBehind(at) {
		stop := view.stops[len(view.runs)]
		materializer := materialize.New(materialize.Config{
			Offline: reading, Online: v.Sandbox.Online, Ledger: v.Sandbox.Ledger, Now: stop.Time,
			Retention: v.Sandbox.Retention, ClockSkew: v.Sandbox.ClockSkew,
		})
		report, err := materializer.Run(ctx, view.View, materialize.Request{To: stop})
		if err != nil {
			return err
		}
		view.runs = append(view.runs, report.Run)
	}
	return nil
}

// lookUp asks the server at its instant for all label rows of it.
func (v *verification) lookUp(ctx context.Context, at feature.Instant, moments []moment) error {
	began := v.Now()
	defer func() { v.report.Seconds.LookingUp += v.since(began) }()
	v.Sandbox.Clock.set(at)
	for len(moments) > 0 {
		t := moments[0].target
		var rows []int
		for _, m := range moments {
			if m.target != t || len(rows) == perRequest {
				break
			}
			rows = append(rows, m.row)
		}
		moments = moments[len(rows):]
		request, err := t.request(rows)
		if err != nil {
			return err
		}
		response, err := v.Sandbox.Client.GetOnlineFeatures(ctx, request)
		if err != nil {
			return fmt.Errorf("look up %s at %s: %w", t.Name, at, err)
		}
		if err := t.compare(rows, response.GetColumns()); err != nil {
			return fmt.Errorf("look up %s at %s: %w", t.Name, at, err)
		}
	}
	return nil
}

func (t *target) request(rows []int) (*plumbv1.GetOnlineFeaturesRequest, error) {
	request := &plumbv1.GetOnlineFeaturesRequest{
		FullNames: t.fullNames, EventTimestamps: true,
		Selection: &plumbv1.GetOnlineFeaturesRequest_FeatureService{FeatureService: t.Service},
	}
	if t.Service == "" {
		request.Selection = &plumbv1.GetOnlineFeaturesRequest_Features{
			Features: &plumbv1.FeatureList{References: t.Features}}
	}
	return request, t.addColumns(request, rows)
}

func (v *verification) since(began time.Time) float64 { return v.Now().Sub(began).Seconds() }
