package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// Disk makes files and folders durable. The zero Disk is that of the machine. It is safe for concurrent use.
type Disk struct{ system System }

// Real is the Disk of the machine.
func Real() Disk { return Disk{} }

// On is a Disk that does everything through a System.
func On(system System) Disk { return Disk{system} }

func (d Disk) on() System {
	if d.system == nil {
		return OperatingSystem{}
	}
	return d.system
}

// Create makes a file that is not there yet, to be written. Its name is durable once its folder is synced, or once it
// is renamed.
func (d Disk) Create(path string, mode fs.FileMode) (*File, error) {
	return d.open(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, mode)
}

// Rename gives a file, whose content is durable, its name, and makes that durable. After an error the file may have its
// new name or its old one.
func (d Disk) Rename(from, to string) error {
	if err := d.on().Rename(from, to); err != nil {
		return err
	}
	return d.SyncFolder(filepath.Dir(to))
}

// Remove removes files, durably. What is not there is removed already.
func (d Disk) Remove(paths ...string) error {
	var failures []error
	var folders []string
	for _, path := range paths {
		failures = append(failures, d.Discard(path))
		if folder := filepath.Dir(path); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	for _, folder := range folders {
		if err := d.SyncFolder(folder); !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

// Discard removes a file that never counted, such as one that was not finished: a power failure may bring it back. A
// file that is not there is removed already.
func (d Disk) Discard(path string) error {
	if err := d.on().Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// SyncFolder makes durable which files a folder has.
func (d Disk) SyncFolder(folder string) error {
	opened, err := d.on().OpenFile(folder, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	err = opened.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		err = nil // A file system that syncs no folders keeps their entries in its own way.
	}
	return errors.Join(err, opened.Close())
}

// MkdirAll makes a folder and those above it that are missing, durably. Each is synced into the one above it before the
// next is made. So of folders that a killed process has made only the last may not be durable, which is why the first
// that is there already is synced too.
func (d Disk) MkdirAll(path string, mode fs.FileMode) error {
	path = filepath.Clean(path)
	parent := filepath.Dir(path)
	info, err := os.Stat(path)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	case err == nil:
		err = d.SyncFolder(parent)
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
			return nil // Whoever may not even read the folder above did not make this one.
		}
		return err
	case !errors.Is(err, fs.ErrNotExist) || parent == path:
		return err
	}
	if err := d.MkdirAll(parent, mode); err != nil {
		return err
	}
	if err := d.on().Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return d.SyncFolder(parent)
}
