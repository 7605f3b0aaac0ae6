// Package regularfile opens files that others may have put there. Only regular files are opened: a named pipe without a
// writer would hold its reader for ever, and a device may have no end.
package regularfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Open opens a regular file for reading. It does not wait for whatever else the path may stand for.
func Open(path string) (*os.File, error) {
	path = filepath.Clean(path)
	// The first check keeps a device from being opened at all, the second holds for the file that was opened.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := Check(path, info); err != nil {
		return nil, err
	}
	opened, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err = opened.Stat(); err == nil {
		err = Check(path, info)
	}
	if err != nil {
		_ = opened.Close()
		return nil, err
	}
	return opened, nil
}

// Read returns the content of a regular file of at most limit bytes.
func Read(path string, limit int64) ([]byte, error) {
	opened, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	content, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has more than %d bytes", limit)}
	}
	return content, nil
}

// Check returns an error that says what a path stands for if that is not a regular file.
func Check(path string, info os.FileInfo) error {
	if info.Mode().IsRegular() {
		return nil
	}
	return &fs.PathError{Op: "open", Path: path, Err: otherFile(kind(info.Mode()))}
}

// otherFile is the kind of a file that is not a regular one.
type otherFile string

func (f otherFile) Error() string { return "it is " + string(f) + ", not a regular file" }

// Is makes errors.Is know fs.ErrInvalid, but for a folder, which the system has words of its own for.
func (f otherFile) Is(target error) bool { return target == fs.ErrInvalid && f != "a folder" }

func kind(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&os.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&os.ModeSocket != 0:
		return "a socket"
	case mode&os.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}
