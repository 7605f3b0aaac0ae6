package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Files that others may have put there are opened only if they are regular: a named pipe without a writer would hold
// its reader for ever, and a device may have no end.

// OpenRegular opens a regular file for reading. It does not wait for whatever else the path may stand for.
func OpenRegular(path string) (*os.File, error) {
	path = filepath.Clean(path)
	return openChecked(path, func() (*os.File, error) { return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) })
}

// openChecked opens what is a regular file, or nothing yet.
func openChecked[F interface {
	Stat() (fs.FileInfo, error)
	Close() error
}](path string, open func() (F, error)) (F, error) {
	var none F
	// The first check keeps a device from being opened at all, the second holds for the file that was opened.
	if info, err := os.Stat(path); err == nil {
		if err := CheckRegular(path, info); err != nil {
			return none, err
		}
	}
	opened, err := open()
	if err != nil {
		return none, err
	}
	info, err := opened.Stat()
	if err == nil {
		err = CheckRegular(path, info)
	}
	if err != nil {
		_ = opened.Close()
		return none, err
	}
	return opened, nil
}

// ReadRegular returns the content of a regular file of at most limit bytes.
func ReadRegular(path string, limit int64) ([]byte, error) {
	opened, err := OpenRegular(path)
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

// Reason is a file error without the path, which the message has said already.
func Reason(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// CheckRegular returns an error that says what a path stands for if that is not a regular file.
func CheckRegular(path string, info os.FileInfo) error {
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
