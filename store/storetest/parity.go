package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/lookup"
	"github.com/plumbstore/plumb/store/offline"
	"github.com/plumbstore/plumb/store/online"
)

// Parity checks an online store, together with the way in which rows come there, against R17: with materialization
// complete through T, what online answers at T is what offline answers for a label at T, which is what the reference
// says.
type Parity struct {
	Offline Offline
	Online  online.Store
	// Materialize brings a window of a view online, at the instant of the window's end. Windows of a view are consecutive.
	// Nothing that it stores may be forgotten for a day.
	Materialize func(ctx context.Context, offline offline.Store, view *feature.View, window offline.Window) error
	// LookUp asks for a question's references at an instant, with event times and provenance. If nil, a lookup.Lookup asks
	// Online. With it, a server is checked against R17 too.
	LookUp func(world *World, question Question, keys []*plumbv1.KeyColumn, inputs []*plumbv1.InputColumn,
		at feature.Instant) (*plumbv1.GetOnlineFeaturesResponse, error)
}

// run is one world on its way online.
type run struct {
	Parity
	world   *World
	offline offline.Store
}

// RandomWorlds materializes random worlds in random consecutive windows and looks at them through the end of the last.
func (p Parity) RandomWorlds(t *testing.T) {
	folder := t.TempDir()
	engine := p.Offline.Start(t, folder, 2)
	number := 0
	rapid.Check(t, func(t *rapid.T) {
		number++
		prefix := fmt.Sprintf("data/%d", number)
		defer os.RemoveAll(filepath.Join(folder, prefix))
		world := DrawWorld(t, folder, prefix)
		world.Project = fmt.Sprintf("random%d", number)
		question := DrawQuestion(t, world, prefix)
		view := rapid.SampledFrom(world.Definitions.GetFeatureViews()).Draw(t, "view of the end")
		end := drawAround(t, world.Histories[view.GetName()])
		run := run{p, world, engine}
		question = question.at(end)
		writeAll(t, world, question)
		if err := run.materialize(func(history *History) []offline.Window {
			return windowsTo(DrawWindows(t, history), end)
		}); err != nil {
			t.Fatalf("%v\n%s", err, world.Describe(nil))
		}
		if err := run.hold(t, question, end); err != nil {
			t.Fatalf("at %s: %v\n%s", end, err, world.Describe(&question))
		}
	})
}

