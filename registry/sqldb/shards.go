package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
)

// clock is the registry's own clock, in microseconds.
const clock = "(SELECT now_micros FROM registry_clock)"

// OpenShards divides a run. That a view has one open run at the most is a constraint of the table.
func (d *DB) OpenShards(ctx context.Context, run registry.Run, plan []byte, shards int) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		made, err := tx.ExecContext(ctx, `INSERT INTO sharded_runs (run, project, view, plan) VALUES ($1, $2, $3, $4)
			ON CONFLICT (project, view) DO NOTHING`, run.ID, run.Project, run.View, string(plan))
		if err != nil {
			return err
		}
		if count, err := made.RowsAffected(); err != nil || count == 0 {
			return errors.Join(err, &fault.PreconditionError{Message: fmt.Sprintf("view %s has a run that is divided into "+
				"shards and still open; go on with it: plumb materialize --worker, or close it: plumb materialize --cancel "+
				"--view %[1]s", run.View)})
		}
		for shard := range shards {
			_, err := tx.ExecContext(ctx, "INSERT INTO shards (run, shard) VALUES ($1, $2)", run.ID, shard)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// ShardedRuns returns the open runs that are divided. Runs and shards are one statement, so that both are of one
// moment.
func (d *DB) ShardedRuns(ctx context.Context, project string) ([]registry.ShardedRun, error) {
	var found []registry.ShardedRun
	err := d.query(ctx, func(rows *sql.Rows) error {
		var run registry.Run
		var shard registry.Shard
		var plan, counts string
		var started, taken, done int64
		err := rows.Scan(&run.ID, &run.Project, &run.View, &run.Generation, &run.Start, &run.End, &started, &plan,
			&shard.Number, &shard.Leases, &shard.Holder, &taken, &shard.Rows, &done, &counts, &shard.Problem)
		if err != nil {
			return err
		}
		run.StartedAt, run.Outcome = time.UnixMicro(started).UTC(), registry.Running
		if err := d.readShard(&shard, run.ID, taken, done, counts); err != nil {
			return err
		}
		if len(found) == 0 || found[len(found)-1].ID != run.ID {
			found = append(found, registry.ShardedRun{Run: run, Plan: []byte(plan)})
		}
		last := &found[len(found)-1]
		last.Shards = append(last.Shards, shard)
		return nil
	}, `SELECT r.id, r.project, r.view, r.generation, r.window_start, r.window_end, r.started_at, o.plan,
		s.shard, s.token, s.holder, CASE WHEN s.expires_at > `+clock+` THEN 1 ELSE 0 END, s.rows_given, s.done, s.counts,
		s.problem FROM sharded_runs o JOIN runs r ON r.id = o.run JOIN shards s ON s.run = o.run
		WHERE o.project = $1 ORDER BY r.id, s.shard`, project)
	return found, err
}

func (d *DB) readShard(shard *registry.Shard, run, taken, done int64, counts string) error {
	var read shardCounts
	if err := json.Unmarshal([]byte(counts), &read); err != nil {
		return fmt.Errorf("the registry %s is damaged: what shard %d of run %d has done cannot be read: %w", d.engine,
			shard.Number, run, err)
	}
	shard.Done = read.run()
	switch shard.State = registry.ShardFree; {
	case done != 0:
		shard.State = registry.ShardDone
	case taken != 0:
		shard.State = registry.ShardTaken
	}
	return nil
}

// TakeShard leases a free shard. Of two workers that see the same one free, the update of one comes first, and that of
// the other then finds it taken and goes on to the next.
func (d *DB) TakeShard(ctx context.Context, run int64, holder string, term time.Duration) (*registry.Lease, error) {
	var taken *registry.Lease
	err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		taken = nil
		free, err := freeShards(ctx, tx, run)
		for _, shard := range free {
			lease := registry.Lease{Run: run, Shard: shard}
			err = tx.QueryRowContext(ctx, `UPDATE shards SET token = token + 1, holder = $1, rows_given = 0, problem = '',
				expires_at = `+clock+` + $2 WHERE run = $3 AND shard = $4 AND done = 0 AND expires_at <= `+clock+`
				RETURNING token`, plain(holder), term.Microseconds(), run, shard).Scan(&lease.Token)
			if errors.Is(err, sql.ErrNoRows) {
				err = nil
				continue
			}
			taken = &lease
			break
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return taken, nil
}

func freeShards(ctx context.Context, tx *sql.Tx, run int64) ([]int, error) {
	rows, err := tx.QueryContext(ctx, "SELECT shard FROM shards WHERE run = $1 AND done = 0 AND expires_at <= "+clock+
		" ORDER BY token, shard", run)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var free []int
	for rows.Next() {
		var shard int
		if err := rows.Scan(&shard); err != nil {
			return nil, err
		}
		free = append(free, shard)
	}
	return free, rows.Err()
}

// KeepShard makes a lease last.
func (d *DB) KeepShard(ctx context.Context, lease registry.Lease, rows int64, term time.Duration) error {
	return d.asHolder(ctx, lease, "rows_given = $1, expires_at = "+clock+" + $2", rows, term.Microseconds())
}

// ReturnShard makes a shard free.
func (d *DB) ReturnShard(ctx context.Context, lease registry.Lease, why string) error {
	err := d.asHolder(ctx, lease, "problem = $1, expires_at = $2", plain(why), 0)
	if errors.Is(err, registry.ErrLeaseLost) {
		return nil
	}
	return err
}

// FinishShard records what was done.
func (d *DB) FinishShard(ctx context.Context, lease registry.Lease, done registry.Run) error {
	counts, err := json.Marshal(countsOf(done))
	if err != nil {
		return fmt.Errorf("cannot record shard %d of run %d: %w", lease.Shard, lease.Run, err)
	}
	return d.asHolder(ctx, lease, "counts = $1, rows_given = $2, done = 1, problem = ''", string(counts),
		done.Written+done.Older)
}

// asHolder changes a shard, unless the lease is over. What is set has two values.
func (d *DB) asHolder(ctx context.Context, lease registry.Lease, set string, first, second any) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		changed, err := tx.ExecContext(ctx, "UPDATE shards SET "+set+
			" WHERE run = $3 AND shard = $4 AND token = $5 AND done = 0 AND expires_at > "+clock,
			first, second, lease.Run, lease.Shard, lease.Token)
		if err != nil {
			return err
		}
		if count, err := changed.RowsAffected(); err != nil || count == 0 {
			return errors.Join(err, registry.ErrLeaseLost)
		}
		return nil
	})
}

