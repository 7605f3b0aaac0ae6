package sqldb

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// Current returns the newest revision of the project.
func (d *DB) Current(ctx context.Context, project string) (*feature.Snapshot, error) {
	var (
		number  int64
		content []byte
	)
	err := d.query(ctx, func(rows *sql.Rows) error { return rows.Scan(&number, &content) },
		"SELECT number, state FROM revisions WHERE project = $1 ORDER BY number DESC LIMIT 1", project)
	if err != nil {
		return nil, err
	}
	if number == 0 {
		return feature.NewSnapshot(project, 0, nil)
	}
	return d.decode(project, number, content)
}

// At returns a revision by its number.
func (d *DB) At(ctx context.Context, project string, revision int64) (*feature.Snapshot, error) {
	found := false
	var content []byte
	err := d.query(ctx, func(rows *sql.Rows) error { found = true; return rows.Scan(&content) },
		"SELECT state FROM revisions WHERE project = $1 AND number = $2", project, revision)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, &fault.NotFoundError{Kind: "revision", Name: strconv.FormatInt(revision, 10)}
	}
	return d.decode(project, revision, content)
}

// decoded is a stored state and its snapshot, which is immutable. The content is compared as a whole: the number alone
// would not tell that a backup was restored. So the state is still read from the database at each call, and only
// decoding it and resolving its definitions is saved.
type decoded struct {
	project  string
	content  []byte
	snapshot *feature.Snapshot
}

func (d *decoded) is(project string, number int64, content []byte) bool {
	return d != nil && d.project == project && d.snapshot.Revision == number && bytes.Equal(d.content, content)
}

// decode makes a snapshot of a stored state.
func (d *DB) decode(project string, number int64, content []byte) (*feature.Snapshot, error) {
	if latest := d.latest.Load(); latest.is(project, number, content) {
		return latest.snapshot, nil
	}
	state := &plumbv1.State{}
	if err := proto.Unmarshal(content, state); err != nil {
		return nil, fmt.Errorf("the registry %s is damaged: revision %d of project %q cannot be read: %w", d.engine, number,
			project, err)
	}
	snapshot, err := feature.NewSnapshot(project, number, state)
	if err != nil {
		return nil, err
	}
	d.latest.Store(&decoded{project: project, content: content, snapshot: snapshot})
	return snapshot, nil
}

// Apply makes the commit the next revision. It is a compare-and-swap: if another revision has been applied since the
// one that the commit was planned against, it fails with fault.ErrConflict, and nothing is written. The state is
// marshaled deterministically, so that equal states are equal bytes.
func (d *DB) Apply(ctx context.Context, commit registry.Commit) (int64, error) {
	next := commit.Base + 1
	// What does not resolve could never be read again.
	if _, err := feature.NewSnapshot(commit.Project, next, commit.State); err != nil {
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
	return next, d.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		var current int64
		err := tx.QueryRowContext(ctx, "SELECT coalesce(max(number), 0) FROM revisions WHERE project = $1",
			commit.Project).Scan(&current)
		if err != nil {
			return err
		}
		if current != commit.Base {
			return fmt.Errorf("project %q is at revision %d, not %d: %w", commit.Project, current, commit.Base,
				fault.ErrConflict)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO revisions (project, number, state, changes, applied_by, applied_at)
			VALUES ($1, $2, $3, $4, $5, $6)`,
			commit.Project, next, nonNil(state), string(changes), plain(commit.By), commit.At.UnixMicro())
		return err
	})
}

// nonNil keeps the driver from taking an empty state for a null.
func nonNil(content []byte) []byte { return append([]byte{}, content...) }

// History returns every revision of the project, newest first.
func (d *DB) History(ctx context.Context, project string) ([]registry.Revision, error) {
	var history []registry.Revision
	err := d.query(ctx, func(rows *sql.Rows) error {
		revision, err := d.scanRevision(rows)
		history = append(history, revision)
		return err
	}, "SELECT number, changes, applied_by, applied_at FROM revisions WHERE project = $1 ORDER BY number DESC", project)
	return history, err
}

func (d *DB) scanRevision(rows *sql.Rows) (registry.Revision, error) {
	var (
		revision registry.Revision
		changes  string
		at       int64
	)
	if err := rows.Scan(&revision.Number, &changes, &revision.By, &at); err != nil {
		return revision, err
	}
	if err := json.Unmarshal([]byte(changes), &revision.Changes); err != nil {
		return revision, fmt.Errorf("the registry %s is damaged: the changes of revision %d cannot be read: %w", d.engine,
			revision.Number, err)
	}
	revision.At = time.UnixMicro(at).UTC()
	return revision, nil
}
