// Package registry keeps what a project has registered: its definitions, revision by revision, and how far each view
// has been materialized.
//
// A [Registry] is read once per revision into an immutable [feature.Snapshot], which answers everything that engines
// and servers ask about views and services without going back to the registry. Engines live in sub-packages (sqldb);
// each passes the suite in registrytest.
package registry

import (
	"context"
	"time"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Registry keeps the definitions of projects. All methods are safe for concurrent use, also by several processes.
type Registry interface {
	// Current returns the newest revision of the project, or a snapshot with revision 0 and nothing in it when nothing
	// was applied yet.
	Current(ctx context.Context, project string) (*feature.Snapshot, error)
	// Revision returns the number of the newest revision, 0 when nothing was applied yet. It costs little, whatever the
	// definitions hold, so that servers may ask each second.
	Revision(ctx context.Context, project string) (int64, error)
	// At returns the revision with this number, or a fault.NotFoundError if it is not kept.
	At(ctx context.Context, project string, revision int64) (*feature.Snapshot, error)
	// Apply makes the commit the next revision and returns that revision's number, all or nothing. It returns
	// fault.ErrConflict when the project's revision is no longer commit.Base.
	Apply(ctx context.Context, commit Commit) (int64, error)
	// History returns every revision of the project, newest first.
	History(ctx context.Context, project string) ([]Revision, error)
}

// Ledger records materialization. All methods are safe for concurrent use, also by several processes.
type Ledger interface {
	ProgressLedger
	RunLedger
}

// ProgressLedger keeps what of each view has been materialized.
type ProgressLedger interface {
	// Progress returns how far each view of the current revision has been materialized, by view name. A view that never
	// was is absent, and so is one whose record was made under another Generation or Rebuild than the view now has: its
	// next run starts from the beginning.
	Progress(ctx context.Context, project string) (map[string]Progress, error)
	// Recorded returns what is recorded of each view that has ever been materialized, by view name, whatever the current
	// revision says. It costs little, so that servers may ask each second.
	Recorded(ctx context.Context, project string) (map[string]Progress, error)
	// NextMark returns a number that is greater than above and than all that were returned before for the view, whatever
	// was forgotten or replaced in between.
	NextMark(ctx context.Context, project, view string, above int64) (int64, error)
	// Forget removes what is recorded of a view's progress, so that its next run starts from the beginning; its runs stay.
	// It is no error if nothing is recorded, or if the view is no longer registered.
	Forget(ctx context.Context, project, view string) error
}

// RunLedger keeps the runs that materialized views.
type RunLedger interface {
	// Begin records the start of a run and returns its id.
	Begin(ctx context.Context, run Run) (int64, error)
	// Finish records the outcome of the run with run.ID, a fault.NotFoundError if there is none. If the run succeeded it
	// also unites progress with what is recorded of the run's view, in the same transaction, so that concurrent runs may
	// finish in any order and nothing that was done is forgotten. What is recorded of an older Rebuild is replaced; what
	// is recorded of a newer one stays. Within one Rebuild the same holds for Birth, except that recorded
	// progress without a birth is united with. With progress.Replace, progress replaces what it would otherwise be united
	// with. A nil progress leaves what is recorded.
	Finish(ctx context.Context, run Run, progress *Progress) error
	// LastRuns returns the latest run of each view, by view name, without its Files.
	LastRuns(ctx context.Context, project string) (map[string]Run, error)
	// Runs returns every run of a view, in the order in which they began; none of a view that is not known.
	Runs(ctx context.Context, project, view string) ([]Run, error)
}

// Commit is a change of a project's definitions, to be applied on top of revision Base.
type Commit struct {
	Project string
	// Base is the revision that the change was planned against; 0 if there is none.
	Base int64
	// State is complete: it replaces what is there.
	State *plumbv1.State
	// Changes says in one line each what changes, for History.
	Changes []string
	By      string
	At      time.Time
}

// Revision is one entry of a project's history.
type Revision struct {
	Number  int64     `json:"revision"`
	By      string    `json:"by"`
	At      time.Time `json:"at"`
	Changes []string  `json:"changes"`
}

// Progress is what a view has been materialized for.
type Progress struct {
	View string
	// Generation and Rebuild are those of the View that was materialized. Progress says something only about a view
	// that has the same.
	Generation, Rebuild int64
	// Intervals are those that were materialized, as United returns them. There is at least one.
	Intervals []Interval
	// Birth is the stored table that the intervals were written to, and Mark the last mark that was set in it once that
	// was done, as NextMark returned them; see online.Marks. They are 0 if a version without marks recorded the progress.
	Birth, Mark int64
	// Replace makes Finish replace what is recorded, since the view was materialized anew and the record no longer holds.
	// It is not recorded itself.
	Replace bool
}

// First is the first interval. The view is complete in it; after its end something is missing, if only what came later.
func (p Progress) First() Interval { return p.Intervals[0] }

// Last is the last interval.
func (p Progress) Last() Interval { return p.Intervals[len(p.Intervals)-1] }

// Outcome is how a run ended.
type Outcome string

// The outcomes of a run. A run that was killed stays Running.
const (
	Running   Outcome = "running"
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
)

// Run is one materialization of one view over the window (Start, End].
type Run struct {
	ID         int64
	Project    string
	View       string
	Generation int64
	// Start is nil if the window has no beginning. Start and End are microseconds since the epoch.
	Start      *int64
	End        int64
	StartedAt  time.Time
	FinishedAt time.Time
	Outcome    Outcome
	// Read counts the source rows in the window, Written the rows that the store took, Older those that it kept newer
	// ones against (R14).
	Read, Written, Older int64
	// NullKeys and NullTimes count the source rows that can never be served (R8, R3).
	NullKeys, NullTimes int64
	// Skipped counts the rows that were left out since a value does not fit its declared type; if more failed than were
	// allowed, all that failed.
	Skipped int64
	// Bytes is how many bytes of keys and packed rows the store was given, and Tiles how many tiles are in these rows if
	// they are the states of a view of the kind feature.Windows.
	Bytes, Tiles int64
	// Files are the source files that may hold rows of the window, as they were; of a SQL source, all files that it reads.
	Inputs []feature.Input
	// Error is the failure's text.
	Error string
}
