package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/plumbstore/plumb/internal/fault"
)

const (
	// applicationID marks the file as an online store: "PLMo".
	applicationID = 0x504c4d6f
	// schemaVersion changes with the tables below. A file of an older version is upgraded (older.go), one of a newer
	// version is refused.
	schemaVersion = 2
)

// Tables are named once and have a number in their rows; numbers are never given again. A table without row ids keeps
// the rows themselves in the index by key that a look-up searches. The precedence of a row is what it begins with
// (packed.PrecedenceSize), body is the rest.
const createTables = `
CREATE TABLE tables (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	project    TEXT    NOT NULL,
	view       TEXT    NOT NULL,
	generation INTEGER NOT NULL,
	UNIQUE (project, view, generation)
) STRICT;
CREATE TABLE packed_rows (
	owner      INTEGER NOT NULL,
	key        BLOB    NOT NULL,
	precedence BLOB    NOT NULL,
	body       BLOB    NOT NULL,
	PRIMARY KEY (owner, key)
) STRICT, WITHOUT ROWID`

var setVersion = fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, schemaVersion)

// prepare makes sure that the file is an online store of this version. A file that is ready is only read, so that
// opening one never waits for a writer. A new file is first brought into WAL mode, which SQLite cannot do within the
// transaction that makes the tables.
func (s *Store) prepare(ctx context.Context) error {
	version, err := s.version(ctx, s.reader)
	switch {
	case err != nil || version == schemaVersion:
		return err
	case version == 0:
		if err := s.switchToWAL(ctx); err != nil {
			return s.explain(ctx, "open", err)
		}
	}
	return s.transact(ctx, "open", func(tx *sql.Tx) error {
		version, err := s.version(ctx, tx)
		switch {
		case err != nil || version == schemaVersion:
			return err // Another process has been here in the meantime.
		case version == 0:
			_, err = tx.ExecContext(ctx, createTables+";"+setVersion)
		default:
			err = upgrade(ctx, tx)
		}
		if err != nil {
			return s.explain(ctx, "open", err)
		}
		return nil
	})
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version returns the version of the file; an empty one has 0.
func (s *Store) version(ctx context.Context, db querier) (int64, error) {
	var application, version, tables int64
	err := s.patiently(ctx, func() error {
		row := db.QueryRowContext(ctx, `SELECT a.application_id, v.user_version, (SELECT count(*) FROM sqlite_master)
			FROM pragma_application_id AS a, pragma_user_version AS v`)
		return row.Scan(&application, &version, &tables)
	})
	if err != nil {
		return 0, s.explain(ctx, "open", err)
	}
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID || version < 1:
		return 0, fmt.Errorf("online store %s: this is a SQLite database of something else; name another file", s.path)
	case version > schemaVersion:
		return 0, fmt.Errorf("online store %s: it has version %d, this version of plumb reads up to %d: %w", s.path,
			version, schemaVersion, fault.ErrNewer)
	}
	return version, nil
}

// switchToWAL is done once in a file's life. It takes the whole file, so that of several processes that open a new
// file at once all but one have to wait.
func (s *Store) switchToWAL(ctx context.Context) error {
	return s.patiently(ctx, func() error {
		_, err := s.writer.ExecContext(ctx, "PRAGMA journal_mode = WAL")
		return err
	})
}

// patiently does again what fails because another process has the file locked, until the store's patience ends or the
// context does. SQLite could wait by itself, but would not hear of the context meanwhile.
func (s *Store) patiently(ctx context.Context, do func() error) error {
	patience := time.NewTimer(s.patience)
	defer patience.Stop()
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for {
		err := do()
		var failure sqlite3.Error
		if !errors.As(err, &failure) || failure.Code != sqlite3.ErrBusy {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-patience.C:
			return err
		case <-retry.C:
		}
	}
}

// transact runs do in a transaction that has the file to itself. do explains its own errors.
func (s *Store) transact(ctx context.Context, did string, do func(*sql.Tx) error) error {
	var tx *sql.Tx
	err := s.patiently(ctx, func() (err error) {
		tx, err = s.writer.BeginTx(ctx, nil)
		return err
	})
	if err != nil {
		return s.explain(ctx, did, err)
	}
	if err := do(tx); err != nil {
		// The error that counts is the one that was; the rollback of a broken transaction adds nothing to it.
		_ = tx.Rollback()
		return err
	}
	if err := tx.Commit(); err != nil {
		return s.explain(ctx, did, err)
	}
	return nil
}
