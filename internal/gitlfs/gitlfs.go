// Package gitlfs knows the small text that Git LFS leaves in the place of a file whose content was not fetched.
package gitlfs

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Pointer says which file it stands for.
type Pointer struct {
	// Digest is the SHA-256 of the file's bytes, as sha256: and 64 hexadecimal digits.
	Digest string
	// Size is the number of the file's bytes.
	Size int64
}

// MaxSize bounds a pointer, in bytes: that is how many Git LFS reads of one.
const MaxSize = 1024

// versions begin a pointer, the second as Git LFS wrote it before it had its name.
var versions = []string{"version https://git-lfs.github.com/spec/", "version https://hawser.github.com/spec/"}

// Read returns the pointer in a file. It is false if the file has any other content or cannot be read.
func Read(path string) (Pointer, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > MaxSize {
		return Pointer{}, false
	}
	file, err := os.Open(path)
	if err != nil {
		return Pointer{}, false
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, MaxSize))
	if err != nil {
		return Pointer{}, false
	}
	return Parse(text)
}

// Parse reads the text of a pointer.
func Parse(text []byte) (Pointer, bool) {
	begins := func(version string) bool { return bytes.HasPrefix(text, []byte(version)) }
	if !begins(versions[0]) && !begins(versions[1]) {
		return Pointer{}, false
	}
	pointer := Pointer{Size: -1}
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "oid":
			if digits, ok := strings.CutPrefix(value, "sha256:"); ok && isDigest(digits) {
				pointer.Digest = value
			}
		case "size":
			if size, err := strconv.ParseInt(value, 10, 64); err == nil {
				pointer.Size = size
			}
		}
	}
	return pointer, pointer.Digest != "" && pointer.Size >= 0
}

func isDigest(digits string) bool {
	_, err := hex.DecodeString(digits)
	return err == nil && len(digits) == 64
}

// Refuse returns a *fault.InputError if a file, which the message calls what, is a pointer, and nil if it is not.
func Refuse(what, path string) error {
	if _, ok := Read(path); !ok {
		return nil
	}
	return fault.Inputf("", "%s is a Git LFS pointer and not the file itself; run git lfs pull", what)
}
