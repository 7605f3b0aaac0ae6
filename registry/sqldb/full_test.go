package sqldb

import (
	"path/filepath"
	"strings"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

func TestAFullDisk_IsSaidPlainlyAndNothingIsHalfDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	small := registry.Commit{Project: "test", State: &plumbv1.State{}}
	if _, err := db.Apply(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	// SQLite takes a file at its page limit for a full disk. The limit belongs to a connection, so there may be one only.
	db.handle.SetMaxOpenConns(1)
	if _, err := db.handle.ExecContext(t.Context(), "PRAGMA max_page_count = 20"); err != nil {
		t.Fatal(err)
	}
	large := registry.Commit{Project: "test", Base: 1, State: &plumbv1.State{Definitions: &plumbv1.Definitions{
		Entities: []*plumbv1.Entity{{Name: "e", Description: strings.Repeat("x", 1<<20)}}}}}
	_, err = db.Apply(t.Context(), large)
	if err == nil || !strings.Contains(err.Error(), path+" was not changed, since the disk is full") {
		t.Errorf("Apply returned %v", err)
	}
	small.Base = 1
	if number, err := db.Apply(t.Context(), small); err != nil || number != 2 {
		t.Errorf("the next Apply returned %d, %v", number, err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
