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
	durable    *durable
}

// New returns a System over a folder, given by its absolute path.
func New(t *testing.T, folder string, fault Fault) *System {
	t.Helper()
	known := &durable{nodes: map[number]*node{}}
	if err := known.remember(folder); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(known.forget)
	return start(t, folder, fault, known)
}

// Next ends the process, and returns the System of the next one on the same machine: what was not synced is there, and
// not durable.
func (s *System) Next(fault Fault) *System {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	return start(s.t, s.root, fault, s.durable)
}

func start(t *testing.T, folder string, fault Fault, known *durable) *System {
	s := &System{t: t, root: folder, fault: fault, durable: known}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s: struck at operation %d: %s", fault, fault.At, s.Struck())
		}
	})
	return s
}

// end releases the locks and refuses what comes after. The caller holds mu.
func (s *System) end() {
	s.off = true
	for _, handle := range s.opened {
		_ = handle.Close() // Its owner may have closed it.
	}
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
	s.end()
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

// knows says whether a path lies in the folder.
func (s *System) knows(path string) bool {
	inside, err := filepath.Rel(s.root, path)
	return err == nil && filepath.IsLocal(inside)
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
	if s.knows(path) {
		if _, err := s.durable.node(path); err != nil {
			return nil, errors.Join(err, opened.Close())
		}
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
	if s.knows(path) {
		if err := s.durable.removing(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
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
	if errors.Is(failure, errPower) || !h.system.knows(h.path) {
		return failure
	}
	if err := h.system.durable.sync(h.path, info, failure != nil); err != nil {
		return err
	}
	return failure
}
