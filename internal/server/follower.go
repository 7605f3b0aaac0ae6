package server

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plumbstore/plumb/registry"
	"github.com/plumbstore/plumb/store"
)

// checkTime bounds one question to the registry, and one to the store.
const checkTime = 5 * time.Second

// follower holds the edition of the registry's newest revision that it has seen.
type follower struct {
	config  Config
	newest  atomic.Pointer[edition]
	refresh sync.Mutex
	// failing is the text of the last failure that was logged, empty after a success; each is logged once.
	failing string
}

// edition returns what to serve from.
func (f *follower) edition() (*edition, error) {
	e := f.newest.Load()
	if e == nil {
		return nil, fmt.Errorf("%w: the registry has not been read yet; try again in a moment", registry.ErrUnavailable)
	}
	if e.snapshot.Revision == 0 {
		return nil, &registry.PreconditionError{
			Message: fmt.Sprintf("nothing has been applied to project %q yet: run plumb apply", f.config.Project),
		}
	}
	return e, nil
}

// run follows the registry until ctx is done. It calls ready once there is something to serve and the store answers.
func (f *follower) run(ctx context.Context, ready func()) {
	ticks := f.config.Refresh
	if ticks == nil {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		ticks = ticker.C
	}
	waiting := true
	for {
		err := f.advance(ctx, f.newest.Load())
		if err == nil && waiting {
			if err = f.probe(ctx); err == nil {
				waiting = false
				ready()
			}
		}
		f.report(ctx, err)
		select {
		case <-ctx.Done():
			return
		case <-ticks:
		}
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
func (f *follower) advance(ctx context.Context, seen *edition) error {
	f.refresh.Lock()
	defer f.refresh.Unlock()
	if f.newest.Load() != seen {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	snapshot, err := f.config.Registry.Current(ctx, f.config.Project)
	if err != nil {
		return fmt.Errorf("read the registry: %w", err)
	}
	if seen == nil || seen.snapshot.Revision != snapshot.Revision {
		f.newest.Store(newEdition(snapshot))
		if snapshot.Revision > 0 {
			f.config.Logger.Info("serving a revision", "project", snapshot.Project, "revision", snapshot.Revision)
		}
	}
	return nil
}

// probe is an error unless there is something to serve and the store answers.
func (f *follower) probe(ctx context.Context) error {
	if _, err := f.edition(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	nothing := store.Get{Table: store.Table{Project: f.config.Project}}
	if _, err := f.config.Online.Read(ctx, []store.Get{nothing}); err != nil {
		return fmt.Errorf("ask the online store: %w", err)
	}
	return nil
}

// report logs a failure when it is a new one, and its end.
func (f *follower) report(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	switch {
	case text == f.failing:
	case err != nil:
		f.config.Logger.Warn("the server is not ready, or not up to date", "error", text)
	default:
		f.config.Logger.Info("the server is ready and up to date again")
	}
	f.failing = text
}
