package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// RandomWindowedWorlds is RandomWorlds of worlds that have views with aggregations. They are looked at through the
// end of the last window, at which online has the bits of offline, and besides at later instants and before the end.
func (p Parity) RandomWindowedWorlds(t *testing.T) {
	folder := t.TempDir()
	engine := p.Offline.Start(t, folder, 2)
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		prefix := fmt.Sprintf("data/%d", number)
		defer os.RemoveAll(filepath.Join(folder, prefix))
		world := DrawWindowedWorld(t, folder, prefix, true)
		world.Project = fmt.Sprintf("windowed%d", number)
		question := DrawQuestion(t, world, prefix)
		end := drawAround(t, world.Histories[world.Definitions.GetFeatureViews()[0].GetName()])
		run := run{p, world, engine}
		question = question.at(end)
		writeAll(t, world, question)
		if err := run.materializeThrough(t, end); err != nil {
			t.Fatalf("%v\n%s", err, world.Describe(nil))
		}
		if err := run.holdWindows(t, question, end); err != nil {
			t.Fatalf("through %s: %v\n%s", end, err, world.Describe(&question))
		}
	})
}

// AggregatedCases is Cases for the case files of views with aggregations.
func (p Parity) AggregatedCases(t *testing.T) {
	folder := t.TempDir()
	engine := p.Offline.Start(t, folder, 2)
	aggregated := slices.DeleteFunc(readAllCases(t, folder), func(c *Case) bool { return !c.World.servable() })
	for number, c := range aggregated {
		c.World.Project = fmt.Sprintf("windowedcase%d", number)
		t.Run(c.Name, func(t *testing.T) {
			if err := c.World.Write(); err != nil {
				t.Fatal(err)
			}
			for _, join := range c.Joins {
				if join.Fails == nil && !join.Question.AsKnown {
					run{p, c.World, engine}.holdJoin(t, join.Question)
				}
			}
		})
	}
}

// servable says whether the world has views with aggregations, all of which an online store may have: windows of an
// exact hop are offline alone.
func (w *World) servable() bool {
	return w.aggregates() && !slices.ContainsFunc(w.Definitions.GetFeatureViews(), func(v *plumbv1.FeatureView) bool {
		return slices.ContainsFunc(v.GetAggregations(), func(a *plumbv1.Aggregation) bool { return a.GetHop() == "exact" })
	})
}

func (r run) materializeThrough(t *rapid.T, end feature.Instant) error {
	snapshot, err := r.world.Snapshot()
	if err != nil {
		return err
	}
	for _, view := range snapshot.Views() {
		for _, window := range windowsTo(DrawWindows(t, r.world.Histories[view.Name]), end) {
			if err := r.Materialize(context.Background(), r.offline, view, window); err != nil {
				return fmt.Errorf("materializing %s over %s: %w", view.Name, showWindow(window), err)
			}
		}
	}
	return nil
}

// holdWindows compares online with the reference at the end of what is materialized, and with what offline says, bit
// for bit; and then at other instants with what the reference says of the rows through the end.
func (r run) holdWindows(t *rapid.T, question Question, end feature.Instant) error {
	if err := r.hold(t, question, end); err != nil {
		return err
	}
	if err := r.holdBits(t, question, end); err != nil {
		return err
	}
	through := r
	through.world = r.world.through(end)
	for range 3 {
		later := end + rapid.SampledFrom([]feature.Instant{
			1, aMinute - 1, aMinute, 5 * aMinute, 60 * aMinute, 60*aMinute + 1, 24 * 60 * aMinute, 400 * 24 * 60 * aMinute,
		}).Draw(t, "later by")
		if err := through.holdOnline(t, question.at(later), later); err != nil {
			return fmt.Errorf("at the later %s: %w", later, err)
		}
	}
	before := end - rapid.SampledFrom([]feature.Instant{1, aMinute, 24 * 60 * aMinute}).Draw(t, "before by")
	if err := r.holdBefore(t, question, before); err != nil {
		return fmt.Errorf("at the earlier %s: %w", before, err)
	}
	return nil
}

