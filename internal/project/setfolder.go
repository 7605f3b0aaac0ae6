package project

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plumbstore/plumb/dataset"
	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// setFolder is the folder of a training set in several files, which several processes may write to.
type setFolder interface {
	// path is what a file of this name is called.
	path(name string) string
	// read returns the content of a small file; nil if it is not there.
	read(ctx context.Context, name string) ([]byte, error)
	// create writes a small file unless it is there. It appears whole.
	create(ctx context.Context, name string, content []byte) error
	// within returns the manifest that a file contains, or nil if the file or the manifest is missing.
	within(ctx context.Context, name string) (*dataset.Manifest, error)
	// inUse is the name of a file that is there; empty if there is none.
	inUse(ctx context.Context) (string, error)
	// clean removes what a killed process has left of a file that was not whole.
	clean(name string) error
}

// setFolder opens the folder of a training set, and makes it if it is not there.
func (p *Project) setFolder(ctx context.Context, stage *staging, path string) (setFolder, error) {
	if !objects.IsLocation(path) {
		return localSet{p.options.Disk, path}, p.options.Disk.MkdirAll(path, 0o755)
	}
	at, err := objects.Parse(path)
	if err != nil {
		return nil, inField(OutField, err)
	}
	return objectSet{stage, at}, stage.open(ctx)
}

// checkFolder is checkFiles for a training set in several files.
func (p *Project) checkFolder(snapshot *feature.Snapshot, request ShardedRequest) error {
	labels, err := LabelFile(request.Labels)
	if err != nil {
		return err
	}
	if IsFileFormat(request.Out) {
		return fault.Inputf(OutField, "%s has to be a folder, since each shard is a .parquet file in it", request.Out)
	}
	first := dataset.PartName(0, request.Shards)
	if objects.IsLocation(request.Out) {
		at, err := objects.Parse(request.Out)
		if err != nil {
			return inField(OutField, err)
		}
		return p.checkApart(snapshot, labels, at.String()+"/"+first, request.Out)
	}
	parent := filepath.Dir(filepath.Clean(request.Out))
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		return fault.Inputf(OutField, "cannot write %s: folder %s does not exist", request.Out, parent)
	}
	if info, err := os.Stat(request.Out); err == nil && !info.IsDir() {
		return fault.Inputf(OutField, "cannot write %s: it is not a folder", request.Out)
	}
	folder, err := resolved(filepath.Clean(request.Out))
	if err != nil {
		return err
	}
	return p.checkApart(snapshot, labels, filepath.Join(folder, first), request.Out)
}

// localSet is a folder of files.
type localSet struct {
	disk   disk.Disk
	folder string
}

func (f localSet) path(name string) string { return filepath.Join(f.folder, name) }

func (f localSet) read(_ context.Context, name string) ([]byte, error) {
	text, err := os.ReadFile(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// create holds a lock file while it looks and writes, since a renamed file takes the place of one that is there.
func (f localSet) create(ctx context.Context, name string, content []byte) (err error) {
	lock, err := f.lock(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.disk.Remove(lock.Name()), lock.Close()) }()
	if _, err := os.Stat(f.path(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return f.disk.Write(f.path(name), func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// lock holds the lock file of the folder, as soon as no other process does.
func (f localSet) lock(ctx context.Context) (*disk.File, error) {
	const wait, most = 20 * time.Millisecond, 3000
	path := f.path(".plumb.lock")
	for tries := 1; ; tries++ {
		lock, err := f.disk.CreateLocked(path, 0o644)
		if errors.Is(err, fs.ErrExist) {
			lock, err = f.disk.TakeOver(path)
		}
		if err == nil || !errors.Is(err, disk.ErrTaken) && !errors.Is(err, fs.ErrNotExist) || tries == most {
			return lock, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
	}
}

func (f localSet) within(_ context.Context, name string) (*dataset.Manifest, error) {
	return partWithin(f.path(name)), nil
}

// partWithin reads the manifest within a file. A file that has none is made again.
func partWithin(path string) *dataset.Manifest {
	manifest, err := dataset.PartWithin(path)
	if err != nil {
		return nil
	}
	return manifest
}

func (f localSet) inUse(context.Context) (string, error) {
	entries, err := os.ReadDir(f.folder)
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), ".") {
			return entry.Name(), nil
		}
	}
	return "", err
}

func (f localSet) clean(name string) error {
	left, err := f.disk.Partials(f.path(name))
	if err != nil {
		return err
	}
	return f.disk.Remove(left...)
}

// objectSet is the objects whose names begin with that of a location and a slash.
type objectSet struct {
	stage *staging
	at    objects.Location
}

func (f objectSet) of(name string) objects.Location {
	return f.at.At(strings.TrimPrefix(f.at.Key+"/"+name, "/"))
}

func (f objectSet) path(name string) string { return f.of(name).String() }

func (f objectSet) read(ctx context.Context, name string) ([]byte, error) {
	file, err := f.stage.fetch(ctx, f.of(name), ensureAll)
	if err != nil || file == nil {
		return nil, err
	}
	return os.ReadFile(file.Path())
}

func (f objectSet) create(ctx context.Context, name string, content []byte) error {
	_, err := f.stage.store.PutNew(ctx, f.of(name), content)
	return inField(OutField, err)
}

func (f objectSet) within(ctx context.Context, name string) (*dataset.Manifest, error) {
	file, err := f.stage.fetch(ctx, f.of(name), ensureManifest)
	if err != nil || file == nil {
		return nil, err
	}
	return partWithin(file.Path()), nil
}

func (f objectSet) inUse(ctx context.Context) (string, error) {
	found, err := f.stage.reading.First(ctx, f.of(""), 1)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return strings.TrimPrefix(found[0].Key, f.of("").Key), nil
}

// clean has nothing to do: what is not whole is an upload, which is aborted when the next one begins.
func (f objectSet) clean(string) error { return nil }
