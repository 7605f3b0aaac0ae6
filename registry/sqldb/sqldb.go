// Package sqldb keeps a registry in a SQL database: SQLite in one file, or PostgreSQL.
//
// Several processes may use one registry at once. Writes are short transactions, each of which is done or leaves
// nothing, and is tried again while another one stands in its way. In SQLite a transaction takes the write lock from
// its beginning (BEGIN IMMEDIATE), so that what it reads is still so when it commits. In PostgreSQL two that make the
// same revision (READ COMMITTED) collide at its primary key: the second fails, is tried again, and then sees the first.
// Either is all that compare-and-swap needs. Reads are single statements and never wait for writes.
//
// The statements keep to what SQLite and PostgreSQL have in common; placeholders are numbered in order of first use,
// which both take. What differs (opening, migrations, what an error code means) is in the files sqlite.go and
// postgres.go and in migrations.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync/atomic"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry"
)

// DB is a registry and its ledger. Its methods are safe for concurrent use.
type DB struct {
	engine engine

	// turn is full while somebody reads or sets the fields below. Opening can take long, and the others wait for it no
	// longer than their contexts allow.
	turn chan struct{}
	// handle is nil until there is something to read or write.
	handle *sql.DB
	closed bool

	// latest is what was decoded last. Materializing 2,000 views asks for the same revision 4,000 times.
	latest atomic.Pointer[decoded]
}

var (
	_ registry.Registry    = (*DB)(nil)
	_ registry.Ledger      = (*DB)(nil)
	_ registry.ShardLedger = (*DB)(nil)
)

// engine is what SQLite and PostgreSQL do in their own ways.
type engine interface {
	// existing returns the database, brought to the current schema, or nil if nothing was ever written.
	existing(ctx context.Context) (*sql.DB, error)
	// create returns the database, and makes what is missing.
	create(ctx context.Context) (*sql.DB, error)
	// close releases what existing and create returned.
	close() error
	// bounded is ctx with a time limit for one call, if the engine could wait forever.
	bounded(ctx context.Context) (context.Context, context.CancelFunc)
	// patiently tries again while others stand in the way. What is tried must have done nothing if it fails.
	patiently(ctx context.Context, try func() error) error
	// explain says in one sentence what failed and what to do. It returns nil for nil.
	explain(err error) error
	// String names the registry, without secrets.
	String() string
}

// Open opens the registry that url names: "sqlite:" and a path, or a postgres:// URL. It creates nothing: if there is
// no file, or no tables, it reads as a registry that nothing was applied to, and they appear with the first write. An
// existing registry is brought to the current schema.
//
// It fails with a *fault.InputError for another url, for a folder or a file that is not a database, and for a database,
// user or password that PostgreSQL does not know; with fault.ErrNewer for a registry that a newer version of Plumb has
// written; and with fault.ErrUnavailable if PostgreSQL cannot be reached. What may not be written can still be read.
func Open(ctx context.Context, url string) (*DB, error) {
	engine, err := newEngine(url)
	if err != nil {
		return nil, err
	}
	db := &DB{engine: engine, turn: make(chan struct{}, 1)}
	if _, err := db.reader(ctx); err != nil {
		return nil, errors.Join(wrongAddress(err), engine.close())
	}
	return db, nil
}

func newEngine(url string) (engine, error) {
	switch scheme, rest, _ := strings.Cut(url, ":"); {
	case scheme == "postgres" || scheme == "postgresql":
		return newPostgres(url)
	case scheme == "sqlite" && rest != "":
		return newSQLite(rest)
	}
	return nil, fault.Inputf("registry", "is not of the form sqlite:PATH or postgres://host:port/database")
}

// Close releases the database. It may be called more than once.
func (d *DB) Close() error {
	d.turn <- struct{}{}
	defer func() { <-d.turn }()
	if d.closed {
		return nil
	}
	d.closed, d.handle = true, nil
	return d.engine.explain(d.engine.close())
}

var errClosed = errors.New("the registry is closed")

// reader returns the database, or nil if nothing was written yet.
func (d *DB) reader(ctx context.Context) (*sql.DB, error) { return d.reach(ctx, d.engine.existing) }

// writer returns the database, and creates it if there is none.
func (d *DB) writer(ctx context.Context) (*sql.DB, error) {
	if handle, err := d.reader(ctx); handle != nil || err != nil {
		return handle, err
	}
	return d.reach(ctx, d.engine.create)
}

func (d *DB) reach(ctx context.Context, open func(context.Context) (*sql.DB, error)) (*sql.DB, error) {
	select {
	case d.turn <- struct{}{}:
		defer func() { <-d.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if d.closed {
		return nil, errClosed
	}
	if d.handle != nil {
		return d.handle, nil
	}
	bounded, cancel := d.engine.bounded(ctx)
	defer cancel()
	handle, err := open(bounded)
	if err != nil {
		return nil, d.explain(ctx, err)
	}
	d.handle = handle
	return handle, nil
}

// query reads rows, one scan each, with one statement. It reads none if nothing was written yet.
func (d *DB) query(ctx context.Context, scan func(*sql.Rows) error, statement string, args ...any) error {
	handle, err := d.reader(ctx)
	if handle == nil || err != nil {
		return err
	}
	bounded, cancel := d.engine.bounded(ctx)
	defer cancel()
	rows, err := handle.QueryContext(bounded, statement, args...)
	if err != nil {
		return d.explain(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return d.explain(ctx, err)
		}
	}
	return d.explain(ctx, rows.Err())
}

// write runs one transaction: all of it is done, or nothing. Its statements take the context that it is given.
func (d *DB) write(ctx context.Context, do func(context.Context, *sql.Tx) error) error {
	handle, err := d.writer(ctx)
	if err != nil {
		return err
	}
	bounded, cancel := d.engine.bounded(ctx)
	defer cancel()
	err = d.engine.patiently(bounded, func() error { return transact(bounded, handle, do) })
	return d.explain(ctx, err)
}

// transact marks an error of the commit (commitError). After any other error nothing was done. After that one it may
// not be known, if the connection broke before the answer came.
func transact(ctx context.Context, handle *sql.DB, do func(context.Context, *sql.Tx) error) error {
	tx, err := handle.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := do(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{err}
	}
	return nil
}

// explain says what failed. If the caller's context is done, that is the reason given.
func (d *DB) explain(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return d.engine.explain(err)
}

// plain is text that every database can hold: valid UTF-8 without the byte 0, with U+FFFD for what is not.
func plain(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
}
