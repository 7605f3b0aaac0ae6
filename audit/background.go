package audit

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store/pushlog"
)

// background is what is known of a view besides its rows: what causes are decided by.
type background struct {
	// view is as in the revision that was served.
	view *feature.View
	// since and rebuilt are when the revisions View.Generation and View.Rebuild were applied.
	since, rebuilt time.Time
	// later is the first revision after the one served in which the view has another generation, or is gone; nil if there
	// is none.
	later *replacement
	// retention is how long after its expiry the store keeps a row at least.
	retention time.Duration
	// runs are those of the view, in the order in which they began.
	runs []registry.Run
	// files are those of the view's source as they are now.
	files []feature.Input
	// pending says whether a row that was pushed at an instant may be in a part of the log that is not read yet.
	pending func(pushed feature.Instant) bool
}

// isWindowed says whether the view has aggregations. What was served of it comes of many events.
func (b *background) isWindowed() bool { return b.view.Aggregated != nil }

// replacement is a revision that ends a generation of a view.
type replacement struct {
	revision int64
	at       time.Time
}

// background gathers what is known of the view of a use, for look-ups that were served before an instant.
func (a *Auditor) background(ctx context.Context, served *feature.Snapshot, u *use, before feature.Instant) (
	*background, error,
) {
	view := u.reference.View
	b := &background{view: view, retention: a.config.Retention, files: u.report.Inputs}
	b.pending = func(pushed feature.Instant) bool { return a.mayBePending(view, pushed) }
	var err error
	if b.runs, err = a.config.Ledger.Runs(ctx, served.Project, view.Name); err != nil {
		return nil, err
	}
	history, err := a.config.Registry.History(ctx, served.Project)
	if err != nil {
		return nil, err
	}
	for _, revision := range slices.Backward(history) {
		if revision.Number == view.Generation {
			b.since = revision.At
		}
		if revision.Number == view.Rebuild {
			b.rebuilt = revision.At
		}
		if revision.Number > served.Revision && b.later == nil && feature.InstantOf(revision.At) < before {
			if b.later, err = a.replacement(ctx, view, revision); err != nil {
				return nil, err
			}
		}
	}
	return b, nil
}

// replacement is a revision in which the view has another generation, or is gone; nil if neither is so.
func (a *Auditor) replacement(ctx context.Context, view *feature.View, revision registry.Revision) (
	*replacement, error,
) {
	snapshot, err := a.config.Registry.At(ctx, view.Project, revision.Number)
	if err != nil {
		return nil, err
	}
	later, err := snapshot.View(view.Name)
	if err == nil && later.Generation == view.Generation {
		return nil, nil //nolint:nilnil // The view goes on, and nothing is wrong.
	}
	return &replacement{revision.Number, revision.At}, nil
}

// mayBePending says whether a row that was pushed at an instant may be in a write-ahead file still. A log that cannot
// be read has nothing to wait for: what was pushed stays unexplained.
func (a *Auditor) mayBePending(view *feature.View, pushed feature.Instant) bool {
	if view.Source.Log == nil {
		return false
	}
	folder, err := a.config.LogFolder(view.Source.Log.Path)
	if err != nil {
		return false
	}
	pending, err := pushlog.Pending(folder, pushed.Time())
	return err == nil && pending
}

// moment is a time as the rest of a sentence has it.
func moment(t time.Time) feature.Instant { return feature.InstantOf(t) }

// covering is the latest run of the generation that had ended by an instant and whose window holds an event (R5); nil
// if there is none. It is the evidence that the store should have had a row: a run which covers an event has read all
// rows of its time that the source had when the run began.
func (b *background) covering(event, by feature.Instant) *registry.Run {
	return b.latest(event, by, func(run *registry.Run) bool { return run.Generation == b.view.Generation })
}

// hadBy says whether the store had a row of an event by an instant, as far as is known: a run had stored it, or a push
// may have.
func (b *background) hadBy(event, by feature.Instant) bool {
	return b.covering(event, by) != nil || b.view.Source.Log != nil
}

// former is covering among the runs of earlier generations.
func (b *background) former(event, by feature.Instant) *registry.Run {
	return b.latest(event, by, func(run *registry.Run) bool { return run.Generation < b.view.Generation })
}

func (b *background) latest(event, by feature.Instant, wanted func(*registry.Run) bool) *registry.Run {
	for i := len(b.runs) - 1; i >= 0; i-- {
		run := &b.runs[i]
		if wanted(run) && endedBy(run, by) && holds(run, event) {
			return run
		}
	}
	return nil
}

