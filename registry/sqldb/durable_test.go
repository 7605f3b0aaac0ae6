package sqldb

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

func TestTheFolderOfARegistrySurvivesAPowerFailure(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "state", "registry", "registry.db")
	system := faulty.New(t, root, faulty.Fault{Survivors: faulty.Nothing})
	engine := &sqliteEngine{path: path, disk: disk.On(system)}
	if _, err := engine.create(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := engine.close(); err != nil {
		t.Fatal(err)
	}
	system.PowerFails()
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		t.Error(err)
	}
}
