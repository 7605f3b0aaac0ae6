//go:build !linux

package dataset

import "os"

// stateOf returns what distinguishes a file from what it was before; ok is false if the system does not say.
func stateOf(os.FileInfo) (state fileState, ok bool) { return fileState{}, false }
