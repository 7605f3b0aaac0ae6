package sqldb

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-sqlite3"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/postgrestest"
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
	if err == nil || !errors.Is(err, fault.ErrDiskFull) ||
		!strings.Contains(err.Error(), path+" was not changed: no space left on disk; make room and do it again") {
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

func TestAProcessThatHoldsTheLock_IsWaitedForUntilTheCallerGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "registry.db")
	db, err := Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	small := registry.Commit{Project: "test", State: &plumbv1.State{}}
	if _, err := db.Apply(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	other, err := db.handle.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if snapshot, err := db.Current(t.Context(), "test"); err != nil || snapshot.Revision != 1 {
		t.Errorf("reading meanwhile returned %v, %v", snapshot, err)
	}
	small.Base = 1
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := db.Apply(ctx, small); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Apply returned %v", err)
	}
	waiting := make(chan error)
	go func() {
		_, err := db.Apply(t.Context(), small)
		waiting <- err
	}()
	if err := other.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(<-waiting, db.Close()); err != nil {
		t.Error(err)
	}
}

// A server whose transactions are serializable by default fails statements that others only make wait.
func TestPostgreSQL_IsUsedAtOneIsolationWhateverTheServersDefault(t *testing.T) {
	server := postgrestest.StartWith(t, postgrestest.Config{
		Args: []string{"-c", "default_transaction_isolation=serializable"}})
	db, err := Open(t.Context(), server.Database())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Apply(t.Context(), registry.Commit{Project: "test", State: &plumbv1.State{}}); err != nil {
		t.Fatal(err)
	}
	var level string
	err = db.handle.QueryRowContext(t.Context(), "SHOW transaction_isolation").Scan(&level)
	if err != nil || level != "read committed" {
		t.Errorf("transactions are %q, %v", level, err)
	}
}

func TestALockThatIsNeverReleased_IsUnavailable(t *testing.T) {
	engine := &sqliteEngine{path: "registry.db"}
	tries := 0
	err := engine.explain(engine.patiently(t.Context(), func() error {
		tries++
		return sqlite3.Error{Code: sqlite3.ErrBusy}
	}))
	if !errors.Is(err, fault.ErrUnavailable) || !strings.Contains(err.Error(), "registry.db is unavailable") {
		t.Errorf("got %v", err)
	}
	if tries != busyAttempts {
		t.Errorf("it was tried %d times", tries)
	}
}
