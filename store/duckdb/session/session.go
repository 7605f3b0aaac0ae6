package session

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/duckdb/duckdb-go/v2"

	"github.com/plumbstore/plumb/store/duckdb/native"
	"github.com/plumbstore/plumb/store/duckdb/quote"
)

// Session is one DuckDB instance with one connection. It is for one operation and not safe for concurrent use.
type Session struct {
	db       *sql.DB
	conn     *sql.Conn
	options  Options
	spill    *spillFolder
	releases []func() error
	native   *native.Connection
	// before is called with each statement before it runs; nil for nothing.
	before func(ctx context.Context, statement string) error
	// named is a text as users know it, with their names of files; nil for the text itself.
	named func(text string) string
}

// Schema holds our tables. No source can be named so, since names of sources begin with a letter.
const Schema = "_plumb"

// Options are how a session runs.
type Options struct {
	// DatabaseBytes bounds DuckDB's memory, and ArrowBytes that of what is read from an Arrow file at a time: Go's part of
	// the limit, since there is no index yet.
	DatabaseBytes uint64
	ArrowBytes    int64
	// Threads is the number of worker threads; 0 for one for each core.
	Threads int
	// TempDir is the folder to make the spill folder in.
	TempDir string
	// TempLimit bounds the disk that may be spilled to; empty for DuckDB's own default.
	TempLimit string
	// MemoryLimit is the limit as it is configured, for messages; empty if it is not.
	MemoryLimit string
}

// Open starts a DuckDB instance.
func Open(ctx context.Context, options Options) (*Session, error) {
	spill, err := makeSpill(options.TempDir)
	if err != nil {
		return nil, fmt.Errorf("make a spill folder; offline.temp_dir can name another place: %w", err)
	}
	s := &Session{options: options, spill: spill}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Session) open(ctx context.Context) error {
	connector, err := duckdb.NewConnector("?"+s.configuration().Encode(), nil)
	if err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	s.db = sql.OpenDB(connector)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return fmt.Errorf("open DuckDB: %w", err)
	}
	settings := []string{
		// The zone is fixed so that neither the machine's nor the user's changes a result (R1).
		"SET TimeZone = 'UTC'",
		// How far a statement is is counted only for a progress bar, which need not be drawn.
		"SET enable_progress_bar = true",
		"SET enable_progress_bar_print = false",
		"CREATE SCHEMA " + Schema,
	}
	if s.options.TempLimit != "" { // An instance does not begin with it, but ignores it then.
		settings = append(settings, "SET max_temp_directory_size = "+quote.Literal(s.options.TempLimit))
	}
	for _, setting := range settings {
		if _, err := s.conn.ExecContext(ctx, setting); err != nil {
			return fmt.Errorf("configure DuckDB (%s): %w", setting, err)
		}
	}
	err = s.conn.Raw(func(driverConn any) (err error) {
		s.native, err = native.Of(driverConn)
		return err
	})
	return err
}

// configuration is what an instance begins with, which takes less than statements that change it.
func (s *Session) configuration() url.Values {
	configuration := url.Values{
		"temp_directory":               {s.spill.path},
		"autoinstall_known_extensions": {"false"},
		"autoload_known_extensions":    {"false"},
		"memory_limit":                 {fmt.Sprintf("%dB", s.options.DatabaseBytes)},
		// The system caches files. DuckDB's own cache copies what is read once more, and asks for each block whether the
		// file is still the same.
		"enable_external_file_cache": {"false"},
	}
	if s.options.Threads > 0 {
		configuration.Set("threads", strconv.Itoa(s.options.Threads))
	}
	return configuration
}

// KeepFooters lets DuckDB read the footers of Parquet files once, and not in every statement, if they do not take too
// much memory: DuckDB counts the given bytes, and its form of a footer takes about ten times as many. It is called
// before Confine.
func (s *Session) KeepFooters(ctx context.Context, bytes int64) error {
	if uint64(bytes) > s.options.DatabaseBytes/128 {
		return nil
	}
	return s.ExecUnexplained(ctx, "SET parquet_metadata_cache = true")
}

