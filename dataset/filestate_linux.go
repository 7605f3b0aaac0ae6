package dataset

import (
	"os"
	"syscall"
)

// stateOf returns what distinguishes a file from what it was before; ok is false if the system does not say.
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
