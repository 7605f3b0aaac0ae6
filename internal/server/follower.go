package server

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/materialize"
	"github.com/plumbstore/plumb/store/online"
)

// checkTime bounds one question to the registry, and one to the store.
const checkTime = 5 * time.Second

// follower holds what is served of the registry's newest revision that it has seen.
//
// Calls read newest and condition without a lock, and keep what they have read for as long as they last, since a
// servedRevision's snapshot never changes. refresh is held by the one that reads the registry. If many look-ups find at
// once that they need a newer revision, the first reads it, and the others see that newest has moved (advance).
type follower struct {
	config  Config
	newest  atomic.Pointer[servedRevision]
	refresh sync.Mutex
	// condition is never nil.
	condition atomic.Pointer[Condition]
	// lost is what the store had lost when that was last known. Only rounds touch it.
	lost losses
	// The logs have what was logged last of each.
	registryLog, storeLog, lossLog, marksLog faultLog
}

func newFollower(config Config) *follower {
	f := &follower{config: config}
	f.condition.Store(&Condition{Reasons: []string{reasonUnread}})
	f.registryLog = faultLog{
		logger: config.Logger, broken: "the registry cannot be read; what was read of it before is served",
		mended: "the registry is read again, and what is served is up to date again",
	}
	f.storeLog = faultLog{
		logger: config.Logger, broken: "the online store does not answer; the server is not ready",
		mended: "the online store answers again",
	}
	f.lossLog = faultLog{
		logger: config.Logger, broken: "the online store has lost rows", mended: "the online store has the lost rows again",
	}
	f.marksLog = faultLog{
		logger: config.Logger, broken: "whether the online store has lost rows cannot be told",
		mended: "whether the online store has lost rows can be told again",
	}
	return f
}

// served returns what to serve from.
func (f *follower) served() (*servedRevision, error) {
	e := f.newest.Load()
	if e == nil {
		return nil, fmt.Errorf("%w: %s; try again in a moment", fault.ErrUnavailable, reasonUnread)
	}
	if e.snapshot.Revision == 0 {
		return nil, &fault.PreconditionError{
			Message: fmt.Sprintf("nothing has been applied to project %q yet: run plumb apply", f.config.Project),
		}
	}
	return e, nil
}

// run follows the registry and watches the store until ctx is done. It calls tell when readiness changes.
func (f *follower) run(ctx context.Context, tell func(ready bool)) {
	ticks := f.config.Refresh
	if ticks == nil {
		ticker := time.NewTicker(f.config.RefreshInterval)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for {
		f.round(ctx, tell)
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
	}
}

// round asks the registry and the store once. What the store has lost is a difference between the two, so it is looked
// for only if both have answered.
func (f *follower) round(ctx context.Context, tell func(ready bool)) {
	var probed error
	done := make(chan struct{})
	go func() { defer close(done); probed = f.probe(ctx) }()
	read := f.advance(ctx, f.newest.Load())
	<-done
	if ctx.Err() != nil {
		return // It is not the registry or the store that failed.
	}
	f.registryLog.report(read)
	f.storeLog.report(probed)
	if read == nil && probed == nil {
		f.checkLosses(ctx)
	}
	before := f.condition.Load()
	now := conditionOf(before, f.newest.Load(), read, probed, f.lost, f.config.Now())
	f.condition.Store(now)
	if now.Ready != before.Ready {
		tell(now.Ready)
	}
}

// checkLosses asks what the store has lost of the views that are served. If that cannot be found out now, the last
// answer stays.
func (f *follower) checkLosses(ctx context.Context) {
	if f.config.Ledger == nil {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	lost, err := materialize.Losses(bounded, f.config.Ledger, f.config.Online, f.config.Project,
		f.newest.Load().snapshot.Views())
	if ctx.Err() != nil {
		return
	}
	f.marksLog.report(err)
	if err == nil {
		f.lost = lost
		f.lossLog.report(f.lost.err())
	}
}

// reach takes up a revision that the registry has, or a newer one. A round that began elsewhere before the registry had
// it makes a second one necessary.
func (f *follower) reach(ctx context.Context, revision int64) error {
	for range 2 {
		seen := f.newest.Load()
		if seen != nil && seen.snapshot.Revision >= revision {
			return nil
		}
		if err := f.advance(ctx, seen); err != nil {
			return err
		}
	}
	return nil
}

// advance asks the registry for the newest revision and takes it up, unless seen is no longer what is served: then
// someone else has just done so.
func (f *follower) advance(ctx context.Context, seen *servedRevision) error {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	if f.newest.Load() != seen {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	if seen != nil {
		number, err := f.config.Registry.Revision(ctx, f.config.Project)
		if err != nil {
			return fmt.Errorf("read the registry: %w", err)
		}
		if number == seen.snapshot.Revision {
			return nil
		}
	}
	snapshot, err := f.config.Registry.Current(ctx, f.config.Project)
	if err != nil {
		return fmt.Errorf("read the registry: %w", err)
	}
	f.newest.Store(newServedRevision(snapshot, f.config.Metrics, f.config.Audit))
	if snapshot.Revision > 0 {
		f.config.Logger.Info("serving a revision", "project", snapshot.Project, "revision", snapshot.Revision)
		f.tellOfEmpty(ctx, snapshot)
	}
	return nil
}

// tellOfEmpty logs the views that were never materialized: their look-ups answer NOT_FOUND, which callers cannot tell
// from a key that is not there.
func (f *follower) tellOfEmpty(ctx context.Context, snapshot *feature.Snapshot) {
	if f.config.Ledger == nil {
		return
	}
	done, err := f.config.Ledger.Progress(ctx, snapshot.Project)
	if err != nil {
		f.config.Logger.Warn("cannot tell which views were materialized", "error", err)
		return
	}
	var empty []string
	for _, view := range snapshot.Views() {
		if _, materialized := done[view.Name]; view.Online && !materialized {
			empty = append(empty, view.Name)
		}
	}
	if empty != nil {
		f.config.Logger.Warn("views are not materialized: apart from pushed rows, their look-ups answer NOT_FOUND until "+
			"plumb materialize has run", "views", empty)
	}
}

// probe is an error unless the store answers.
func (f *follower) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	nothing := online.Get{Table: online.Table{Project: f.config.Project}}
	if _, err := f.config.Online.Read(ctx, []online.Get{nothing}); err != nil {
		return fmt.Errorf("ask the online store: %w", err)
	}
	return nil
}