// Confine takes all access to files away but for the ones given, and locks the configuration. The order of the settings
// matters: paths can be allowed only while there is access, and nothing can be set once the configuration is locked.
func (s *Session) Confine(ctx context.Context, files []string) error {
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

// Before has something done with each statement before it runs, such as fetching what it is going to read. An error of
// it is that of the statement.
func (s *Session) Before(do func(ctx context.Context, statement string) error) { s.before = do }

// CallFiles has the paths in texts replaced by the names that users know.
func (s *Session) CallFiles(named func(text string) string) { s.named = named }

// Named is a text with the names of files that users know.
func (s *Session) Named(text string) string {
	if s.named == nil {
		return text
	}
	return s.named(text)
}

// Plan is DuckDB's plan of a statement, in its own form of JSON. It says false if there is none, as of a statement with
// a mistake.
func (s *Session) Plan(ctx context.Context, statement string) (plan string, ok bool) {
	var kind string
	err := s.conn.QueryRowContext(ctx, "EXPLAIN (FORMAT json) "+statement).Scan(&kind, &plan)
	return plan, err == nil
}

// prepare does what is to be done before a statement.
func (s *Session) prepare(ctx context.Context, statement string) error {
	if s.before == nil {
		return nil
	}
	return s.before(ctx, statement)
}

// Exec runs a statement.
func (s *Session) Exec(ctx context.Context, statement string) error {
	return s.Explain(ctx, s.ExecUnexplained(ctx, statement))
}

// ExecUnexplained runs a statement, and returns DuckDB's own error, for Explain.
func (s *Session) ExecUnexplained(ctx context.Context, statement string) error {
	if err := s.prepare(ctx, statement); err != nil {
		return err
	}
	_, err := s.conn.ExecContext(ctx, statement)
	return err
}

// Native is the connection below the driver, for functions of our own.
func (s *Session) Native() *native.Connection { return s.native }

// ArrowBytes bounds the memory of what is read from an Arrow file at a time.
func (s *Session) ArrowBytes() int64 { return s.options.ArrowBytes }

// OnClose has something done once the instance is closed.
func (s *Session) OnClose(release func()) {
	s.EndWith(func() error {
		release()
		return nil
	})
}

// EndWith has something done once the instance is closed, whose error is that of Close.
func (s *Session) EndWith(release func() error) { s.releases = append(s.releases, release) }

// QueryRow scans the one row of a query's answer.
func (s *Session) QueryRow(ctx context.Context, query string, into ...any) error {
	if err := s.prepare(ctx, query); err != nil {
		return err
	}
	return s.Explain(ctx, s.conn.QueryRowContext(ctx, query).Scan(into...))
}

// QueryRows calls scan for each row.
func (s *Session) QueryRows(ctx context.Context, query string, scan func(*sql.Rows) error) error {
	if err := s.prepare(ctx, query); err != nil {
		return err
	}
	rows, err := s.conn.QueryContext(ctx, query)
	if err != nil {
		return s.Explain(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.Explain(ctx, rows.Err())
}

// withNative lends the connection below the driver, which nothing else uses meanwhile.
func (s *Session) withNative(use func(*native.Connection) error) error {
	return s.conn.Raw(func(any) error { return use(s.native) })
}

// Register makes an Arrow reader readable as a view, once.
func (s *Session) Register(reader array.RecordReader, view string) error {
	return s.withNative(func(conn *native.Connection) error {
		release, err := conn.RegisterReader(reader, view)
		if err != nil {
			return err
		}
		s.OnClose(release)
		return nil
	})
}

// Close ends the instance and removes its spill folder.
func (s *Session) Close() error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	for _, release := range s.releases {
		errs = append(errs, release())
	}
	errs = append(errs, s.spill.remove())
	return errors.Join(errs...)
}
