package disk

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ErrTaken says that another process has a file.
var ErrTaken = errors.New("another process has taken the file")

// A process that works on a file holds its lock, and the system lets go of the lock when the process ends, however it
// ends. So a file without a holder was left by a killed process, and may be taken over. There are two ways to hold a
// file: to make it (CreateLocked), and to take it over (TakeOver). Between making a file and locking it another process
// may take it over, and remove it. Both make sure that a locked file is the one that has its name.
//
// If the file system has no locks, the process that creates a file owns it, and no other can take it over.

// CreateLocked makes a file, which must not be there yet, and holds it until it is closed. ErrTaken says that another
// process took it over at once; the file is that process's then.
func (d Disk) CreateLocked(path string, mode fs.FileMode) (*File, error) {
	file, err := d.Create(path, mode)
	if err != nil {
		return nil, err
	}
	if err := file.Lock(false); errors.Is(err, ErrTaken) {
		return nil, errors.Join(err, file.Close())
	}
	if err := file.checkName(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// TakeOver opens a file that no process holds, and holds it until it is closed. ErrTaken says that another process
// holds it or has removed it meanwhile, or that the file system has no locks. An fs.ErrNotExist says that there is no
// such file.
func (d Disk) TakeOver(path string) (*File, error) {
	file, err := d.open(path, os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if file.Lock(false) != nil {
		return nil, errors.Join(ErrTaken, file.Close())
	}
	if err := file.checkName(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// checkName returns ErrTaken if the file does not have its name any more: the previous holder of the lock may have
// removed it.
func (f *File) checkName() error {
	named, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrTaken
	}
	if err != nil {
		return err
	}
	opened, err := f.Stat()
	if err == nil && !os.SameFile(named, opened) {
		err = ErrTaken
	}
	return err
}
