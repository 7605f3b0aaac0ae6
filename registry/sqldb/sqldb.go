// Package sqldb keeps a registry in a SQL database: SQLite in one file.
//
// Several processes may use one file at once. Writes are short transactions that take SQLite's write lock from their
// beginning (BEGIN IMMEDIATE) and wait for one another, so that what a transaction reads is still so when it commits;
// that is all that compare-and-swap needs. Reads are single statements and never wait.
//
// The statements keep to what SQLite and PostgreSQL have in common; placeholders are numbered in order of first use,
// which both take. What differs (opening, migrations, what an error code means) is in the files sqlite.go and
// migrations/sqlite.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/plumbstore/plumb/registry"
)

// DB is a registry and its ledger. Its methods are safe for concurrent use.
type DB struct {
	path string

	mutex sync.Mutex
	// handle is nil until the file is there.
	handle *sql.DB
	closed bool
}

var (
	_ registry.Registry = (*DB)(nil)
	_ registry.Ledger   = (*DB)(nil)
)

// Open opens the registry that url names: "sqlite:" and a path. It creates nothing: a file that is not there reads as a
// registry that nothing was applied to, and appears with the first write, its folders too. A file that is there is
// brought to the current schema.
//
// It fails with a *registry.InputError for another url, a folder or a file that is no database, and with
// registry.ErrNewer for a file that a newer version of Plumb has written. A file or folder that may not be written can
// still be read.
func Open(ctx context.Context, url string) (*DB, error) {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok || path == "" {
		return nil, registry.Inputf("registry", "is not of the form sqlite:PATH")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db := &DB{path: path}
	if _, err := db.reader(ctx); err != nil {
		return nil, err
	}
	return db, nil
}

// Close releases the database. It may be called more than once.
func (d *DB) Close() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.closed = true
	if d.handle == nil {
		return nil
	}
	handle := d.handle
	d.handle = nil
	return d.explain(handle.Close())
}

var errClosed = errors.New("the registry is closed")

// reader returns the database, or nil where there is no file yet: then nothing was written.
func (d *DB) reader(ctx context.Context) (*sql.DB, error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.handle != nil || d.closed {
		return d.current()
	}
	switch info, err := os.Stat(d.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, d.explain(err)
	case info.IsDir():
		return nil, registry.Inputf("registry", "%s is a folder; name a file in it", d.path)
	}
	handle, err := openFile(ctx, d.path)
	if err != nil {
		return nil, d.explain(err)
	}
	d.handle = handle
	return handle, nil
}

// writer returns the database, and creates it where there is none.
func (d *DB) writer(ctx context.Context) (*sql.DB, error) {
	if handle, err := d.reader(ctx); handle != nil || err != nil {
		return handle, err
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.handle != nil || d.closed {
		return d.current()
	}
	handle, err := createFile(ctx, d.path)
	if err != nil {
		return nil, d.explain(err)
	}
	d.handle = handle
	return handle, nil
}

func (d *DB) current() (*sql.DB, error) {
	if d.closed {
		return nil, errClosed
	}
	return d.handle, nil
}

// write runs one transaction: all of it is done, or nothing.
func (d *DB) write(ctx context.Context, do func(*sql.Tx) error) error {
	handle, err := d.writer(ctx)
	if err != nil {
		return err
	}
	return d.explain(patiently(ctx, func() error { return transact(ctx, handle, do) }))
}

func transact(ctx context.Context, handle *sql.DB, do func(*sql.Tx) error) error {
	tx, err := handle.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(tx); err != nil {
		return err
	}
	return tx.Commit()
}