// holdBits compares the features of views with aggregations online with those offline: those too that the reference
// knows only nearly.
func (r run) holdBits(t rapid.TB, question Question, end feature.Instant) error {
	if question.Labels.rows() == 0 {
		return nil
	}
	selection, err := r.world.Select(question)
	if err != nil {
		return err
	}
	offline, _, err := r.world.ask(context.Background(), r.offline, question, "")
	if err != nil {
		return err
	}
	answer, err := r.lookUp(t, selection, question, end)
	if err != nil {
		return err
	}
	var found []error
	for i, output := range selection.Outputs {
		at := slices.Index(offline.Names, output.Name)
		cells := Cells(answer.GetColumns()[i])
		for row := range offline.Rows {
			if got := cells[min(row, len(cells)-1)].Value; !SameValue(got, offline.Rows[row][at]) {
				found = append(found, fmt.Errorf("row %d of %q: online says %s, and offline %s", row, output.Name, Show(got),
					Show(offline.Rows[row][at])))
			}
		}
	}
	return errors.Join(found...)
}

// through is the world without the rows after an instant, as what is materialized through it shows.
func (w *World) through(end feature.Instant) *World {
	cut := *w
	cut.Histories = map[string]*History{}
	for name, history := range w.Histories {
		before := *history
		before.Rows = slices.DeleteFunc(slices.Clone(history.Rows), func(row SourceRow) bool {
			return row.Event != nil && *row.Event > end
		})
		cut.Histories[name] = &before
	}
	return &cut
}

// holdBefore looks views with aggregations up before the end of what is materialized. The answer for a key is that of
// offline then, or NOT_FOUND for all its features if the state has passed the instant (R27).
func (r run) holdBefore(t rapid.TB, question Question, at feature.Instant) error {
	question.References = slices.DeleteFunc(slices.Clone(question.References), func(u *plumbv1.ViewReference) bool {
		history := r.world.Histories[u.GetView()]
		return history == nil || history.Aggregated == nil
	})
	// Of states that are ahead of its clock a store keeps several, and an instant between them sees the earlier one.
	now := time.Now() //nolint:forbidigo // Stores read the same clock.
	if len(question.References) == 0 || question.Labels.rows() == 0 || at.Time().After(now) {
		return nil
	}
	question = question.at(at)
	selection, err := r.world.Select(question)
	if err != nil {
		return err
	}
	answer, err := r.lookUp(t, selection, question, at)
	if err != nil {
		return err
	}
	var found []string
	for i, reference := range selection.References {
		seen, err := r.world.look(reference, question)
		if err != nil {
			return err
		}
		for row := range seen {
			if !isAbsent(answer, selection, i, row) {
				continue
			}
			seen[row] = Sighting{Status: plumbv1.Status_NOT_FOUND}
		}
		for output, wanted := range selection.Stored() {
			if wanted.Reference == i {
				found = append(found, onlineDifferences(answer.GetColumns()[output], wanted, seen)...)
			}
		}
	}
	return differ(found)
}

// extentProblem says what is wrong with what online tells of the events in the longest window, which are given by time.
// It may leave the number open, and tell an instant before the first of them instead of its time.
func extentProblem(got *plumbv1.ViewProvenance, row int, events []countedEvent) string {
	const untold = -1
	count, told := int64(len(events)), got.GetEvents()[row]
	earliest := feature.Instant(got.GetEarliestTimestamps()[row])
	kind := plumbv1.ViewProvenance_Earliest(got.GetEarliest()[row])
	ok := true
	switch kind {
	case plumbv1.ViewProvenance_EARLIEST_EVENT:
		ok = count > 0 && earliest == events[0].at
	case plumbv1.ViewProvenance_EARLIEST_TILE:
		ok = count > 0 && earliest < events[0].at
	}
	if ok && (told == count || told == untold && count > 0) {
		return ""
	}
	return fmt.Sprintf("online tells %d events, %s %s, and these count: %v", told, kind, earliest, events)
}

// isAbsent says whether every feature of a use of a view is NOT_FOUND in a row.
func isAbsent(answer *plumbv1.GetOnlineFeaturesResponse, selection *feature.Selection, reference, row int) bool {
	for output, stored := range selection.Stored() {
		if stored.Reference != reference {
			continue
		}
		statuses := answer.GetColumns()[output].GetStatuses()
		if plumbv1.Status(statuses[min(row, len(statuses)-1)]) != plumbv1.Status_NOT_FOUND {
			return false
		}
	}
	return true
}
