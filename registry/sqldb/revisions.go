package sqldb

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Current returns the newest revision of the project.
func (d *DB) Current(ctx context.Context, project string) (*registry.Snapshot, error) {
	handle, err := d.reader(ctx)
	if err != nil {
		return nil, err
	}
	if handle == nil {
		return registry.NewSnapshot(project, 0, nil)
	}
	var (
		number  int64
		content []byte
	)
	err = handle.QueryRowContext(ctx,
		"SELECT number, state FROM revisions WHERE project = $1 ORDER BY number DESC LIMIT 1",
		project).Scan(&number, &content)
	if errors.Is(err, sql.ErrNoRows) {
		return registry.NewSnapshot(project, 0, nil)
	}
	if err != nil {
		return nil, d.explain(err)
	}
	state := &plumbv1.State{}
	if err := proto.Unmarshal(content, state); err != nil {
		return nil, fmt.Errorf("the registry %s is damaged: revision %d of project %q cannot be read: %w", d.path, number,
			project, err)
	}
	return registry.NewSnapshot(project, number, state)
}

// Apply makes the commit the next revision.
func (d *DB) Apply(ctx context.Context, commit registry.Commit) (int64, error) {
	next := commit.Base + 1
	// What does not resolve could never be read again.
	if _, err := registry.NewSnapshot(commit.Project, next, commit.State); err != nil {
		return 0, fmt.Errorf("cannot apply to project %q: %w", commit.Project, err)
	}
	state, err := proto.MarshalOptions{Deterministic: true}.Marshal(commit.State)
	if err != nil {
		return 0, fmt.Errorf("cannot apply to project %q: %w", commit.Project, err)
	}
	changes, err := json.Marshal(append([]string{}, commit.Changes...))
	if err != nil {
		return 0, fmt.Errorf("cannot apply to project %q: %w", commit.Project, err)
	}
	return next, d.write(ctx, func(tx *sql.Tx) error {
		var current int64
		err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) FROM revisions WHERE project = $1",
			commit.Project).Scan(&current)
		if err != nil {
			return err
		}
		if current != commit.Base {
			return fmt.Errorf("project %q is at revision %d, not %d: %w", commit.Project, current, commit.Base,
				registry.ErrConflict)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO revisions (project, number, state, changes, applied_by, applied_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			commit.Project, next, nonNil(state), string(changes), commit.By, commit.At.UnixMicro())
		return err
	})
}

// nonNil keeps the driver from taking an empty state for a null.
func nonNil(content []byte) []byte { return append([]byte{}, content...) }

// History returns every revision of the project, newest first.
func (d *DB) History(ctx context.Context, project string) ([]registry.Revision, error) {
	handle, err := d.reader(ctx)
	if handle == nil || err != nil {
		return nil, err
	}
	rows, err := handle.QueryContext(ctx,
		"SELECT number, changes, applied_by, applied_at FROM revisions WHERE project = $1 ORDER BY number DESC", project)
	if err != nil {
		return nil, d.explain(err)
	}
	defer rows.Close()
	var history []registry.Revision
	for rows.Next() {
		var (
			revision registry.Revision
			changes  string
			at       int64
		)
		if err := rows.Scan(&revision.Number, &changes, &revision.By, &at); err != nil {
			return nil, d.explain(err)
		}
		if err := json.Unmarshal([]byte(changes), &revision.Changes); err != nil {
			return nil, fmt.Errorf("the registry %s is damaged: the changes of revision %d cannot be read: %w", d.path,
				revision.Number, err)
		}
		revision.At = time.UnixMicro(at).UTC()
		history = append(history, revision)
	}
	return history, d.explain(rows.Err())
}
