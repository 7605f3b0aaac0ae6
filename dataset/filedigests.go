package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
)

// FileDigests knows the digests of files, and keeps them in a file of its own, so that a file which has not changed
// since is not read again. It is safe for concurrent use.
//
// A file counts as unchanged while its size, its modification time, its number on the disk and the time at which the
// system last saw it change are the same. Programs cannot set the last of these, so a program that writes other bytes
// and puts the modification time back is detected. If the system has no such time, nothing is kept.
type FileDigests struct {
	path string
	now  func() time.Time

	mu      sync.Mutex
	known   map[string]knownDigest
	changed bool
}

// knownDigest is a digest with what the file was like.
type knownDigest struct {
	fileState
	Digest string `json:"digest"`
}

// fileState distinguishes a file from what it was before.
type fileState struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"`
	Changed  int64  `json:"changed"`
	Device   uint64 `json:"device"`
	Number   uint64 `json:"number"`
}

const (
	digestsFormat = 1
	// settled is how long a file must have been left alone before its digest is kept: clocks of file systems are coarse,
	// so that one which has just been written may be written again without a sign.
	settled = 2 * time.Second
)

// digestsFile is what is kept.
type digestsFile struct {
	Format int                    `json:"format"`
	Files  map[string]knownDigest `json:"files"`
}

// OpenFileDigests reads what was kept at path. What cannot be read, or is of another version, counts as nothing.
func OpenFileDigests(path string, now func() time.Time) *FileDigests {
	d := &FileDigests{path: path, now: now, known: map[string]knownDigest{}}
	text, err := disk.ReadRegular(path, maxManifest)
	if err != nil {
		return d
	}
	var kept digestsFile
	if json.Unmarshal(text, &kept) == nil && kept.Format == digestsFormat && kept.Files != nil {
		d.known = kept.Files
	}
	return d
}

// Save keeps what was learnt, without the files that are gone or others now. Of two programs at once the later wins.
func (d *FileDigests) Save() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.changed {
		return nil
	}
	for path, known := range d.known {
		info, err := os.Stat(path)
		if err != nil {
			delete(d.known, path)
		} else if state, ok := stateOf(info); !ok || state != known.fileState {
			delete(d.known, path)
		}
	}
	if err := disk.Real().MkdirAll(filepath.Dir(d.path), 0o755); err != nil {
		return err
	}
	return disk.Real().Write(d.path, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(digestsFile{Format: digestsFormat, Files: d.known})
	})
}

// Of returns the files at the absolute paths, in their order, with their digests. Their Path stays empty. One that
// cannot be read is a *fault.InputError, and so is one that changes while it is read.
func (d *FileDigests) Of(ctx context.Context, paths []string) ([]File, error) {
	files := make([]File, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range paths {
		group.Go(func() (err error) {
			files[i], err = d.of(ctx, path)
			return err
		})
	}
	return files, group.Wait()
}

func (d *FileDigests) of(ctx context.Context, path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, fault.Inputf("", "cannot read %s: %v", path, reason(err))
	}
	file := File{Size: info.Size(), Modified: info.ModTime().UTC()}
	state, ok := stateOf(info)
	d.mu.Lock()
	known, found := d.known[path]
	d.mu.Unlock()
	if ok && found && known.fileState == state {
		file.Digest = known.Digest
		return file, nil
	}
	if file.Digest, err = digestOf(ctx, path, info); err != nil {
		return File{}, err
	}
	if ok && d.now().Sub(time.Unix(0, max(state.Changed, state.Modified))) > settled {
		d.mu.Lock()
		d.known[path], d.changed = knownDigest{state, file.Digest}, true
		d.mu.Unlock()
	}
	return file, nil
}

// digestOf reads a file, which has to stay as it was before.
func digestOf(ctx context.Context, path string, before os.FileInfo) (string, error) {
	file, err := disk.OpenRegular(path)
	if err != nil {
		return "", fault.Inputf("", "cannot read %s: %v", path, reason(err))
	}
	defer func() { _ = file.Close() }()
	digest := sha256.New()
	if _, err := io.CopyBuffer(digest, &interruptible{ctx, file}, make([]byte, 1<<20)); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	after, err := os.Stat(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fault.Inputf("", "cannot read %s: %v", path, reason(err))
	}
	if err != nil || !os.SameFile(before, after) || before.Size() != after.Size() ||
		!before.ModTime().Equal(after.ModTime()) {
		return "", fault.Inputf("", "%s was changed while it was in use; run again once it is whole", path)
	}
	return named(digest.Sum(nil)), nil
}

// interruptible reads until the context ends.
type interruptible struct {
	ctx  context.Context
	file io.Reader
}

func (r *interruptible) Read(into []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.file.Read(into)
}
