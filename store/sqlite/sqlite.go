// Package sqlite keeps online rows in one SQLite file: the embedded default, with nothing to start.
//
// The file is in WAL mode, so that plumb serve reads while plumb materialize writes, each in its own process. SQLite
// keeps two files beside it meanwhile, so even a process that only reads needs a folder that it can write to.
//
// All views of all projects are in one table, by a number for each generation of a view, and entity key. The newest row
// wins by the condition of the statement that writes (R14), whatever order writes come in, and a call of Write is one
// transaction. Nothing is removed for its age: an expired row stays until a newer one replaces it or its
// view is removed, and look-ups say EXPIRED of it (R13).
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	sqlite3 "github.com/mattn/go-sqlite3"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
)

// Store is an online store in one file. It implements online.Store.
type Store struct {
	path string
	// disk has the folder, which SQLite does not make durable itself.
	disk disk.Disk
	// writer has one connection: writers of one process queue for it, under their contexts, rather than for the file.
	writer *sql.DB
	reader *sql.DB
	// patience is how long a call waits for another process's transaction.
	patience time.Duration
	now      func() time.Time
	// chunk is the number of rows or keys in one statement.
	chunk int
	// owners has the number of each online.Table that is known.
	owners sync.Map
}

var _ online.Store = (*Store)(nil)

const (
	defaultPatience = 5 * time.Second
	// retryEvery is how often a lock is tried again; SQLite itself waits as long in between.
	retryEvery = 10 * time.Millisecond
)

// defaultChunk keeps the parameters of a statement (at most four for each row) far below SQLite's limit.
const defaultChunk = 500

// Open opens the file, and creates it and its folder if it does not exist. It fails with an error that wraps
// fault.ErrUnavailable if the file cannot be opened or stays locked, with one that wraps fault.ErrNewer if a newer
// version of Plumb has written it, and with any other error if it is not an online store.
func Open(ctx context.Context, path string, options ...Option) (*Store, error) {
	return open(ctx, path, defaultPatience, options...)
}

// Option changes how a store is opened.
type Option func(*Store)

// WithClock makes the store read the time from now, which is the machine's clock otherwise.
func WithClock(now func() time.Time) Option { return func(s *Store) { s.now = now } }

func open(ctx context.Context, path string, patience time.Duration, options ...Option) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("online store: %w", err)
	}
	s := &Store{path: path, patience: patience, chunk: defaultChunk}
	s.now = time.Now //nolint:forbidigo // The clock if none is injected.
	for _, option := range options {
		option(s)
	}
	// Who made the file had made its folder durable before.
	if _, missing := os.Stat(path); missing != nil {
		if err := s.disk.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, fmt.Errorf("online store %s: cannot make its folder: %w: %w", path, err, fault.ErrUnavailable)
		}
	}
	if s.writer, err = s.connect("_txlock=immediate&_synchronous=FULL", 1); err != nil {
		return nil, err
	}
	if s.reader, err = s.connect("_query_only=true", max(4, runtime.NumCPU())); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	if err := s.prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// connect returns a pool for the file. No connection is made yet.
func (s *Store) connect(options string, connections int) (*sql.DB, error) {
	// A file: URI, since a bare path ends at its first question mark.
	file := url.URL{Scheme: "file", Path: s.path,
		RawQuery: fmt.Sprintf("%s&_busy_timeout=%d", options, retryEvery.Milliseconds())}
	db, err := sql.Open(driver, file.String())
	if err != nil {
		return nil, s.explain(context.Background(), "open", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// Close closes the file.
func (s *Store) Close() error {
	if err := errors.Join(s.reader.Close(), s.writer.Close()); err != nil {
		return s.explain(context.Background(), "close", err)
	}
	return nil
}

// explain says in one sentence what went wrong with which file.
func (s *Store) explain(ctx context.Context, did string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	var failure sqlite3.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("online store %s: %s: %w", s.path, did, err)
	}
	if failure.Code == sqlite3.ErrFull || failure.SystemErrno == syscall.ENOSPC || failure.SystemErrno == syscall.EDQUOT {
		return fmt.Errorf("online store %s: %s: %w; make room and do it again: %w", s.path, did, fault.ErrDiskFull, err)
	}
	advice, reachable := s.advise(failure.Code)
	if !reachable {
		err = fmt.Errorf("%w: %w", err, fault.ErrUnavailable)
	}
	return fmt.Errorf("online store %s: %s: %s%w", s.path, did, advice, err)
}

// advise returns what an error code of SQLite means to the user, and whether the file could be reached at all.
func (s *Store) advise(code sqlite3.ErrNo) (advice string, reachable bool) {
	switch code {
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Sprintf("another process has kept it locked for %s: ", s.patience), false
	case sqlite3.ErrCantOpen, sqlite3.ErrPerm, sqlite3.ErrReadonly:
		return "the file and its folder must be there and writable: ", false
	case sqlite3.ErrIoErr:
		return "the disk failed: ", false
	case sqlite3.ErrNotADB:
		return "this is not a SQLite database; name another file, or remove it: ", true
	case sqlite3.ErrCorrupt:
		return "the file is damaged; remove it and materialize again with --full: ", true
	}
	return "", true
}