func endedBy(run *registry.Run, by feature.Instant) bool {
	return run.Outcome == registry.Succeeded && feature.InstantOf(run.FinishedAt) <= by
}

func holds(run *registry.Run, event feature.Instant) bool {
	return int64(event) <= run.End && (run.Start == nil || *run.Start < int64(event))
}

// run returns a run by its id; nil if it is not known.
func (b *background) run(id int64) *registry.Run {
	at := slices.IndexFunc(b.runs, func(run registry.Run) bool { return run.ID == id })
	if at < 0 {
		return nil
	}
	return &b.runs[at]
}

// reached says how far the view had been materialized by an instant.
func (b *background) reached(by feature.Instant) string {
	end, ended := int64(0), false
	for i := range b.runs {
		run := &b.runs[i]
		if run.Generation == b.view.Generation && endedBy(run, by) && (!ended || run.End > end) {
			end, ended = run.End, true
		}
	}
	if !ended {
		return "no run had ended"
	}
	return fmt.Sprintf("the furthest reached %s", feature.Instant(end))
}

// replaced says that a revision which the server had not seen yet had ended the generation by the time of an incident.
func (b *background) replaced(i *incident) string {
	if b.later != nil && feature.InstantOf(b.later.at) <= i.servedAt {
		return fmt.Sprintf("revision %d, applied at %s, had ended generation %d of the view, and rows were no longer "+
			"written to it", b.later.revision, moment(b.later.at), b.view.Generation)
	}
	return ""
}

// mayBeForgotten is the evidence that the store may have forgotten the join's row: ttl and retention had passed since
// its event and, if a run stored it, since that began.
func (b *background) mayBeForgotten(i *incident) string {
	if b.view.TTL <= 0 {
		return ""
	}
	kept := i.joined.event
	if run := b.covering(i.joined.event, i.servedAt); run != nil {
		kept = max(kept, feature.InstantOf(run.StartedAt))
	} else if b.view.Source.Log == nil {
		return "" // It never had the row.
	}
	until := kept + feature.Instant(b.view.TTL.Microseconds()) + feature.Instant(b.retention.Microseconds())
	if until < kept || until >= i.servedAt { // The first is a sum beyond what an instant holds.
		return ""
	}
	return fmt.Sprintf("the row of %s had to be kept until %s, and served was at %s", i.joined.event, until, i.servedAt)
}

// rewritten says which of the files that a run listed, or one of them, are not as they were: they have other content,
// or are gone.
func (b *background) rewritten(run *registry.Run, only string) []string {
	var changed []string
	for _, was := range run.Inputs {
		if only != "" && was.Name != only {
			continue
		}
		at := slices.IndexFunc(b.files, func(f feature.Input) bool { return f.Name == was.Name })
		switch {
		case at < 0:
			changed = append(changed, was.Name+" has gone")
		case b.files[at].Version.ID() != was.Version.ID():
			changed = append(changed, fmt.Sprintf("%s was rewritten, from %s to %s,", was.Name, was.Version,
				b.files[at].Version))
		}
	}
	return changed
}

// added is the file that the join's row comes from, or any if that is not known, which a run did not list and which
// came after it had begun. A run lists only the files that may hold rows of its window, so that being listed for the
// first time is no evidence of having come late. What was pushed is online at once, whatever runs do, so the push log
// does not count.
func (b *background) added(run *registry.Run, i *incident) *feature.Input {
	for at := range b.files {
		file := &b.files[at]
		if i.joined.file != "" && file.Name != i.joined.file || b.isLogged(file) {
			continue
		}
		listed := slices.ContainsFunc(run.Inputs, func(f feature.Input) bool { return f.Name == file.Name })
		if !listed && file.Version.Written().After(run.StartedAt) {
			return file
		}
	}
	return nil
}

// pushedTo is the file of the push log that the join's row comes from; nil if it comes from elsewhere. Rows are in it
// before they are online, and more may have been added until it was last written.
func (b *background) pushedTo(i *incident) *feature.Input {
	at := slices.IndexFunc(b.files, func(f feature.Input) bool { return f.Name == i.joined.file })
	if i.joined.file == "" || at < 0 || !b.isLogged(&b.files[at]) {
		return nil
	}
	return &b.files[at]
}

// isLogged says whether a file is one of the view's push log.
func (b *background) isLogged(file *feature.Input) bool {
	log := b.view.Source.Log
	return log != nil && path.Dir(file.Name) == path.Clean(filepath.ToSlash(log.Path))
}
