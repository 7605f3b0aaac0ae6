package materialize

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// guard ends a run whose view has got another definition meanwhile: what it would write is not what the new one reads.
// It is safe for concurrent use.
//
// Rows of an older generation lie in a table that is no longer read, and rows of an older layout lack what was added
// since. Without the guard a run could go on for hours and have written nothing of use. It asks before each batch, for
// the revision's number alone; definitions are read only if that has moved.
type guard struct {
	registry Definitions
	view     *feature.View

	mu sync.Mutex
	// revision is the newest one under which the view is as it was; 0 before the first look.
	revision int64
}

func newGuard(definitions Definitions, view *feature.View) *guard {
	return &guard{registry: definitions, view: view}
}

// check returns an error that wraps fault.ErrConflict once the view is another.
func (g *guard) check(ctx context.Context) error {
	if g.registry == nil {
		return nil
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	number, err := g.registry.Revision(ctx, g.view.Project)
	if err != nil {
		return fmt.Errorf("ask whether the definition has changed: %w", err)
	}
	if number == g.revision {
		return nil
	}
	current, err := g.registry.Current(ctx, g.view.Project)
	if err != nil {
		return fmt.Errorf("ask whether the definition has changed: %w", err)
	}
	now, err := current.View(g.view.Name)
	var gone *fault.NotFoundError
	if err != nil && !errors.As(err, &gone) {
		return err
	}
	if err != nil || !now.Online || now.Generation != g.view.Generation || now.Rebuild != g.view.Rebuild ||
		now.Schema().ID != g.view.Schema().ID {
		return fmt.Errorf("revision %d changed the view while this run was writing rows of its older definition; "+
			"materialize it again: %w", current.Revision, fault.ErrConflict)
	}
	g.revision = current.Revision
	return nil
}
