// Package wholefile writes files that appear whole or not at all.
package wholefile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/plumbstore/plumb/internal/fault"
)

// Write makes write fill a file beside path, makes that durable, and renames it to path. If any of that fails, what was
// at path before stays. A folder that does not exist is a *fault.InputError.
func Write(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fault.Inputf("", "cannot write %s: it is a folder", path)
	}
	partial, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".partial-*")
	if errors.Is(err, os.ErrNotExist) {
		return fault.Inputf("", "cannot write %s: folder %s does not exist", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := fill(partial, write); err != nil {
		return errors.Join(fmt.Errorf("cannot write %s: %w", path, err), os.Remove(partial.Name()))
	}
	if err := Rename(partial.Name(), path); err != nil {
		return errors.Join(fmt.Errorf("cannot write %s: %w", path, err), os.Remove(partial.Name()))
	}
	return nil
}

func fill(file *os.File, write func(io.Writer) error) error {
	err := file.Chmod(0o644) // As others than the owner may read what a program writes.
	if err == nil {
		err = write(file)
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
