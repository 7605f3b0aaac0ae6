package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
)

// Progress returns how far each view of the current revision has been materialized.
func (d *DB) Progress(ctx context.Context, project string) (map[string]registry.Progress, error) {
	recorded, err := d.Recorded(ctx, project)
	if err != nil {
		return nil, err
	}
	// Read last: what was recorded under a revision that has since been replaced is then left out, never let through.
	current, err := d.Current(ctx, project)
	if err != nil {
		return nil, err
	}
	found := map[string]registry.Progress{}
	for _, view := range current.Views() {
		progress, ok := recorded[view.Name]
		if ok && progress.Generation == view.Generation && progress.Rebuild == view.Rebuild {
			found[view.Name] = progress
		}
	}
	return found, nil
}

// Recorded returns what is recorded of each view.
func (d *DB) Recorded(ctx context.Context, project string) (map[string]registry.Progress, error) {
	found := map[string]registry.Progress{}
	err := d.query(ctx, func(rows *sql.Rows) error {
		var p registry.Progress
		var intervals string
		err := rows.Scan(&p.View, &p.Generation, &p.Rebuild, &intervals, &p.Birth, &p.Mark)
		if err != nil {
			return err
		}
		if p.Intervals, err = d.readIntervals(p.View, intervals); err == nil && len(p.Intervals) > 0 {
			found[p.View] = p
		}
		return err
	}, "SELECT view, generation, rebuild, intervals, birth, mark FROM progress WHERE project = $1", project)
	return found, err
}

func (d *DB) readIntervals(view, text string) ([]registry.Interval, error) {
	var intervals []registry.Interval
	if err := json.Unmarshal([]byte(text), &intervals); err != nil {
		return nil, fmt.Errorf("the registry %s is damaged: what view %q was materialized for cannot be read: %w", d.engine,
			view, err)
	}
	return registry.United(intervals), nil
}

// Begin records the start of a run and returns its id. If the process is killed the run stays recorded as running,
// which is harmless: progress comes with Finish alone, so that the window is materialized again.
func (d *DB) Begin(ctx context.Context, run registry.Run) (int64, error) {
	var id int64
	err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `INSERT INTO runs
			(project, view, generation, window_start, window_end, started_at, outcome)
			VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
			run.Project, run.View, run.Generation, run.Start, run.End, run.StartedAt.UnixMicro(),
			string(registry.Running)).Scan(&id)
	})
	return id, err
}

// Finish records the outcome of a run and, if it succeeded, the view's progress. Both are one transaction: there is no
// moment at which the run has succeeded and its window still counts as missing, or the reverse.
func (d *DB) Finish(ctx context.Context, run registry.Run, progress *registry.Progress) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error { return d.finish(ctx, tx, run, progress) })
}

func (d *DB) finish(ctx context.Context, tx *sql.Tx, run registry.Run, progress *registry.Progress) error {
	files, err := json.Marshal(append([]feature.Input{}, run.Inputs...))
	if err != nil {
		return fmt.Errorf("cannot record run %d: %w", run.ID, err)
	}
	var project, view string
	err = tx.QueryRowContext(ctx, `UPDATE runs SET finished_at = $1, outcome = $2, rows_read = $3, rows_written = $4,
		rows_older = $5, null_keys = $6, null_times = $7, rows_skipped = $8, bytes_written = $9, error = $10,
		files = $11, tiles_written = $12
		WHERE id = $13 RETURNING project, view`,
		run.FinishedAt.UnixMicro(), string(run.Outcome), run.Read, run.Written, run.Older, run.NullKeys,
		run.NullTimes, run.Skipped, run.Bytes, plain(run.Error), string(files), run.Tiles,
		run.ID).Scan(&project, &view)
	if errors.Is(err, sql.ErrNoRows) {
		return &fault.NotFoundError{Kind: "run", Name: strconv.FormatInt(run.ID, 10)}
	}
	if err != nil || progress == nil || run.Outcome != registry.Succeeded {
		return err
	}
	if progress.View != view {
		return fmt.Errorf("run %d is of view %q, and cannot record progress of view %q", run.ID, view, progress.View)
	}
	return d.record(ctx, tx, project, progress)
}

// record merges progress with what is recorded. A rebuild is never less than its generation, and identifies the
// generation too.
func (d *DB) record(ctx context.Context, tx *sql.Tx, project string, progress *registry.Progress) error {
	if err := makeRow(ctx, tx, project, progress.View); err != nil {
		return err
	}
	// This statement changes nothing. It locks the row until the transaction ends, so that of two runs that finish at
	// once the second one reads what the first one has written.
	var there registry.Progress
	var text string
	err := tx.QueryRowContext(ctx, `UPDATE progress SET rebuild = rebuild WHERE project = $1 AND view = $2
		RETURNING rebuild, birth, mark, intervals`, project, progress.View).Scan(&there.Rebuild, &there.Birth, &there.Mark,
		&text)
	if err != nil || isNewer(&there, progress) {
		return err
	}
	intervals, mark := progress.Intervals, progress.Mark
	if isOfOneTable(&there, progress) {
		if there.Intervals, err = d.readIntervals(progress.View, text); err != nil {
			return err
		}
		if mark = max(mark, there.Mark); !progress.Replace {
			intervals = slices.Concat(there.Intervals, intervals)
		}
	}
	united, err := json.Marshal(registry.United(intervals))
	if err != nil {
		return fmt.Errorf("cannot record the progress of view %q: %w", progress.View, err)
	}
	_, err = tx.ExecContext(ctx, `UPDATE progress SET generation = $1, rebuild = $2, intervals = $3, birth = $4, mark = $5
		WHERE project = $6 AND view = $7`,
		progress.Generation, progress.Rebuild, string(united), progress.Birth, mark, project, progress.View)
	return err
}

// makeRow makes sure that there is a row for the view. One without intervals records nothing.
func makeRow(ctx context.Context, tx *sql.Tx, project, view string) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO progress (project, view, generation, rebuild, intervals)
		VALUES ($1, $2, 0, 0, '[]') ON CONFLICT (project, view) DO NOTHING`, project, view)
	return err
}