// Cases runs the case files, but for those of views with aggregations: every view is materialized through one label's
// instant after the other, and looked at there.
func (p Parity) Cases(t *testing.T) {
	folder := t.TempDir()
	engine := p.Offline.Start(t, folder, 2)
	plain := slices.DeleteFunc(readAllCases(t, folder), func(c *Case) bool { return c.World.aggregates() })
	for number, c := range plain {
		c.World.Project = fmt.Sprintf("case%d", number)
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

func (r run) holdJoin(t *testing.T, question Question) {
	times, err := question.column(question.TimeColumn)
	if err != nil {
		t.Fatal(err)
	}
	var instants []feature.Instant
	for _, at := range times {
		instants = append(instants, at.(feature.Instant))
	}
	slices.Sort(instants)
	var start *feature.Instant
	for _, at := range slices.Compact(instants) {
		window := offline.Window{Start: start, End: at}
		if err := r.materialize(func(*History) []offline.Window { return []offline.Window{window} }); err != nil {
			t.Fatal(err)
		}
		start = &at
		then := question.at(at)
		labels := then.Labels
		labels.Path = filepath.Join(r.world.Folder, labels.Path)
		if err := labels.Write(); err != nil {
			t.Fatal(err)
		}
		if err := r.hold(t, then, at); err != nil {
			t.Errorf("at %s: %v", at, err)
		}
	}
}

func (r run) materialize(windows func(*History) []offline.Window) error {
	snapshot, err := r.world.Snapshot()
	if err != nil {
		return err
	}
	for _, view := range snapshot.Views() {
		for _, window := range windows(r.world.Histories[view.Name]) {
			if err := r.Materialize(context.Background(), r.offline, view, window); err != nil {
				return fmt.Errorf("materializing %s over %s: %w", view.Name, showWindow(window), err)
			}
		}
	}
	return nil
}

// windowsTo ends consecutive windows at an instant.
func windowsTo(windows []offline.Window, end feature.Instant) []offline.Window {
	var before []offline.Window
	for _, window := range windows {
		if window.End < end {
			before = append(before, window)
		}
	}
	last := offline.Window{End: end}
	if len(before) > 0 {
		last.Start = new(before[len(before)-1].End)
	}
	return append(before, last)
}

// at is the question with every label at one instant, and asking for all that can be compared.
func (q Question) at(instant feature.Instant) Question {
	q.AsKnown, q.Statuses, q.EventTimestamps, q.Provenance = false, true, true, true
	q.Labels.Columns = slices.Clone(q.Labels.Columns)
	q.Labels.stored = nil
	for i, column := range q.Labels.Columns {
		if column.Name == q.TimeColumn {
			q.Labels.Columns[i] = Column{
				Name: column.Name, Form: arrow.FixedWidthTypes.Timestamp_us,
				Values: slices.Repeat([]any{instant}, len(column.Values)),
			}
		}
	}
	return q
}

// hold compares online and offline with the reference.
func (r run) hold(t rapid.TB, question Question, at feature.Instant) error {
	if err := r.world.check(context.Background(), r.offline, question, ""); err != nil {
		return fmt.Errorf("offline: %w", err)
	}
	return r.holdOnline(t, question, at)
}

// holdOnline compares online with the reference.
func (r run) holdOnline(t rapid.TB, question Question, at feature.Instant) error {
	if question.Labels.rows() == 0 {
		return nil // Online has no answer to no rows.
	}
	selection, err := r.world.Select(question)
	if err != nil {
		return err
	}
	answer, err := r.lookUp(t, selection, question, at)
	if err != nil {
		return fmt.Errorf("online: %w", err)
	}
	columns := answer.GetColumns()
	if len(answer.GetProvenance()) != len(selection.References) {
		return fmt.Errorf("online tells the provenance of %d uses of views, want %d", len(answer.GetProvenance()),
			len(selection.References))
	}
	var found []string
	for i, reference := range selection.References {
		seen, err := r.world.look(reference, question)
		if err != nil {
			return err
		}
		for output, wanted := range selection.Stored() {
			if wanted.Reference == i {
				found = append(found, onlineDifferences(columns[output], wanted, seen)...)
			}
		}
		found = append(found, provenanceDifferences(answer.GetProvenance()[i], reference, seen, at)...)
	}
	outcomes, _, err := r.world.outcomes(selection, question)
	if err != nil {
		return err
	}
	for i, output := range selection.Outputs {
		if from, ok := output.From.(feature.ComputedColumn); ok {
			wanted := outcomes[from.Computation][from.Feature]
			found = append(found, computedDifferences(columns[i], output.Name, wanted, at)...)
		}
	}
	return differ(found)
}

// computedDifferences compares a computed output, whose event time is the instant that was asked for.
func computedDifferences(column *plumbv1.FeatureColumn, name string, outcomes []Outcome, at feature.Instant) []string {
	var wanted []Cell
	for _, outcome := range outcomes {
		wanted = append(wanted, Cell{Value: outcome.Value, Status: outcome.Status(), Event: at})
	}
	return cellDifferences(column, name, wanted)
}

// lookUp asks for the keys and request inputs of all label rows. Without any of them there is one row, which every
// label sees (R12).
func (r run) lookUp(t rapid.TB, selection *feature.Selection, question Question, at feature.Instant) (
	*plumbv1.GetOnlineFeaturesResponse, error,
) {
	prepared, err := lookup.New(selection)
	if err != nil {
		return nil, err
	}
	var tuples [][]any
	for row := range question.Labels.rows() {
		var tuple []any
		for _, key := range prepared.Keys() {
			values, err := question.column(key.Name)
			if err != nil {
				return nil, err
			}
			tuple = append(tuple, values[row])
		}
		tuples = append(tuples, tuple)
	}
	keys := KeyColumns(t, prepared.Keys(), tuples...)
	var inputs []*plumbv1.InputColumn
	for _, field := range prepared.Inputs() {
		values, err := question.column(field.Name)
		if err != nil {
			return nil, err
		}
		column := &plumbv1.InputColumn{Name: field.Name}
		column.Values, column.Nulls = value.ToWire(field.Type, values)
		inputs = append(inputs, column)
	}
	if r.LookUp != nil {
		return r.LookUp(r.world, question, keys, inputs, at)
	}
	reply, err := prepared.Reply(context.Background(), r.Online, lookup.Request{Keys: keys, Inputs: inputs, At: at,
		EventTimestamps: true, Provenance: true})
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	return reply.Message()
}

// provenanceDifferences compares what online reports of the rows themselves. They are the same offline, if trace has
// them.
func provenanceDifferences(got *plumbv1.ViewProvenance, reference feature.Reference, seen []Sighting,
	at feature.Instant,
) []string {
	var found []string
	differ := func(row int, what string, got, want any) {
		if got != want {
			found = append(found, fmt.Sprintf("row %d of %s: online tells %s %v, want %v", row, reference.Alias, what, got,
				want))
		}
	}
	for row, sighting := range seen {
		place := min(row, len(got.GetOrigins())-1)
		origin := plumbv1.ViewProvenance_Origin(got.GetOrigins()[place])
		if differ(row, "hash", feature.DefinitionHash(got.GetDefinitionHash()), reference.View.Hash); sighting.Row == nil {
			differ(row, "origin", origin, plumbv1.ViewProvenance_NO_ROW)
			continue
		}
		differ(row, "origin", origin, plumbv1.ViewProvenance_RUN)
		differ(row, "event time", feature.Instant(got.GetEventTimestamps()[place]), *sighting.Row.Event)
		created := len(got.GetCreatedNulls()) == 0 || got.GetCreatedNulls()[place] == 0
		if differ(row, "a created time", created, sighting.Row.Created != nil); created && sighting.Row.Created != nil {
			differ(row, "created time", feature.Instant(got.GetCreatedTimestamps()[place]), *sighting.Row.Created)
		}
		differ(row, "age", got.GetAgeMicros()[place], ageOf(*sighting.Row.Event, at))
		if reference.View.Kind == feature.Windows {
			if problem := extentProblem(got, place, sighting.Events); problem != "" {
				found = append(found, fmt.Sprintf("row %d of %s: %s", row, reference.Alias, problem))
			}
		}
	}
	return found
}

func onlineDifferences(column *plumbv1.FeatureColumn, output feature.StoredOutput, seen []Sighting) []string {
	var wanted []Cell
	for _, sighting := range seen {
		wanted = append(wanted, sighting.Cell(output.Feature))
	}
	return cellDifferences(column, output.Name, wanted)
}

func cellDifferences(column *plumbv1.FeatureColumn, name string, wanted []Cell) []string {
	cells := Cells(column)
	var found []string
	if column.GetName() != name {
		found = append(found, fmt.Sprintf("online calls %q what is %q", column.GetName(), name))
	}
	for row, want := range wanted {
		if got := cells[min(row, len(cells)-1)]; !got.Same(want) {
			found = append(found, fmt.Sprintf("row %d of %q: online says %s, want %s", row, name, got, want))
		}
	}
	return found
}

// Cell is how an online answer reports a feature of a sighting (R13).
func (s Sighting) Cell(f int) Cell {
	var cell Cell
	if cell.Value, cell.Status = s.Value(f); cell.Status != plumbv1.Status_NOT_FOUND {
		cell.Event = *s.Row.Event
	}
	return cell
}
