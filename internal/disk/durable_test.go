package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

func text(content string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, content); return err }
}

func expectContent(t *testing.T, path string, want ...string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(want, string(content)) {
		t.Errorf("%s holds %q, want one of %q", path, content, want)
	}
}

func TestAWholeFileIsOldOrNewAfterAFaultAtEveryOperation(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		path := filepath.Join(folder, "report.html")
		if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
			t.Fatal(err)
		}
		system := faulty.New(t, folder, fault)
		failure := disk.On(system).Write(path, text("new"))
		system.PowerFails()
		if failure == nil {
			expectContent(t, path, "new")
		} else {
			expectContent(t, path, "old", "new")
		}
		return system
	})
}

func TestAPublishedFileIsDurableWhoeverWroteIt(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		path := filepath.Join(folder, "train.parquet")
		system := faulty.New(t, folder, fault)
		partial, failure := disk.On(system).CreatePartial(path)
		if failure == nil {
			// Another library writes it, which replaces the file.
			if err := errors.Join(partial.Close(), os.Remove(partial.Name()),
				os.WriteFile(partial.Name(), []byte("rows"), 0o644)); err != nil {
				t.Fatal(err)
			}
			failure = disk.On(system).Publish(partial.Name(), path)
		}
		system.PowerFails()
		if _, err := os.Stat(path); failure == nil || err == nil {
			expectContent(t, path, "rows")
		}
		return system
	})
}

func TestARemovedFileStaysRemoved(t *testing.T) {
	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
		folder := t.TempDir()
		path := filepath.Join(folder, "manifest.json")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		system := faulty.New(t, folder, fault)
		failure := disk.On(system).Remove(path, filepath.Join(folder, "missing"), filepath.Join(folder, "none", "missing"))
		system.PowerFails()
		if _, err := os.Stat(path); failure == nil && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it is there again: %v", err)
		}
		return system
	})
}

// The process before was killed after it had made some of the folders, and before the last of them was durable.
func TestFoldersAreDurableWhoeverMadeThem(t *testing.T) {
	for killed := range 10 {
		faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
			root := t.TempDir()
			path := filepath.Join(root, "a", "b", "c")
			first := faulty.New(t, root, faulty.Fault{At: killed, Survivors: faulty.Everything})
			_ = disk.On(first).MkdirAll(path, 0o755)
			second := first.Next(fault)
			failure := disk.On(second).MkdirAll(path, 0o755)
			second.PowerFails()
			if _, err := os.Stat(path); failure == nil && err != nil {
				t.Error(err)
			}
			return second
		}, faulty.Fault{Survivors: faulty.Nothing})
	}
}

func TestAFileInTheWayOfAFolderIsNotOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{path, filepath.Join(path, "below")} {
		if err := disk.Real().MkdirAll(folder, 0o755); !errors.Is(err, syscall.ENOTDIR) {
			t.Errorf("%s: %v", folder, err)
		}
	}
}

func TestAFileThatFailedOnceIsNotSyncedAgain(t *testing.T) {
	for _, kind := range []faulty.Kind{faulty.Write, faulty.Sync} {
		folder := t.TempDir()
		system := faulty.New(t, folder, faulty.Fault{Kind: kind, At: 1, Err: syscall.EIO})
		file, err := disk.On(system).Create(filepath.Join(folder, "file"), 0o644)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		_, err = io.WriteString(file, "rows")
		if err == nil {
			err = file.Sync()
		}
		_, again := io.WriteString(file, "rows")
		if sync := file.Sync(); !errors.Is(err, syscall.EIO) || again == nil || sync == nil {
			t.Errorf("%s failed with %v; then writing gives %v, and syncing %v", kind, err, again, sync)
		}
	}
}

func TestAppendingLeavesTheFileAsItWasUnlessItSucceeds(t *testing.T) {
	for _, fault := range []faulty.Fault{
		{}, {Kind: faulty.Write, At: 1, Err: syscall.ENOSPC}, {Kind: faulty.Sync, At: 1, Err: syscall.EIO},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "lines")
		if err := os.WriteFile(path, []byte("one\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := disk.On(faulty.New(t, folder, fault)).Append(path, 0o600, func(content []byte) ([]byte, error) {
			return append(content, "two\n"...), nil
		})
		if !errors.Is(err, fault.Err) {
			t.Errorf("the error is %v, want %v", err, fault.Err)
		}
		if fault.Err == nil {
			expectContent(t, path, "one\none\ntwo\n")
		} else {
			expectContent(t, path, "one\n")
		}
	}
}
