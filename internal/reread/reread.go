// Package reread keeps what was made of files current while the files change: certificates that are renewed, tokens
// that are withdrawn.
//
// Nothing runs in the background. When a caller asks for the value, the files are checked, at most once a second, so
// that a call nearly always costs one comparison of times. Files are compared by their content: times and sizes of
// files miss changes in quick succession, and the files here are small.
package reread

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Interval is how long a change may go unnoticed.
const Interval = time.Second

// Files is a value that is made of files. It is safe for concurrent use.
type Files[T any] struct {
	paths   []string
	build   func(contents [][]byte) (T, error)
	now     func() time.Time
	logger  *slog.Logger
	current atomic.Pointer[T]
	// looked is when the files were last looked at, in nanoseconds since the epoch.
	looked atomic.Int64

	mu       sync.Mutex
	contents [][]byte
	// failing is the text of the last failure that was logged, empty after a success; each is logged once.
	failing string
}

// Open reads the files and makes the first value. An error of build comes back as it is.
func Open[T any](paths []string, build func(contents [][]byte) (T, error), now func() time.Time, logger *slog.Logger,
) (*Files[T], error) {
	f := &Files[T]{paths: paths, build: build, now: now, logger: logger}
	f.looked.Store(now().UnixNano())
	contents, err := f.read()
	if err != nil {
		return nil, err
	}
	if err := f.take(contents); err != nil {
		return nil, err
	}
	return f, nil
}

// Current returns the value of the files as they are. If they cannot be read, or no value can be made of them, it
// returns the last value that could be made, and the reason is logged.
func (f *Files[T]) Current() T {
	now := f.now().UnixNano()
	since := time.Duration(now - f.looked.Load()).Abs() // The clock may have been set back.
	if since >= Interval && f.mu.TryLock() {
		f.look(now)
		f.mu.Unlock()
	}
	return *f.current.Load()
}

// look takes up a change. The caller holds mu.
func (f *Files[T]) look(now int64) {
	f.looked.Store(now)
	contents, err := f.read()
	if err == nil && !slices.EqualFunc(contents, f.contents, bytes.Equal) {
		if err = f.take(contents); err == nil {
			f.logger.Info("changed files were read again", "files", f.paths)
		}
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != f.failing {
		f.logger.Error("changed files cannot be used; what was read of them before holds", "files", f.paths, "error", text)
	}
	f.failing = text
}

func (f *Files[T]) read() ([][]byte, error) {
	contents := make([][]byte, len(f.paths))
	for i, path := range f.paths {
		var err error
		if contents[i], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

func (f *Files[T]) take(contents [][]byte) error {
	value, err := f.build(contents)
	if err != nil {
		return err
	}
	f.current.Store(&value)
	f.contents = contents
	return nil
}
