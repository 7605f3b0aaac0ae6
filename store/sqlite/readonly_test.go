//go:build unix

package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/online"
	"github.com/plumbstore/plumb/store/sqlite"
)

// readFromHere is the second process of these tests: it says what reading and writing the file give.
func readFromHere(path string) {
	ctx := context.Background()
	store, err := sqlite.Open(ctx, path)
	if err != nil {
		fmt.Printf("open: unavailable %t: %v\n", errors.Is(err, fault.ErrUnavailable), err)
		return
	}
	values, err := store.Read(ctx, []online.Get{{Table: table, Key: []byte("key")}})
	fmt.Printf("read: %d rows, %v\n", len(values), err)
	_, err = store.Write(ctx, table, []online.Row{versionedRow("key", 2)})
	fmt.Printf("write: unavailable %t: %v\n", errors.Is(err, fault.ErrUnavailable), err)
}

// readAsAnother runs readFromHere as a user without write permission to the folder, since permissions do not apply to
// root.
func readAsAnother(t *testing.T, path string) string {
	t.Helper()
	binary := filepath.Join(readableFolder(t), "test")
	from, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.OpenFile(binary, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(binary)
	command.Env = append(os.Environ(), "SQLITE_TEST_READ="+path)
	if os.Geteuid() == 0 {
		const nobody = 65534
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("the other process: %v\n%s", err, output)
	}
	return string(output)
}

// readableFolder is a folder that others may look into.
func readableFolder(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	for _, path := range []string{folder, filepath.Dir(folder)} {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func wantOutput(t *testing.T, output string, want ...string) {
	t.Helper()
	for _, text := range want {
		if !strings.Contains(output, text) {
			t.Errorf("the other process said\n%swant %q", output, text)
		}
	}
}

func TestAReadOnlyFolderIsReadWhileAWriterHasItOpen(t *testing.T) {
	folder := readableFolder(t)
	path := filepath.Join(folder, "online.db")
	store := open(t, path)
	if _, err := store.Write(t.Context(), table, []online.Row{versionedRow("key", 1)}); err != nil {
		t.Fatal(err)
	}
	makeReadOnly(t, folder)
	wantOutput(t, readAsAnother(t, path), "read: 1 rows, <nil>", "write: unavailable true", "must be there and writable")
}

func TestAReadOnlyFolderIsUnavailableOtherwise(t *testing.T) {
	folder := readableFolder(t)
	path := filepath.Join(folder, "online.db")
	t.Run("a writer that has gone", func(t *testing.T) { open(t, path) })
	makeReadOnly(t, folder)
	wantOutput(t, readAsAnother(t, path), "open: unavailable true", path, "must be there and writable")
	wantOutput(t, readAsAnother(t, filepath.Join(folder, "new.db")), "open: unavailable true",
		"must be there and writable")
	wantOutput(t, readAsAnother(t, filepath.Join(folder, "new", "online.db")), "open: unavailable true",
		"cannot make its folder")
}

// makeReadOnly lets the folder be removed again at the end.
func makeReadOnly(t *testing.T, folder string) {
	t.Helper()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Error(err)
		}
	})
}
