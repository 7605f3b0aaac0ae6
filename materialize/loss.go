package materialize

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/packed"
)

// Loss is what the online store has lost of a view's rows. The loss of single rows cannot be detected.
type Loss int

// The losses.
const (
	// NoLoss says that none is known.
	NoLoss Loss = iota
	// LastRuns says that the table is as it was before the last run, or several, as after a restart from an old snapshot.
	LastRuns
	// AllRows says that the table is not the one that was materialized: it is gone, or a run has begun it anew and has not
	// ended.
	AllRows
)

// lossOf compares what is recorded of a view with the marks of its table. A record without a birth was written by a
// version that set no marks, so nothing can be concluded from it.
//
// For example:
//
//	recorded           in the table        loss
//	birth 7, mark 12   birth 7, mark 12    NoLoss
//	birth 7, mark 12   birth 7, mark 13    NoLoss: a run has just ended and is not recorded yet
//	birth 7, mark 12   birth 7, mark 9     LastRuns: the store came back from a snapshot
//	birth 7, mark 12   none                AllRows: the store was flushed
//	birth 7, mark 12   birth 15            AllRows: another run is bringing the rows back
func lossOf(recorded registry.Progress, marks online.Marks) Loss {
	switch {
	case recorded.Birth == 0:
		return NoLoss
	case marks.Birth != recorded.Birth:
		return AllRows
	case marks.Progress < recorded.Mark:
		return LastRuns
	}
	return NoLoss
}

// Records is what Losses needs of a registry.Ledger.
type Records interface {
	Recorded(ctx context.Context, project string) (map[string]registry.Progress, error)
}

// Losses returns what the online store has lost of the views of a project, by name. It reads the marks of all views at
// once, and changes nothing.
//
// The records are read before the marks. A run marks the table before it is recorded, so marks that are read later are
// at least as new as the records, and a run that ends in between is not taken for a loss.
func Losses(ctx context.Context, records Records, store online.Reader, project string, views []*feature.View) (
	map[string]Loss, error,
) {
	recorded, err := recordedOf(ctx, records, project)
	if err != nil {
		return nil, err
	}
	var tables []online.Table
	var names []string
	for _, view := range views {
		if done, ok := recorded[view.Name]; ok && view.Online && done.Generation == view.Generation && done.Birth != 0 {
			tables, names = append(tables, online.NewTable(view, 0)), append(names, view.Name)
		}
	}
	losses := map[string]Loss{}
	if len(tables) == 0 {
		return losses, nil
	}
	marks, err := online.ReadMarks(ctx, store, tables...)
	if err != nil {
		return nil, err
	}
	for i, name := range names {
		if loss := lossOf(recorded[name], marks[i]); loss != NoLoss {
			losses[name] = loss
		}
	}
	if len(losses) == 0 {
		return losses, nil
	}
	// What was materialized or torn down between the two reads is no loss.
	now, err := recordedOf(ctx, records, project)
	maps.DeleteFunc(losses, func(name string, _ Loss) bool {
		return now[name].Birth != recorded[name].Birth || now[name].Mark != recorded[name].Mark
	})
	return losses, err
}

func recordedOf(ctx context.Context, records Records, project string) (map[string]registry.Progress, error) {
	recorded, err := records.Recorded(ctx, project)
	if err != nil {
		return nil, fmt.Errorf("read what was materialized: %w", err)
	}
	return recorded, nil
}

// errLostMeanwhile says that the table is no longer the one that the run began to write to. Another run that began it
// anew at the very same moment looks the same.
var errLostMeanwhile = errors.New("the online store has lost rows while the run was writing them")

// marking sets the marks of one run's table.
type marking struct {
	*Materializer
	view  *feature.View
	table online.Table
	// recorded is the birth that is recorded; 0 if none is.
	recorded int64
	// found are the marks that were there before the run, and loss what they tell.
	found online.Marks
	loss  Loss
	// birth is that of the table that the run writes to.
	birth  int64
	origin packed.Origin
}

// newMarking looks at a view's table. done is what is recorded of the view, and empty if nothing is.
func (m *Materializer) newMarking(ctx context.Context, view *feature.View, done registry.Progress) (*marking, error) {
	found := &marking{Materializer: m, view: view, table: online.NewTable(view, 0), recorded: done.Birth}
	marks, err := online.ReadMarks(ctx, m.config.Online, found.table)
	if err != nil {
		return found, err
	}
	found.found, found.loss = marks[0], lossOf(done, marks[0])
	return found, nil
}

// begin makes sure that the table has a birth before the first row is written. One that is not what is recorded and was
// drawn later is that of a run which brings back what was lost, and stands for this run too.
func (m *marking) begin(ctx context.Context, run int64) error {
	m.origin, m.birth = packed.RunOrigin(run), m.found.Birth
	if m.birth != 0 && m.loss == NoLoss || m.birth > m.recorded {
		return nil
	}
	number, err := m.next(ctx, m.recorded)
	if err != nil {
		return err
	}
	if err := online.WriteBirth(ctx, m.config.Online, m.table, number, m.origin); err != nil {
		return err
	}
	now, err := online.ReadMarks(ctx, m.config.Online, m.table)
	if err != nil {
		return err
	}
	if m.birth = now[0].Birth; m.birth < number {
		return errLostMeanwhile
	}
	return nil
}

// end marks the table as having all rows of the run, and returns the mark. It fails if the table is no longer the one
// that the run began with.
func (m *marking) end(ctx context.Context) (int64, error) {
	now, err := online.ReadMarks(ctx, m.config.Online, m.table)
	if err != nil {
		return 0, err
	}
	if now[0].Birth != m.birth || now[0].Progress < m.found.Progress {
		return 0, errLostMeanwhile
	}
	mark, err := m.next(ctx, now[0].Progress)
	if err != nil {
		return 0, err
	}
	return mark, online.WriteProgress(ctx, m.config.Online, m.table, mark, m.origin)
}

// next draws a number beyond those that are recorded or in the store, since the registry may be younger than the store.
func (m *marking) next(ctx context.Context, beyond int64) (int64, error) {
	beyond = max(beyond, m.birth, m.found.Birth, m.found.Progress)
	number, err := m.config.Ledger.NextMark(ctx, m.view.Project, m.view.Name, beyond)
	if err != nil {
		return 0, fmt.Errorf("draw a mark for view %q: %w", m.view.Name, err)
	}
	return number, nil
}
