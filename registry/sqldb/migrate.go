package sqldb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"github.com/plumbstore/plumb/registry"
)

//go:embed migrations/sqlite/*.sql
var migrations embed.FS

// versionTable records the migrations that were made. The online store may share the file, and has another.
const versionTable = "registry_schema"

// migrate brings the schema to the version that this program knows. A newer one is refused, and so is an older one
// where nothing may be written.
func migrate(ctx context.Context, handle *sql.DB, path string, writable bool) error {
	provider, err := newProvider(handle)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	known := sources[len(sources)-1].Version
	version, err := schemaVersion(ctx, handle)
	switch {
	case err != nil:
		return err
	case version > known:
		return fmt.Errorf("%w (its schema version is %d, and %d the latest known)", registry.ErrNewer, version, known)
	case version == known:
		return nil
	case !writable:
		return fmt.Errorf("the registry %s has schema version %d, and may not be written to bring it to %d", path,
			version, known)
	}
	err = patiently(ctx, func() error { return upgrade(ctx, handle, provider, version) })
	if err != nil {
		return err
	}
	// Readers then need not wait for writers. It fails where another process has the file open just now, which then does
	// it.
	_, _ = handle.ExecContext(ctx, "PRAGMA journal_mode = WAL")
	return nil
}

func newProvider(handle *sql.DB) (*goose.Provider, error) {
	folder, err := fs.Sub(migrations, "migrations/sqlite")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, handle, folder, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true))
}

// upgrade makes the migrations that are missing, each in a transaction. Another process may be at it too: whoever comes
// second to a migration fails at it, finds it made, and goes on with the next.
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
