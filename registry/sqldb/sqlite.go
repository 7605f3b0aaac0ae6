package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"github.com/mattn/go-sqlite3"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// sqliteEngine keeps a registry in a file.
type sqliteEngine struct {
	path   string
	disk   disk.Disk
	handle *sql.DB
}

func newSQLite(path string) (*sqliteEngine, error) {
	path, err := filepath.Abs(path)
	return &sqliteEngine{path: path}, err
}

func (e *sqliteEngine) String() string { return e.path }

func (e *sqliteEngine) existing(ctx context.Context) (_ *sql.DB, err error) {
	switch info, err := os.Stat(e.path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fault.Inputf("registry", "%s is a folder; name a file in it", e.path)
	}
	e.handle, err = openFile(ctx, e.path)
	return e.handle, err
}

func (e *sqliteEngine) create(ctx context.Context) (_ *sql.DB, err error) {
	e.handle, err = createFile(ctx, e.disk, e.path)
	return e.handle, err
}

func (e *sqliteEngine) close() error {
	if e.handle == nil {
		return nil
	}
	return e.handle.Close()
}

// bounded adds nothing: the wait for a lock is the only one.
func (e *sqliteEngine) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// SQLite waits for a lock without looking at the context, so it is made to wait for a short while, several times: for
// ten seconds in all.
const (
	busyMilliseconds = 500
	busyAttempts     = 20
)

func (e *sqliteEngine) patiently(ctx context.Context, try func() error) error {
	return whileLocked(ctx, try)
}

// whileLocked tries again while another process holds the lock, unless ctx is done.
func whileLocked(ctx context.Context, try func() error) error {
	for range busyAttempts - 1 {
		if err := try(); !isBusy(err) {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return try()
}

func isBusy(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrBusy || failure.Code == sqlite3.ErrLocked)
}

// dataSource names the file for the driver. Mode is one of SQLite's: rwc creates the file, rw and ro do not.
// Transactions take the write lock from their beginning, as the package's description says. With synchronous=FULL a
// commit that was acknowledged outlasts a power cut, in WAL mode too.
func dataSource(path, mode string) string {
	name := url.URL{Path: filepath.ToSlash(path)}
	return fmt.Sprintf("file:%s?mode=%s&_txlock=immediate&_busy_timeout=%d&_foreign_keys=on&_synchronous=FULL",
		name.EscapedPath(), mode, busyMilliseconds)
}

// createFile makes the file if there is none, and its folders. SQLite makes durable what is in the folder of the file,
// and not the folder itself.
func createFile(ctx context.Context, on disk.Disk, path string) (*sql.DB, error) {
	if err := on.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return openMode(ctx, path, "rwc")
}

// openFile opens an existing file: for writing if that is allowed, else for reading.
//
// A database in WAL mode cannot be read without its side files. If they do not exist and cannot be made, nobody is
// writing, and the file may be read as it is ("immutable").
func openFile(ctx context.Context, path string) (*sql.DB, error) {
	handle, err := openMode(ctx, path, "rw")
	if !isReadOnly(err) {
		return handle, err
	}
	handle, err = openMode(ctx, path, "ro")
	if !isReadOnly(err) {
		return handle, err
	}
	if info, missing := os.Stat(path + "-wal"); missing == nil && info.Size() > 0 {
		return nil, err
	}
	return openMode(ctx, path, "ro&immutable=1")
}

func openMode(ctx context.Context, path, mode string) (*sql.DB, error) {
	handle, err := sql.Open("sqlite3", dataSource(path, mode))
	if err != nil {
		return nil, err
	}
	if mode == "ro&immutable=1" {
		// What a connection has read of an immutable file it believes for good, so every statement gets a new one.
		handle.SetMaxIdleConns(-1)
	}
	if err := migrateSQLite(ctx, handle, path, mode == "rw" || mode == "rwc"); err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	return handle, nil
}

// isReadOnly reports whether what was tried needs to write, and may not.
func isReadOnly(err error) bool {
	var failure sqlite3.Error
	return errors.As(err, &failure) && (failure.Code == sqlite3.ErrReadonly || failure.Code == sqlite3.ErrCantOpen ||
		failure.Code == sqlite3.ErrPerm)
}

func (e *sqliteEngine) explain(err error) error {
	var failure sqlite3.Error
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return fmt.Errorf("the registry %s was not changed: %w; make room and do it again: %w", e.path,
			fault.ErrDiskFull, err)
	case errors.As(err, &failure):
		return e.explainCode(failure.Code, err)
	case errors.Is(err, fs.ErrPermission), errors.As(err, new(*fs.PathError)):
		return fmt.Errorf("the registry %s cannot be opened: %w", e.path, err)
	case errors.Is(err, fault.ErrNewer):
		return fmt.Errorf("the registry %s was %w", e.path, err)
	}
	return err
}

// isFull reports whether the disk is full. SQLite says so itself, or passes on what the system said.
func isFull(err error) bool {
	var failure sqlite3.Error
	if errors.As(err, &failure) && (failure.Code == sqlite3.ErrFull || isFull(failure.SystemErrno)) {
		return true
	}
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func (e *sqliteEngine) explainCode(code sqlite3.ErrNo, err error) error {
	switch code {
	case sqlite3.ErrNotADB:
		return fault.Inputf("registry", "%s is no SQLite database; name another file, or move it away", e.path)
	case sqlite3.ErrCorrupt:
		return fmt.Errorf("the registry %s is damaged; restore it from a backup: %w", e.path, err)
	case sqlite3.ErrReadonly, sqlite3.ErrPerm:
		return fmt.Errorf("the registry %s was not changed, since the file or its folder is read-only: %w", e.path, err)
	case sqlite3.ErrCantOpen:
		return fmt.Errorf("the registry %s cannot be opened; see that its folder is there and may be written: %w",
			e.path, err)
	case sqlite3.ErrBusy, sqlite3.ErrLocked:
		return fmt.Errorf("the registry %s is %w, since another process is writing to it: %w", e.path,
			fault.ErrUnavailable, err)
	}
	return fmt.Errorf("the registry %s: %w", e.path, err)
}
