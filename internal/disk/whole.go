package disk

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Write makes fill write a file beside path, makes that durable, and renames it to path. What fill writes is buffered.
// If anything fails, path has what was there before, or, if only the last sync failed, the new content. A folder that
// does not exist is a *fault.InputError.
func (d Disk) Write(path string, fill func(io.Writer) error) error {
	partial, err := d.CreatePartial(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(partial, 64<<10)
	err = fill(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = partial.Sync()
	}
	if err = errors.Join(err, partial.Close()); err == nil {
		err = d.Rename(partial.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("cannot write %s: %w", path, err), d.Discard(partial.Name()))
	}
	return nil
}

// CreatePartial makes an empty file beside path, which gets that name once it is whole: see Publish. Others than its
// owner may read it. A folder that does not exist is a *fault.InputError.
func (d Disk) CreatePartial(path string) (*File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fault.Inputf("", "cannot write %s: it is a folder", path)
	}
	folder, name := filepath.Dir(path), filepath.Base(path)
	for {
		partial, err := d.Create(filepath.Join(folder, fmt.Sprintf(".%s.partial-%d", name, rand.Uint32())), 0o644)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return nil, fault.Inputf("", "cannot write %s: folder %s does not exist", path, folder)
		case err != nil:
			return nil, fmt.Errorf("cannot write %s: %w", path, err)
		}
		if err := os.Chmod(partial.Name(), 0o644); err != nil { // Whatever the process's umask is.
			return nil, errors.Join(fmt.Errorf("cannot write %s: %w", path, err), partial.Close(), d.Discard(partial.Name()))
		}
		return partial, nil
	}
}

// Partials are the files that were made by CreatePartial for a path and did not get its name: of processes that were
// killed, or are at it.
func (d Disk) Partials(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	var found []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), "."+filepath.Base(path)+".partial-") {
			found = append(found, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	return found, err
}

// Publish makes a complete file durable under its name. Another library may have written it.
func (d Disk) Publish(partial, path string) error {
	file, err := d.Open(partial)
	if err == nil {
		err = errors.Join(file.Sync(), file.Close())
	}
	if err == nil {
		err = d.Rename(partial, path)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}
