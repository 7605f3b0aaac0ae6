package faulty

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/plumbstore/plumb/internal/disk"
)

// System is a disk.System with one fault. What lies in its folder when it is made is durable; what lies elsewhere it
// does not know. It is safe for concurrent use.
type System struct {
	t      *testing.T
	root   string
	fault  Fault
	really disk.OperatingSystem

	mu sync.Mutex
	// operations counts those of the fault's kind, struck describes the one at which it struck.
	operations int
	struck     string
	off        bool
	opened     []disk.Handle
	durable    durable
}

// New returns a System over a folder.
func New(t *testing.T, folder string, fault Fault) *System {
	t.Helper()
	s := &System{t: t, root: folder, fault: fault, durable: durable{nodes: map[number]*node{}}}
	if err := s.durable.remember(folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.durable.forget()
		if t.Failed() {
			t.Logf("%s: struck at operation %d: %s", fault, fault.At, s.Struck())
		}
	})
	return s
}

// Struck describes the operation at which the fault struck. It is empty if it was not reached.
func (s *System) Struck() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.struck
}

// PowerFails ends the process, as far as its disk goes: its locks are released, every later operation fails, and of
// what was not synced only the fault's Survivors are left.
func (s *System) PowerFails() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.off = true
	for _, handle := range s.opened {
		_ = handle.Close() // Its owner may have closed it.
	}
	if err := s.durable.restore(s.root, s.fault.Survivors); err != nil {
		s.t.Fatal(err)
	}
}

// strikes counts an operation and returns what it fails with; nil if it does not. The caller holds mu.
func (s *System) strikes(kind Kind, path string) error {
	if s.off {
		return errPower
	}
	if s.fault.Kind != Any && s.fault.Kind != kind {
		return nil
	}
	s.operations++
	if s.operations != s.fault.At {
		return nil
	}
	s.struck = fmt.Sprintf("%s %s", kind, path)
	if s.fault.Err != nil {
		return &fs.PathError{Op: string(kind), Path: path, Err: s.fault.Err}
	}
	s.off = true
	return errPower
}

// OpenFile implements disk.System.
func (s *System) OpenFile(path string, flag int, mode fs.FileMode) (disk.Handle, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := Open
	if flag&os.O_CREATE != 0 {
		kind = Create
	}
	if err := s.strikes(kind, path); err != nil {
		return nil, err
	}
	opened, err := s.really.OpenFile(path, flag, mode)
	if err != nil {
		return nil, err
	}
	s.opened = append(s.opened, opened)
	if _, err := s.durable.node(path); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &handle{Handle: opened, system: s, path: path}, nil
}

// Rename implements disk.System.
func (s *System) Rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.strikes(Rename, from+" to "+filepath.Base(to)); err != nil {
		return err
	}
	return s.really.Rename(from, to)
}

// Remove implements disk.System.
func (s *System) Remove(path string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.strikes(Remove, path); err != nil {
		return err
	}
	if err := s.durable.removing(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return s.really.Remove(path)
}

// Mkdir implements disk.System.
func (s *System) Mkdir(path string, mode fs.FileMode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.strikes(Mkdir, path); err != nil {
		return err
	}
	return s.really.Mkdir(path, mode)
}

// handle is an open file or folder of a System.
type handle struct {
	disk.Handle
	system *System
	path   string
}

// Write implements disk.Handle.
func (h *handle) Write(data []byte) (int, error) {
	h.system.mu.Lock()
	defer h.system.mu.Unlock()
	wasOff := h.system.off
	if err := h.system.strikes(Write, h.path); err != nil {
		if wasOff {
			return 0, err
		}
		n, failure := h.Handle.Write(data[:len(data)/2])
		return n, errors.Join(err, failure)
	}
	return h.Handle.Write(data)
}

// Truncate implements disk.Handle.
func (h *handle) Truncate(size int64) error {
	h.system.mu.Lock()
	defer h.system.mu.Unlock()
	if err := h.system.strikes(Truncate, h.path); err != nil {
		return err
	}
	return h.Handle.Truncate(size)
}

// Lock implements disk.Handle. It never waits while the System is held.
func (h *handle) Lock(wait bool) error {
	h.system.mu.Lock()
	err := h.system.strikes(Lock, h.path)
	h.system.mu.Unlock()
	if err != nil {
		return err
	}
	return h.Handle.Lock(wait)
}

// Sync implements disk.Handle. After a failed one, what it should have made durable never will be: the next ones
// succeed, and do nothing for it.
func (h *handle) Sync() error {
	h.system.mu.Lock()
	defer h.system.mu.Unlock()
	info, err := h.Stat()
	if err != nil {
		return err
	}
	kind := Sync
	if info.IsDir() {
		kind = SyncFolder
	}
	failure := h.system.strikes(kind, h.path)
	if errors.Is(failure, errPower) {
		return failure
	}
	if err := h.system.durable.sync(h.path, info, failure != nil); err != nil {
		return err
	}
	return failure
}