// CloseShards ends a divided run. The removal of its row comes first: of several processes that close a run the first
// to remove it goes on, and the others find it gone.
func (d *DB) CloseShards(ctx context.Context, run registry.Run, progress *registry.Progress) (bool, error) {
	closed := false
	err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		closed = false
		removed, err := tx.ExecContext(ctx, "DELETE FROM sharded_runs WHERE run = $1", run.ID)
		if err != nil {
			return err
		}
		if count, err := removed.RowsAffected(); err != nil || count == 0 {
			return err
		}
		var open int64
		err = tx.QueryRowContext(ctx, "SELECT count(*) FROM shards WHERE run = $1 AND done = 0", run.ID).Scan(&open)
		if err != nil {
			return err
		}
		if open > 0 && run.Outcome == registry.Succeeded {
			return errShardsOpen
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM shards WHERE run = $1", run.ID); err != nil {
			return err
		}
		closed = true
		return d.finish(ctx, tx, run, progress)
	})
	if errors.Is(err, errShardsOpen) {
		return false, nil
	}
	return closed && err == nil, err
}

// errShardsOpen rolls back what would close a run whose shards are not all done.
var errShardsOpen = errors.New("shards are not done")

// shardCounts is the durable form of what a shard has done.
type shardCounts struct {
	Read      int64           `json:"read,omitempty"`
	Written   int64           `json:"written,omitempty"`
	Older     int64           `json:"older,omitempty"`
	NullKeys  int64           `json:"null_keys,omitempty"`
	NullTimes int64           `json:"null_times,omitempty"`
	Skipped   int64           `json:"skipped,omitempty"`
	Bytes     int64           `json:"bytes,omitempty"`
	Tiles     int64           `json:"tiles,omitempty"`
	Inputs    []feature.Input `json:"inputs,omitempty"`
}

func countsOf(run registry.Run) shardCounts {
	return shardCounts{Read: run.Read, Written: run.Written, Older: run.Older, NullKeys: run.NullKeys,
		NullTimes: run.NullTimes, Skipped: run.Skipped, Bytes: run.Bytes, Tiles: run.Tiles, Inputs: run.Inputs}
}

func (c shardCounts) run() registry.Run {
	return registry.Run{Read: c.Read, Written: c.Written, Older: c.Older, NullKeys: c.NullKeys, NullTimes: c.NullTimes,
		Skipped: c.Skipped, Bytes: c.Bytes, Tiles: c.Tiles, Inputs: c.Inputs}
}
