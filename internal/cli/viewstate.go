package cli

import (
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
)

// viewState says in a word what the online store can have of a view.
type viewState string

const (
	// notOnline is a view that is never materialized.
	notOnline viewState = "not_online"
	// complete is a view without a gap from the beginning of its source.
	complete viewState = "complete"
	// notFromBeginning is one whose first window had a start.
	notFromBeginning viewState = "not_from_beginning"
	// withGaps is one of whose windows some are missing, whether or not the first one had a start.
	withGaps viewState = "gaps"
	// neverMaterialized is one that no run was begun of, and notMaterialized one that no run is known to have finished of.
	neverMaterialized viewState = "never_materialized"
	notMaterialized   viewState = "not_materialized"
	// setAside is one whose stored rows are of a former generation, which nobody reads.
	setAside viewState = "set_aside"
	// outdated is one whose stored rows are read, but lack something since a revision.
	outdated viewState = "outdated"
	// removed is one whose rows were torn down.
	removed viewState = "removed"
	// lostRows is one whose rows the online store has lost, and lostRuns one whose rows are as before the last run, or
	// several.
	lostRows viewState = "lost_rows"
	lostRuns viewState = "lost_runs"
)

// viewStateOf judges by what is recorded as done and by the last run, each nil where there is none, and by what the
// online store has lost of that.
func viewStateOf(view *feature.View, done *registry.Progress, last *registry.Run, loss materialize.Loss) viewState {
	switch {
	case !view.Online:
		return notOnline
	case loss == materialize.AllRows:
		return lostRows
	case loss == materialize.LastRuns:
		return lostRuns
	case done != nil && len(done.Intervals) > 1:
		return withGaps
	case done != nil && done.First().Start != nil:
		return notFromBeginning
	case done != nil:
		return complete
	case last == nil:
		return neverMaterialized
	case last.Generation < view.Generation:
		return setAside
	case last.Outcome != registry.Succeeded:
		return notMaterialized
	case view.Rebuild > view.Generation:
		return outdated
	}
	return removed
}

// words say what a state is, and what to do where something is missing.
func (s viewStatus) words() string {
	switch s.State {
	case notOnline:
		return "not online"
	case complete:
		return "complete"
	case withGaps:
		text := english.Plural(len(s.Gaps), "gap", "")
		if s.Start != nil {
			text += ", not from the beginning"
		}
		return text
	case notFromBeginning:
		return "not from the beginning"
	case neverMaterialized:
		return "never materialized"
	case setAside:
		return fmt.Sprintf("set aside by revision %d: materialize", s.generation)
	case outdated:
		return fmt.Sprintf("outdated since revision %d: materialize", s.rebuild)
	case removed:
		return "torn down: materialize"
	case lostRows:
		return "rows lost: materialize"
	case lostRuns:
		return "last runs lost: materialize"
	}
	return "not materialized"
}