// isNewer says that what is recorded is of a newer rebuild than progress, or, in the same one, of a table that was born
// later: what was written to the older table is lost. If a run for rebuild 4 ends after one for rebuild 5 has recorded
// its progress, for example, its rows do not count.
func isNewer(recorded, progress *registry.Progress) bool {
	return recorded.Rebuild > progress.Rebuild ||
		recorded.Rebuild == progress.Rebuild && recorded.Birth > progress.Birth
}

// isOfOneTable says whether what is recorded and progress can be united. What has no birth was recorded by a version
// that set no marks, and counts as of the table that is there.
func isOfOneTable(recorded, progress *registry.Progress) bool {
	return recorded.Rebuild == progress.Rebuild && (recorded.Birth == progress.Birth || recorded.Birth == 0)
}

// NextMark returns the next number for a mark of a view. It is one statement that reads and writes, so that no two
// processes get the same number.
func (d *DB) NextMark(ctx context.Context, project, view string, above int64) (int64, error) {
	var mark int64
	err := d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if err := makeRow(ctx, tx, project, view); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `UPDATE progress
			SET last_mark = CASE WHEN last_mark > $1 THEN last_mark ELSE $1 END + 1
			WHERE project = $2 AND view = $3 RETURNING last_mark`, above, project, view).Scan(&mark)
	})
	return mark, err
}

// Forget removes a view's progress, but for the last mark, after which others are numbered.
func (d *DB) Forget(ctx context.Context, project, view string) error {
	return d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE progress SET intervals = '[]', birth = 0, mark = 0
			WHERE project = $1 AND view = $2`, project, view)
		return err
	})
}

// LastRuns returns the latest run of each view.
func (d *DB) LastRuns(ctx context.Context, project string) (map[string]registry.Run, error) {
	found := map[string]registry.Run{}
	err := d.query(ctx, func(rows *sql.Rows) error {
		run, err := d.scanRun(rows)
		found[run.View] = run
		return err
	}, "SELECT "+runColumns+", '[]' FROM runs WHERE id IN (SELECT max(id) FROM runs WHERE project = $1 GROUP BY view)",
		project)
	return found, err
}

// Runs returns every run of a view.
func (d *DB) Runs(ctx context.Context, project, view string) ([]registry.Run, error) {
	var found []registry.Run
	err := d.query(ctx, func(rows *sql.Rows) error {
		run, err := d.scanRun(rows)
		found = append(found, run)
		return err
	}, "SELECT "+runColumns+", files FROM runs WHERE project = $1 AND view = $2 ORDER BY id", project, view)
	return found, err
}

// runColumns are what scanRun reads, but for the files, which may be many.
const runColumns = `id, project, view, generation, window_start, window_end, started_at, finished_at, outcome,
	rows_read, rows_written, rows_older, null_keys, null_times, rows_skipped, bytes_written, tiles_written, error`

func (d *DB) scanRun(rows *sql.Rows) (registry.Run, error) {
	var (
		run      registry.Run
		started  int64
		finished *int64
		outcome  string
		files    string
	)
	err := rows.Scan(&run.ID, &run.Project, &run.View, &run.Generation, &run.Start, &run.End, &started, &finished,
		&outcome, &run.Read, &run.Written, &run.Older, &run.NullKeys, &run.NullTimes,
		&run.Skipped, &run.Bytes, &run.Tiles, &run.Error, &files)
	if err != nil {
		return run, err
	}
	if err := json.Unmarshal([]byte(files), &run.Inputs); err != nil {
		return run, fmt.Errorf("the registry %s is damaged: the files of run %d cannot be read: %w", d.engine, run.ID, err)
	}
	if len(run.Inputs) == 0 {
		run.Inputs = nil
	}
	run.StartedAt = time.UnixMicro(started).UTC()
	if finished != nil {
		run.FinishedAt = time.UnixMicro(*finished).UTC()
	}
	run.Outcome = registry.Outcome(outcome)
	return run, nil
}
