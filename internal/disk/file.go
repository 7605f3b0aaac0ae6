package disk

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// File is a file that is written, or read until it is durable. What was written is durable after Sync. Once Write or
// Sync has failed, both fail for good, since what is durable of the file is not known any more.
type File struct {
	Handle
	path    string
	failure error
}

func (d Disk) open(path string, flag int, mode fs.FileMode) (*File, error) {
	opened, err := d.on().OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	return &File{Handle: opened, path: path}, nil
}

// Open opens a regular file for reading, which can be synced.
func (d Disk) Open(path string) (*File, error) {
	return openChecked(path, func() (*File, error) { return d.open(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) })
}

// Name is the path that the file was opened by.
func (f *File) Name() string { return f.path }

// Write implements io.Writer.
func (f *File) Write(data []byte) (int, error) {
	if f.failure != nil {
		return 0, f.failure
	}
	var n int
	n, f.failure = f.Handle.Write(data)
	return n, f.failure
}

// Sync makes durable what was written.
func (f *File) Sync() error {
	if f.failure == nil {
		f.failure = f.Handle.Sync()
	}
	return f.failure
}

// Append adds what add returns to a file, durably. A missing file is made first. add gets the content, and others that
// append wait meanwhile. If anything fails, the file stays as it was. Only a power failure before Append has returned
// may leave a part of the addition. What must never be seen in part is written by Write.
func (d Disk) Append(path string, mode fs.FileMode, add func(content []byte) ([]byte, error)) (err error) {
	file, err := openChecked(path, func() (*File, error) {
		return d.open(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NONBLOCK, mode)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	_ = file.Lock(true) // If the file system has no locks, one write of O_APPEND keeps lines apart.
	info, err := file.Stat()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(io.NewSectionReader(file, 0, info.Size()))
	if err != nil {
		return err
	}
	addition, err := add(content)
	if err != nil {
		return err
	}
	// One write, so that concurrent readers see all of it or nothing.
	if _, err = file.Write(addition); err == nil {
		err = file.Sync()
	}
	if err != nil {
		return errors.Join(err, file.Truncate(info.Size()))
	}
	return d.SyncFolder(filepath.Dir(path))
}
