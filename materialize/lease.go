package materialize

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/plumbstore/plumb/registry"
)

// keeping keeps the lease of a shard while a worker does it.
//
// Two things end a lease: the registry says that it is over, or a term has passed by this machine's own clock since the
// last word that it goes on. So a worker that cannot reach the registry, or that was stopped for a while, writes no
// more once another may have begun. Should it still have a batch on its way, newest wins (R14).
type keeping struct {
	ledger registry.ShardLedger
	lease  registry.Lease
	term   time.Duration
	clock  func() time.Time
	// rows are those that the store was given so far.
	rows atomic.Int64

	mu    sync.Mutex
	until time.Time

	cancel context.CancelCauseFunc
	done   chan struct{}
	ended  sync.WaitGroup
}

// keep returns a context that ends with the lease. It was taken after asked. The caller ends the keeping.
func keep(ctx context.Context, ledger registry.ShardLedger, lease registry.Lease, work *Work, asked time.Time) (
	context.Context, *keeping,
) {
	ctx, cancel := context.WithCancelCause(ctx)
	k := &keeping{ledger: ledger, lease: lease, term: work.Term, clock: work.Clock, until: asked.Add(work.Term),
		cancel: cancel, done: make(chan struct{})}
	k.ended.Go(func() { k.renew(ctx) })
	return ctx, k
}

// end stops the keeping, and returns registry.ErrLeaseLost if the lease was over before.
func (k *keeping) end(ctx context.Context) error {
	close(k.done)
	k.ended.Wait()
	lost := errors.Is(context.Cause(ctx), registry.ErrLeaseLost)
	k.cancel(nil)
	if lost {
		return registry.ErrLeaseLost
	}
	return nil
}

// check returns registry.ErrLeaseLost once the lease may be over.
func (k *keeping) check() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.clock().Before(k.until) {
		return nil
	}
	k.cancel(registry.ErrLeaseLost)
	return registry.ErrLeaseLost
}

// renew says three times a term that the worker is there.
func (k *keeping) renew(ctx context.Context) {
	ticker := time.NewTicker(max(k.term/3, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-k.done:
			return
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		asked := k.clock()
		err := k.ledger.KeepShard(ctx, k.lease, k.rows.Load(), k.term)
		switch {
		case err == nil:
			k.mu.Lock()
			k.until = asked.Add(k.term)
			k.mu.Unlock()
		case errors.Is(err, registry.ErrLeaseLost):
			k.cancel(err)
			return
		case k.check() != nil: // A registry that cannot be reached may be there again in time.
			return
		}
	}
}
