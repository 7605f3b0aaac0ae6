package sqldb_test

import (
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/postgrestest"
	"github.com/plumbstore/plumb/registry/registrytest"
	"github.com/plumbstore/plumb/registry/sqldb"
)

func open(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	return openURL(t, "sqlite:"+path)
}

func openURL(t *testing.T, url string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return db
}

func TestTheSuiteOfARegistry_InSQLite(t *testing.T) {
	registrytest.Run(t, func(t *testing.T) registrytest.Database {
		path := filepath.Join(t.TempDir(), "folder", "registry.db")
		return func(t *testing.T) registrytest.Engine { return open(t, path) }
	})
}

func TestTheSuiteOfARegistry_InPostgreSQL(t *testing.T) {
	server := postgrestest.Start(t)
	registrytest.Run(t, func(*testing.T) registrytest.Database {
		url := server.Database()
		return func(t *testing.T) registrytest.Engine { return openURL(t, url) }
	})
}
