package dataset

import (
	"os"
	"syscall"
)

// stateOf returns what distinguishes a file from what it was before; ok is false if the system does not say. Changed is
// the ctime, which the system sets at every change of bytes or attributes, and which no program can set.
func stateOf(info os.FileInfo) (state fileState, ok bool) {
	system, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fileState{}, false
	}
	return fileState{
		Size:     info.Size(),
		Modified: info.ModTime().UnixNano(),
		Changed:  system.Ctim.Nano(),
		Device:   uint64(system.Dev), //nolint:unconvert // Its type differs from machine to machine.
		Number:   system.Ino,
	}, true
}
