// Package faulty has a disk for tests that fails. It works on real files, so what runs on it is the product as it is.
//
// A fault strikes at one operation: it fails with an errno, or the power fails there. When the power fails, every later
// operation of the process fails too, and PowerFails leaves in the folder what a power failure may leave: what was
// synced, and of the rest what the fault's Survivors say.
//
// Every runs a protocol again and again with the fault at the first operation, the second, and so on until it is not
// reached any more. So a protocol is seen to hold wherever it is cut:
//
//	faulty.Every(t, func(t *testing.T, fault faulty.Fault) *faulty.System {
//		folder := t.TempDir()
//		system := faulty.New(t, folder, fault)
//		done := write(disk.On(system), folder) == nil
//		system.PowerFails()
//		check(t, folder, done)
//		return system
//	})
package faulty

import (
	"errors"
	"strconv"
	"syscall"
	"testing"
)

// Kind is a kind of operations.
type Kind string

// The kinds of operations. Any stands for all of them.
const (
	Any        Kind = ""
	Open       Kind = "open"
	Create     Kind = "create"
	Write      Kind = "write"
	Truncate   Kind = "truncate"
	Sync       Kind = "sync"
	SyncFolder Kind = "sync folder"
	Lock       Kind = "lock"
	Rename     Kind = "rename"
	Remove     Kind = "remove"
	Mkdir      Kind = "mkdir"
)

// Survivors is what outlives a power failure although it was not synced.
type Survivors string

// The choices are extremes of what file systems do; each finds mistakes that the others hide.
const (
	// Nothing that was not synced is there: no content, no name, no removal.
	Nothing Survivors = "nothing survives"
	// Removals are done, but files have not got the names that they were given.
	Removals Survivors = "removals survive"
	// Names are all as they were last, but content that was not synced is missing; zeros are in its place.
	Names Survivors = "names survive"
	// Everything is there: the process was killed, and the machine runs on.
	Everything Survivors = "the process is killed"
)

// Fault is what goes wrong, and when. Where a write is struck, half of it is written.
type Fault struct {
	// At is which operation of the kind is struck, from 1. None is if it is 0.
	At   int
	Kind Kind
	// Err is what the operation fails with; if it is nil, the power fails.
	Err error
	// Survivors are those of the power failure at At, or of the one after everything was done.
	Survivors Survivors
}

func (f Fault) String() string {
	if f.Err != nil {
		return f.Err.Error()
	}
	return string(f.Survivors)
}

// Faults are those that Every tries unless it is given others.
func Faults() []Fault {
	return []Fault{
		{Survivors: Nothing}, {Survivors: Removals}, {Survivors: Names}, {Survivors: Everything},
		{Err: syscall.EIO, Survivors: Nothing}, {Err: syscall.ENOSPC, Survivors: Everything},
	}
}

// errPower is what operations fail with after the power has failed.
var errPower = errors.New("the power has failed")

// Every runs a protocol with each fault at each of its operations, and at last with one that is not reached. The
// protocol returns the System that it ran on.
func Every(t *testing.T, protocol func(t *testing.T, fault Fault) *System, faults ...Fault) {
	t.Helper()
	if len(faults) == 0 {
		faults = Faults()
	}
	for _, fault := range faults {
		t.Run(fault.String(), func(t *testing.T) {
			for fault.At = 1; ; fault.At++ {
				var ran *System
				t.Run(strconv.Itoa(fault.At), func(t *testing.T) { ran = protocol(t, fault) })
				switch {
				case t.Failed():
					return
				case ran.Struck() == "" && fault.At == 1:
					t.Fatal("the protocol does nothing on its disk")
				case ran.Struck() == "":
					return
				}
			}
		})
	}
}
