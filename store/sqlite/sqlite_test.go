package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/online/onlinetest"
	"github.com/plumbstore/plumb/store/sqlite"
)

// TestMain is also the second process of tests that need one: it writes rows into the file that the environment names,
// or reads from it.
func TestMain(m *testing.M) {
	if path := os.Getenv("SQLITE_TEST_READ"); path != "" {
		readFromHere(path)
		os.Exit(0)
	}
	if path := os.Getenv("SQLITE_TEST_WRITE"); path != "" {
		if err := writeFromHere(path); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

var table = online.Table{Project: "test", View: "view", Generation: 1}

const rounds = 40

// versionedRow is a row that is newer the greater its number.
func versionedRow(key string, number int) online.Row {
	return online.Row{Key: []byte(key), Value: onlinetest.Value(int64(number), 0, fmt.Sprint(number))}
}

// writeFromHere writes the odd numbers.
func writeFromHere(path string) error {
	store, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return err
	}
	for i := range rounds {
		row := versionedRow("key", 2*i+1)
		if _, err := store.Write(context.Background(), table, []online.Row{row}); err != nil {
			return err
		}
	}
	return store.Close()
}

func secondProcess(path string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), "SQLITE_TEST_WRITE="+path)
	return command
}

func open(t *testing.T, path string) *sqlite.Store {
	t.Helper()
	online, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := online.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return online
}

func TestSQLiteIsAnOnlineStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "online.db")
	onlinetest.Run(t, func(t *testing.T) online.Store { return open(t, path) })
}

func TestR14_ASecondProcessWritesSideBySide(t *testing.T) {
	path := filepath.Join(t.TempDir(), "online.db")
	store := open(t, path)
	other := secondProcess(path)
	var output strings.Builder
	other.Stdout = &output
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	last := ""
	for i := range rounds {
		if _, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 2*i)}); err != nil {
			t.Fatal(err)
		}
		now := read(t, store)
		if now < last {
			t.Fatalf("the row went from %x back to %x", last, now)
		}
		last = now
	}
	if err := other.Wait(); err != nil {
		t.Fatalf("the other process: %v\n%s", err, output.String())
	}
	if got, want := read(t, store), string(versionedRow("key", 2*rounds-1).Value); got != want {
		t.Errorf("the row is %x, want the newest, %x", got, want)
	}
}

func read(t *testing.T, store online.Store) string {
	t.Helper()
	values, err := store.Read(t.Context(), []online.Get{{Table: table, Key: []byte("key")}})
	if err != nil {
		t.Fatal(err)
	}
	return string(values[0])
}

func TestManyOpenANewFileAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "online.db")
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			store, err := sqlite.Open(t.Context(), path)
			if err != nil {
				return err
			}
			_, err = store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)})
			return errors.Join(err, store.Close())
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func TestAPathIsDataWhateverItsCharacters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory&c#d%41'é", "online.db")
	store := open(t, path)
	if _, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
	if read(t, open(t, path)) == "" {
		t.Error("the row is not in the file")
	}
}

// execute changes a file behind the store's back.
func execute(t *testing.T, path, statements string) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statements); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantOpenError(t *testing.T, path, text string, kind error) {
	t.Helper()
	online, err := sqlite.Open(t.Context(), path)
	if err == nil {
		t.Fatal("it opens", online.Close())
	}
	if !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), path) {
		t.Errorf("error is %q, want one with %q and the path", err, text)
	}
	if kind != nil && !errors.Is(err, kind) {
		t.Errorf("error %q is not %q", err, kind)
	}
	if kind == nil && errors.Is(err, fault.ErrUnavailable) {
		t.Errorf("error %q tells to try again", err)
	}
}

func TestANewerFileIsRefusedAndLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "online.db")
	open(t, path)
	execute(t, path, "PRAGMA user_version = 3")
	wantOpenError(t, path, "it has version 3, this version of plumb reads up to 2", fault.ErrNewer)
}

func TestFilesOfSomethingElseAreRefusedAndLeftAlone(t *testing.T) {
	folder := t.TempDir()
	text := filepath.Join(folder, "notes.txt")
	content := strings.Repeat("not a database\n", 100)
	if err := os.WriteFile(text, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, text, "this is not a SQLite database", nil)
	if after, err := os.ReadFile(text); err != nil || string(after) != content {
		t.Errorf("the file was changed: %v", err)
	}
	foreign := filepath.Join(folder, "foreign.db")
	execute(t, foreign, "CREATE TABLE rows (a)")
	wantOpenError(t, foreign, "this is a SQLite database of something else", nil)
}

func TestADamagedFileIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "online.db")
	store := open(t, path)
	var rows []online.Row
	for i := range 2000 {
		rows = append(rows, versionedRow(fmt.Sprint("key", i), i))
	}
	if _, err := store.Write(t.Context(), table, rows); err != nil {
		t.Fatal(err)
	}
	execute(t, path, "PRAGMA wal_checkpoint(TRUNCATE)")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The header and the schema stay, so that only reading the rows finds out.
	const page = 4096
	damaged := slices.Concat(content[:page], bytes.Repeat([]byte{0xa5}, len(content)-page))
	other := filepath.Join(t.TempDir(), "damaged.db")
	if err := os.WriteFile(other, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = open(t, other).Read(t.Context(), []online.Get{{Table: table, Key: []byte("key7")}})
	if err == nil || !strings.Contains(err.Error(), "the file is damaged; remove it and materialize again") {
		t.Errorf("error is %v", err)
	}
}

func TestAFolderThatCannotBeMadeIsUnavailable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, filepath.Join(file, "online.db"), "cannot make its folder", fault.ErrUnavailable)
	wantOpenError(t, t.TempDir(), "must be there and writable", fault.ErrUnavailable)
}
