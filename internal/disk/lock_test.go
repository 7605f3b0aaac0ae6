package disk_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/disk/faulty"
)

func TestAFileIsHeldByOneUntilItIsClosed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.wal")
	if _, err := disk.Real().TakeOver(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	made, err := disk.Real().CreateLocked(path, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Real().TakeOver(path); !errors.Is(err, disk.ErrTaken) {
		t.Errorf("a file that is held: %v", err)
	}
	if _, err := disk.Real().CreateLocked(path, 0o644); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making it again: %v", err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	taken, err := disk.Real().TakeOver(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(disk.Real().Discard(path), taken.Close()); err != nil {
		t.Error(err)
	}
}

func TestALinkIsNotTakenOver(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "file"), nil, 0o644), os.Symlink("file", link)); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.Real().TakeOver(link); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("got %v", err)
	}
}

// Where there are no locks, nobody can know whether a file is held.
func TestOnAFileSystemWithoutLocksAFileIsMadeAndNotTakenOver(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "rows.wal")
	without := func() disk.Disk {
		return disk.On(faulty.New(t, folder, faulty.Fault{Kind: faulty.Lock, At: 1, Err: syscall.ENOLCK}))
	}
	made, err := without().CreateLocked(path, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := made.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := without().TakeOver(path); !errors.Is(err, disk.ErrTaken) {
		t.Errorf("got %v", err)
	}
}
