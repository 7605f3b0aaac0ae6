package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// System is the operations that a Disk does on a file system. Each fails as the function of package os does that has
// its name.
type System interface {
	// OpenFile also opens folders, for Sync.
	OpenFile(path string, flag int, mode fs.FileMode) (Handle, error)
	Rename(from, to string) error
	Remove(path string) error
	Mkdir(path string, mode fs.FileMode) error
}

// Handle is an open file or folder. ReadAt and Stat may be called at any time, the others one at a time.
type Handle interface {
	io.Writer
	io.ReaderAt
	Sync() error
	Truncate(size int64) error
	// Lock locks the file until it is closed, or the process ends in whatever way. If another handle has the lock, it
	// waits or returns ErrTaken. Any other error says that the file system has no locks.
	Lock(wait bool) error
	Stat() (fs.FileInfo, error)
	Close() error
}

// OperatingSystem is the System of the machine.
type OperatingSystem struct{}

// OpenFile implements System.
func (OperatingSystem) OpenFile(path string, flag int, mode fs.FileMode) (Handle, error) {
	opened, err := os.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return handle{opened}, nil
}

// Rename implements System.
func (OperatingSystem) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements System.
func (OperatingSystem) Remove(path string) error { return os.Remove(path) }

// Mkdir implements System.
func (OperatingSystem) Mkdir(path string, mode fs.FileMode) error { return os.Mkdir(path, mode) }

// handle is a file of the operating system.
type handle struct{ *os.File }

// Lock implements Handle.
func (h handle) Lock(wait bool) error {
	how := syscall.LOCK_EX
	if !wait {
		how |= syscall.LOCK_NB
	}
	for {
		err := syscall.Flock(int(h.Fd()), how)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrTaken
		}
		return err
	}
}
