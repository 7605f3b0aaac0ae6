package sqlite

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

func TestTheFolderOfAStoreSurvivesAPowerFailure(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "state", "online", "online.db")
	system := faulty.New(t, root, faulty.Fault{Survivors: faulty.Nothing})
	store, err := Open(t.Context(), path, func(s *Store) { s.disk = disk.On(system) })
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	system.PowerFails()
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		t.Error(err)
	}
}
