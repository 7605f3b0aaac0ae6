package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/plumbstore/plumb/internal/disk"
)

// spillPrefix begins the names of spill folders, and spillName is what they look like in full.
const spillPrefix = "plumb-spill-"

var spillName = regexp.MustCompile(`^` + spillPrefix + `[0-9]+$`)

// lockName is the file in a spill folder that is locked for as long as the folder is in use. The system lets go of the
// lock when the process ends, however it ends.
const lockName = "lock"

// spillFolder is the folder to which a DuckDB instance spills what exceeds its memory.
type spillFolder struct {
	path string
	lock *disk.File
}

// makeSpill makes a spill folder of its own name in the folder parent.
func makeSpill(parent string) (*spillFolder, error) {
	for {
		path, err := os.MkdirTemp(parent, spillPrefix)
		if err != nil {
			return nil, err
		}
		lock, err := lockSpill(path)
		if err == nil {
			return &spillFolder{path, lock}, nil
		}
		if !errors.Is(err, disk.ErrTaken) {
			return nil, errors.Join(err, os.RemoveAll(path))
		}
	}
}

// Scratch makes a folder of the caller's own in the folder parent, which is kept and removed as spill folders are, and
// returns how to remove it.
func Scratch(parent string) (folder string, remove func() error, err error) {
	spill, err := makeSpill(parent)
	if err != nil {
		return "", nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	return spill.path, spill.remove, nil
}

// lockSpill locks a folder that was just made. Between the two steps removeAbandoned may come by in another process.
func lockSpill(path string) (*disk.File, error) {
	lock, err := disk.Real().CreateLocked(filepath.Join(path, lockName), 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil, disk.ErrTaken
	}
	return lock, err
}

// remove removes the folder and lets go of it.
func (s *spillFolder) remove() error { return errors.Join(emptySpill(s.path), s.lock.Close()) }

// emptySpill removes a folder, its lock last, so that a folder that was only partly removed can still be recognized as
// Plumb's.
func emptySpill(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, entry := range entries {
		if entry.Name() != lockName {
			errs = append(errs, os.RemoveAll(filepath.Join(path, entry.Name())))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return os.RemoveAll(path)
}

// SweepSpills removes the spill folders that processes which were killed have left in the folder parent. What cannot be
// removed stays: it is in nobody's way.
func SweepSpills(parent string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return // Making a folder there fails next, and says why.
	}
	for _, entry := range entries {
		if entry.IsDir() && spillName.MatchString(entry.Name()) {
			removeAbandoned(filepath.Join(parent, entry.Name()))
		}
	}
}

// removeAbandoned removes a spill folder if it is this user's and no process holds it.
func removeAbandoned(path string) {
	info, err := os.Lstat(path)
	if err != nil {
		return
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || int(owner.Uid) != os.Geteuid() {
		return
	}
	lock, err := disk.Real().TakeOver(filepath.Join(path, lockName))
	if errors.Is(err, os.ErrNotExist) {
		_ = os.Remove(path) // It fails unless the folder is empty: its process ended before it had locked it.
		return
	}
	if err != nil {
		return
	}
	defer lock.Close()
	_ = emptySpill(path)
}
