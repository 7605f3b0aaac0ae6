// Package duckdb is the offline engine: it reads Parquet and SQL sources with DuckDB, joins them to label rows as of
// each row's instant, and finds the newest rows for materialization.
//
// Every operation runs in a DuckDB instance of its own, in memory with a private spill folder. Before any user SQL is
// bound, the instance is given the exact list of files it may touch, loses all other access to files, network and
// extensions, and its configuration is locked. So a SQL source can read the sources it names and nothing else.
package duckdb

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"
	"github.com/dustin/go-humanize"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Config says where sources are and what the engine may use.
type Config struct {
	// ProjectDir is the folder that source paths are relative to.
	ProjectDir string
	// Roots are the folders, relative to ProjectDir, below which sources must lie. None: nothing can be read.
	Roots []string
	// MemoryLimit bounds what an operation holds in memory, such as "2GB", which is the default. What exceeds it spills to
	// disk.
	MemoryLimit string
	// Threads is the number of worker threads; 0 for one for each core.
	Threads int
	// TempDir is the folder to make spill folders in, relative to ProjectDir; empty for the system's.
	TempDir string
	// TempLimit bounds the disk that one operation may spill to, such as "20GB"; empty for DuckDB's own default, 90 % of
	// what is free when the operation starts.
	TempLimit string
	// Disk is where results of joins are written, beside what DuckDB writes itself. It is the machine's unless it is set.
	Disk disk.Disk
}

// Engine implements offline.Store.
type Engine struct {
	config Config
	// folder is the project's, with symbolic links resolved.
	folder string
	// roots are absolute, with symbolic links resolved.
	roots []string
	// databaseBytes is DuckDB's part of the memory.
	databaseBytes uint64
	hashing       hashing
	choosing      choosing
}

// Open checks the configuration. It reads no source.
func Open(ctx context.Context, config Config) (*Engine, error) {
	project, err := filepath.Abs(config.ProjectDir)
	if err != nil {
		return nil, fmt.Errorf("project folder: %w", err)
	}
	config.ProjectDir = project
	memory, err := humanize.ParseBytes(cmp.Or(config.MemoryLimit, "2GB"))
	if err != nil {
		return nil, fmt.Errorf("memory limit %q: %w", config.MemoryLimit, err)
	}
	// A quarter is for the index of labels, and an eighth for what else Go's heap holds; see config.Offline.GoBytes.
	engine := &Engine{config: config, databaseBytes: memory / 8 * 5,
		choosing: choosing{indexBytes: int64(memory / 4), passes: 1}}
	if engine.config.TempDir, err = engine.tempDir(); err != nil {
		return nil, err
	}
	sweepSpills(engine.config.TempDir)
	if engine.folder, err = filepath.EvalSymlinks(project); err != nil {
		return nil, fmt.Errorf("project folder: %w", err)
	}
	for _, root := range config.Roots {
		resolved, err := filepath.EvalSymlinks(engine.absolute(root))
		if errors.Is(err, os.ErrNotExist) {
			continue // Nothing lies below a folder that is not there.
		}
		if err != nil {
			return nil, fmt.Errorf("offline root %s: %w", root, err)
		}
		engine.roots = append(engine.roots, resolved)
	}
	s, err := engine.newSession(ctx)
	if err != nil {
		return nil, err
	}
	return engine, s.Close()
}

// Close releases nothing: an Engine holds no instance between operations.
func (e *Engine) Close() error { return nil }

func (e *Engine) absolute(path string) string { return e.config.absolute(path) }

func (c Config) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(c.ProjectDir, path)
}

// tempDir is the folder for spill folders.
func (e *Engine) tempDir() (string, error) {
	if e.config.TempDir == "" {
		return os.TempDir(), nil
	}
	folder := e.absolute(e.config.TempDir)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fault.Inputf("offline.temp_dir", "folder %s does not exist; make it, or name another", folder)
	case err != nil:
		return "", fmt.Errorf("offline.temp_dir: %w", err)
	case !info.IsDir():
		return "", fault.Inputf("offline.temp_dir", "%s is not a folder; name one", folder)
	}
	return folder, nil
}

// Version returns the version of DuckDB.
func Version(ctx context.Context) (string, error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return "", fmt.Errorf("open DuckDB: %w", err)
	}
	defer db.Close()
	var version string
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return "", fmt.Errorf("ask DuckDB for its version: %w", err)
	}
	return version, nil
}

