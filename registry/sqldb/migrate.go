package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"github.com/plumbstore/plumb/internal/fault"
)

//go:embed migrations/*/*.sql
var migrations embed.FS

// versionTable records the migrations that were made. The online store may share the file, and has another.
const versionTable = "registry_schema"

func newProvider(handle *sql.DB, dialect database.Dialect, folder string) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations/"+folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, handle, files, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true))
}

// isCurrent compares a schema's version with what this program knows, and refuses a newer one.
func isCurrent(provider *goose.Provider, version int64) (bool, error) {
	known := latest(provider)
	if version > known {
		return false, fmt.Errorf("%w (its schema version is %d, and %d the latest known)", fault.ErrNewer, version, known)
	}
	return version == known, nil
}

// latest is the version that this program brings a schema to.
func latest(provider *goose.Provider) int64 {
	sources := provider.ListSources()
	return sources[len(sources)-1].Version
}

// migrateSQLite brings the schema to the version that this program knows. A newer one is refused, and so is an older
// one if nothing may be written.
func migrateSQLite(ctx context.Context, handle *sql.DB, path string, writable bool) error {
	provider, err := newProvider(handle, goose.DialectSQLite3, "sqlite")
	if err != nil {
		return err
	}
	version, err := schemaVersion(ctx, handle)
	if err != nil {
		return err
	}
	if current, err := isCurrent(provider, version); current || err != nil {
		return err
	}
	if !writable {
		return fmt.Errorf("the registry %s has schema version %d, and may not be written to bring it to %d", path,
			version, latest(provider))
	}
	err = whileLocked(ctx, func() error { return upgrade(ctx, handle, provider, version) })
	if err != nil {
		return err
	}
	// Readers then need not wait for writers. It fails if another process has the file open just now, which then does it.
	_, _ = handle.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return nil
}

// upgrade makes the migrations that are missing, each in a transaction. Another process may be migrating too: the
// second to reach a migration fails at it, finds it made, and goes on with the next.
func upgrade(ctx context.Context, handle *sql.DB, provider *goose.Provider, version int64) error {
	for {
		_, err := provider.Up(ctx)
		if err == nil {
			return nil
		}
		reached, readErr := schemaVersion(ctx, handle)
		if readErr != nil || reached == version {
			return err
		}
		version = reached
	}
}

// schemaVersion is 0 for a database that has no registry in it yet.
func schemaVersion(ctx context.Context, handle *sql.DB) (int64, error) {
	var tables, version int64
	err := handle.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = $1",
		versionTable).Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	err = handle.QueryRowContext(ctx, "SELECT coalesce(max(version_id), 0) FROM "+versionTable).Scan(&version)
	return version, err
}
