package sqldb_test

import (
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/registry/registrytest"
	"github.com/plumbstore/plumb/registry/sqldb"
)

func open(t *testing.T, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), "sqlite:"+path)
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

func TestTheSuiteOfARegistry(t *testing.T) {
	registrytest.Run(t, func(t *testing.T) registrytest.Database {
		path := filepath.Join(t.TempDir(), "folder", "registry.db")
		return func(t *testing.T) registrytest.Engine { return open(t, path) }
	})
}
