package dataset

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// Inputs are the files that a training set is made from. A manifest must not name bytes that the join has not read. So
// what files are like is noted before they are read (NewInputs, and the versions of a join's inputs), compared when
// they are digested, and compared once more after the join (Unchanged).
type Inputs struct {
	// Folder is the project's, which paths are relative to.
	Folder  string
	Digests *FileDigests
	// Labels is the label file, and labels what it was before it was read.
	Labels string
	labels os.FileInfo
	// byContent says that the labels have no digest as a file.
	byContent bool
	// object is the name and the version of the labels if they are an object; nil if they are a file.
	object *feature.Input
}

// ByVersion has the labels named as a version of an object, of which the label file is a copy.
func (in *Inputs) ByVersion(object feature.Input) { in.object = &object }

// ByContent has the labels named by their content instead of as a file. The output that is to be written has to have
// room for their types.
func (in *Inputs) ByContent(output string) error {
	if formatOf(output) == ".csv" {
		return fault.Inputf("--labels-by-content", "needs an output with types; name one that ends in .parquet or .arrow")
	}
	in.byContent = true
	return nil
}

// NewInputs notes what the label file is like, before it is read.
func NewInputs(folder, labels string, digests *FileDigests) (*Inputs, error) {
	info, err := os.Stat(labels)
	if err != nil {
		return nil, fault.Inputf("", "cannot read label file %s: %v", labels, reason(err))
	}
	return &Inputs{Folder: folder, Digests: digests, Labels: labels, labels: info}, nil
}

// Digest reads all files whose digests are not known. It may run while the join does. A file that is not what the join
// found is a *fault.InputError.
func (in *Inputs) Digest(ctx context.Context, sources []feature.Input) (Labels, []SourceFile, error) {
	files, err := DigestSources(ctx, in.Folder, in.Digests, sources)
	if err != nil || in.byContent {
		return Labels{}, files, err
	}
	if in.object != nil {
		return Labels{File: objectFile(*in.object)}, files, nil
	}
	path, err := filepath.Abs(in.Labels)
	if err != nil {
		return Labels{}, nil, err
	}
	digested, err := in.Digests.Of(ctx, []string{path})
	if err != nil {
		return Labels{}, nil, err
	}
	labels := digested[0]
	if !sameAs(labels, in.labels) {
		return Labels{}, nil, changedInUse(in.Labels)
	}
	labels.place(relative(in.Folder, path))
	return Labels{File: labels}, files, nil
}

// DigestSources reads the files of sources whose digests are not known. One that is not what the join found is a
// *fault.InputError. Objects and tables are known by their versions, and are not read.
func DigestSources(ctx context.Context, folder string, digests *FileDigests, sources []feature.Input) (
	[]SourceFile, error,
) {
	named := make([]SourceFile, len(sources))
	var paths []string
	var positions []int
	for i, source := range sources {
		named[i].Source = source.Source
		if _, ok := source.Version.(feature.ObjectVersion); ok {
			named[i].File = objectFile(source)
			continue
		}
		if version, ok := source.Version.(feature.TableVersion); ok {
			named[i].Table = &TableVersion{UUID: version.Table, Snapshot: version.Snapshot, Schema: version.Schema}
			named[i].place(source.Name)
			continue
		}
		paths, positions = append(paths, absolute(folder, source.Name)), append(positions, i)
	}
	files, err := digests.Of(ctx, paths)
	if err != nil {
		return nil, err
	}
	for at, i := range positions {
		was, ok := sources[i].Version.(feature.FileVersion)
		if !ok || was.Size != files[at].Size || !was.Modified.Equal(files[at].Modified) {
			return nil, changedInUse(sources[i].Name)
		}
		files[at].place(sources[i].Name)
		named[i].File = files[at]
	}
	return named, nil
}

// objectFile is an object in a manifest.
func objectFile(object feature.Input) File {
	version, _ := object.Version.(feature.ObjectVersion)
	return File{Path: object.Name, Size: version.Size, ETag: version.ETag}
}

// place records the path of a file, relative to the project or absolute. It clears the modification time.
func (f *File) place(path string) {
	f.Path, f.Modified = path, time.Time{}
	if filepath.IsAbs(path) {
		f.Path, f.Outside, f.At = filepath.Base(path), true, path
	}
}

// in is where a file was, for a project in this folder; empty if that is not known.
func (f File) in(folder string) string {
	if f.ETag != "" {
		return f.Path
	}
	if f.Outside || f.Path == "" {
		return f.At
	}
	return absolute(folder, f.Path)
}

// Unchanged returns an error if the label file is not the one that it was when the join began. For the sources, the
// engine reports that.
func (in *Inputs) Unchanged() error {
	info, err := os.Stat(in.Labels)
	if err != nil || !os.SameFile(info, in.labels) || info.Size() != in.labels.Size() ||
		!info.ModTime().Equal(in.labels.ModTime()) {
		return changedInUse(in.Labels)
	}
	return nil
}

func sameAs(file File, info os.FileInfo) bool {
	return file.Size == info.Size() && file.Modified.Equal(info.ModTime())
}

func changedInUse(path string) error {
	return fault.Inputf("", "%s was changed while it was in use; run again once it is whole", path)
}

// absolute is where a path of a manifest is.
func absolute(folder, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, path)
}

// relative is how a manifest calls an absolute path.
func relative(folder, path string) string {
	if resolved, err := filepath.EvalSymlinks(folder); err == nil {
		folder = resolved
	}
	named := path
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		named = resolved
	}
	if rest, err := filepath.Rel(folder, named); err == nil && filepath.IsLocal(rest) {
		return filepath.ToSlash(rest)
	}
	return path
}

// MadeFrom takes over what an older manifest calls the inputs, whose bytes are the same wherever they are now, so that
// the same training set has the same bytes again.
func (m *Manifest) MadeFrom(old *Manifest) {
	switch {
	case old.Labels.ETag != "":
		m.Labels.File = old.Labels.File // Maybe it was made from a copy of the object.
	case old.Labels.Content == "":
		m.Labels.call(old.Labels.File)
	}
	for i := range min(len(m.Sources), len(old.Sources)) {
		m.Sources[i].call(old.Sources[i].File)
	}
	m.MadeOf(m.Labels, m.Sources)
}

// call gives a file the name and the place that another manifest has for it.
func (f *File) call(other File) {
	if f.ETag != "" {
		return
	}
	at := f.At
	if other.Outside {
		f.Path, f.Outside, f.At = other.Path, true, cmp.Or(other.At, at)
		return
	}
	f.Outside, f.At = false, ""
	f.place(other.Path)
}
