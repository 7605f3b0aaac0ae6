package project

import (
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/registry"
)

// ViewState says in a word what the online store can have of a view.
type ViewState string

// The states of a view.
const (
	// NotOnline is a view that is never materialized.
	NotOnline ViewState = "not_online"
	// Complete is a view without a gap from the beginning of its source.
	Complete ViewState = "complete"
	// NotFromBeginning is one whose first window had a start.
	NotFromBeginning ViewState = "not_from_beginning"
	// WithGaps is one of whose windows some are missing, whether or not the first one had a start.
	WithGaps ViewState = "gaps"
	// NeverMaterialized is one that no run was begun of, and NotMaterialized one that no run is known to have finished of.
	NeverMaterialized ViewState = "never_materialized"
	NotMaterialized   ViewState = "not_materialized"
	// SetAside is one whose stored rows are of a former generation, which nobody reads.
	SetAside ViewState = "set_aside"
	// Outdated is one whose stored rows are read, but lack something since a revision.
	Outdated ViewState = "outdated"
	// Removed is one whose rows were torn down.
	Removed ViewState = "removed"
	// LostRows is one whose rows the online store has lost, and LostRuns one whose rows are as before the last run, or
	// several.
	LostRows ViewState = "lost_rows"
	LostRuns ViewState = "lost_runs"
)

// viewStateOf decides by what is recorded as done and by the last run, each nil if there is none, and by what the
// online store has lost of that.
//
// The order of the cases is part of their meaning. A loss comes first, since what is recorded does not hold then. done
// is nil if the record is of a former generation or rebuild (registry.Ledger.Progress); the last run then shows why
// there is nothing.
func viewStateOf(view *feature.View, done *registry.Progress, last *registry.Run, loss materialize.Loss) ViewState {
	switch {
	case !view.Online:
		return NotOnline
	case loss == materialize.AllRows:
		return LostRows
	case loss == materialize.LastRuns:
		return LostRuns
	case done != nil && len(done.Intervals) > 1:
		return WithGaps
	case done != nil && done.First().Start != nil:
		return NotFromBeginning
	case done != nil:
		return Complete
	case last == nil:
		return NeverMaterialized
	case last.Generation < view.Generation:
		return SetAside
	case last.Outcome != registry.Succeeded:
		return NotMaterialized
	case view.Rebuild > view.Generation:
		return Outdated
	}
	return Removed
}
