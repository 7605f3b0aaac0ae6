package registry

import (
	"context"
	"errors"
	"time"
)

// ErrLeaseLost says that a worker no longer has the shard that it took: its lease has run out, or the run is closed.
// What it does from then on does not count.
var ErrLeaseLost = errors.New("the shard is no longer this worker's: its lease has run out, or its run was closed")

// ShardLedger keeps the runs whose window is divided into shards, which workers take with leases. All methods are safe
// for concurrent use, also by several processes. A lease runs out by the registry's own clock, so the clocks of workers
// do not matter; each has a token, so that what a worker reports counts only while it still has the shard.
type ShardLedger interface {
	// OpenShards divides a run that was begun into so many shards, all of them free. Every worker gets the plan as it is.
	// A *fault.PreconditionError says that such a run of the view is open already.
	OpenShards(ctx context.Context, run Run, plan []byte, shards int) error
	// ShardedRuns returns the runs of a project that are divided and open, in the order in which they began.
	ShardedRuns(ctx context.Context, project string) ([]ShardedRun, error)
	// TakeShard leases a shard of the run that is free: one that nobody has taken or kept for its term, and that is not
	// done. It returns nil if there is none. The holder is what people know the worker by.
	TakeShard(ctx context.Context, run int64, holder string, term time.Duration) (*Lease, error)
	// KeepShard makes the lease last for another term from now, and records how many rows are written so far. It returns
	// ErrLeaseLost if the lease is over.
	KeepShard(ctx context.Context, lease Lease, rows int64, term time.Duration) error
	// ReturnShard makes a shard free, and records why it was not done; empty if there is nothing to say. It does nothing
	// if the lease is over.
	ReturnShard(ctx context.Context, lease Lease, why string) error
	// FinishShard records that a shard is done, with the counts of its rows and its Inputs. It returns ErrLeaseLost if the
	// lease is over, and then records nothing.
	FinishShard(ctx context.Context, lease Lease, done Run) error
	// CloseShards ends a divided run as Finish ends others, in one transaction, and forgets its shards; every lease is
	// then over. It returns false, and changes nothing, if the run is not open, or if it is to have succeeded and a shard
	// is not done.
	CloseShards(ctx context.Context, run Run, progress *Progress) (bool, error)
}

// ShardedRun is an open run that is divided into shards.
type ShardedRun struct {
	Run
	Plan   []byte
	Shards []Shard
}

// ShardState is what becomes of a shard.
type ShardState string

// The states of a shard. One whose worker was killed is ShardTaken until its lease has run out.
const (
	ShardFree  ShardState = "free"
	ShardTaken ShardState = "taken"
	ShardDone  ShardState = "done"
)

// Shard is one part of a divided run.
type Shard struct {
	// Number counts from 0.
	Number int
	State  ShardState
	// Holder is the worker that has the shard, had it last, or has done it; empty if nobody ever took it.
	Holder string
	// Leases is how often it was taken.
	Leases int64
	// Rows is how many rows were written under the last lease, as far as is known.
	Rows int64
	// Problem says why the last worker gave it back; empty if it did not, or did not say.
	Problem string
	// Done has the counts of a shard that is done, and its Inputs.
	Done Run
}

// Lease is the right to work on a shard.
type Lease struct {
	Run   int64
	Shard int
	// Token is greater than that of every lease of the shard before.
	Token int64
}

// AllDone says whether every shard is done.
func (r ShardedRun) AllDone() bool { return r.Count(ShardDone) == len(r.Shards) }

// Count is the number of shards in a state.
func (r ShardedRun) Count(state ShardState) int {
	count := 0
	for _, shard := range r.Shards {
		if shard.State == state {
			count++
		}
	}
	return count
}

// Sum is the run with the counts of the shards that are done, and what those have read.
func (r ShardedRun) Sum() Run {
	sum := r.Run
	for _, shard := range r.Shards {
		done := shard.Done
		sum.Read, sum.Written, sum.Older = sum.Read+done.Read, sum.Written+done.Written, sum.Older+done.Older
		sum.NullKeys, sum.NullTimes = sum.NullKeys+done.NullKeys, sum.NullTimes+done.NullTimes
		sum.Skipped, sum.Bytes, sum.Tiles = sum.Skipped+done.Skipped, sum.Bytes+done.Bytes, sum.Tiles+done.Tiles
		if sum.Inputs == nil {
			sum.Inputs = done.Inputs
		}
	}
	return sum
}