// session is one DuckDB instance with one connection. It is for one operation and not safe for concurrent use.
type session struct {
	db        *sql.DB
	conn      *sql.Conn
	config    Config
	spill     *spillFolder
	releases  []func()
	native    *native
	collector collector
	// keptBytes is the memory of the label indexes that keep features.
	keptBytes int64
	// arrowBytes bounds the memory of what is read from an Arrow file at a time: Go's part of the limit, since there is no
	// index yet.
	arrowBytes int64
}

// internalSchema holds our tables. No source can be named so, since names of sources begin with a letter.
const internalSchema = "_plumb"

func (e *Engine) newSession(ctx context.Context) (*session, error) {
	spill, err := makeSpill(e.config.TempDir)
	if err != nil {
		return nil, fmt.Errorf("make a spill folder; offline.temp_dir can name another place: %w", err)
	}
	s := &session{config: e.config, spill: spill, arrowBytes: e.choosing.indexBytes / 2 * 3}
	if err := s.open(ctx, e); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *session) open(ctx context.Context, e *Engine) error {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	s.db = sql.OpenDB(connector)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	// The zone is fixed so that neither the machine's nor the user's changes a result (R1).
	settings := []string{
		"SET TimeZone = 'UTC'",
		"SET temp_directory = " + quote.Literal(s.spill.path),
		"SET autoinstall_known_extensions = false",
		"SET autoload_known_extensions = false",
		fmt.Sprintf("SET memory_limit = '%dB'", e.databaseBytes),
		// How far a statement is is counted only for a progress bar, which need not be drawn.
		"SET enable_progress_bar = true",
		"SET enable_progress_bar_print = false",
		"CREATE SCHEMA " + internalSchema,
	}
	if e.config.TempLimit != "" {
		settings = append(settings, "SET max_temp_directory_size = "+quote.Literal(e.config.TempLimit))
	}
	if e.config.Threads > 0 {
		settings = append(settings, fmt.Sprintf("SET threads = %d", e.config.Threads))
	}
	for _, setting := range settings {
		if _, err := s.conn.ExecContext(ctx, setting); err != nil {
			return fmt.Errorf("configure DuckDB (%s): %w", setting, err)
		}
	}
	err = s.conn.Raw(func(driverConn any) (err error) {
		s.native, err = newNative(driverConn)
		return err
	})
	if err != nil {
		return err
	}
	return s.collector.register(s.native)
}

// confine takes all access to files away but for the ones given, and locks the configuration.
func (s *session) confine(ctx context.Context, files []string) error {
	quoted := make([]string, len(files))
	for i, file := range files {
		quoted[i] = quote.Literal(file)
	}
	for _, setting := range []string{
		"SET allowed_paths = [" + strings.Join(quoted, ", ") + "]",
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if _, err := s.conn.ExecContext(ctx, setting); err != nil {
			return fmt.Errorf("confine DuckDB: %w", err)
		}
	}
	return nil
}

func (s *session) exec(ctx context.Context, statement string) error {
	_, err := s.conn.ExecContext(ctx, statement)
	return s.explain(ctx, err)
}

func (s *session) QueryRow(ctx context.Context, query string, into ...any) error {
	return s.explain(ctx, s.conn.QueryRowContext(ctx, query).Scan(into...))
}

// queryRows calls scan for each row.
func (s *session) queryRows(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return s.explain(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.explain(ctx, rows.Err())
}

// withArrow lends the connection's Arrow interface.
func (s *session) withArrow(use func(*duckdb.Arrow) error) error {
	return s.conn.Raw(func(driverConn any) error {
		conn, ok := driverConn.(*duckdb.Conn)
		if !ok {
			return fmt.Errorf("connection is a %T", driverConn)
		}
		arrow, err := duckdb.NewArrowFromConn(conn)
		if err != nil {
			return fmt.Errorf("open DuckDB's Arrow interface: %w", err)
		}
		return use(arrow)
	})
}

// register makes an Arrow reader readable as a view, once.
func (s *session) register(reader array.RecordReader, view string) error {
	return s.withArrow(func(arrow *duckdb.Arrow) error {
		release, err := arrow.RegisterView(reader, view)
		if err != nil {
			return fmt.Errorf("hand Arrow data to DuckDB: %w", err)
		}
		s.releases = append(s.releases, release)
		return nil
	})
}

// Close ends the instance and removes its spill folder.
func (s *session) Close() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	for _, release := range s.releases {
		release()
	}
	errs = append(errs, s.spill.remove())
	return errors.Join(errs...)
}
