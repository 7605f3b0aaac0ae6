package dataset

import (
	"context"
	"os"
	"path/filepath"

	"github.com/plumbstore/plumb/registry"
)

// Inputs are the files that a training set is made from.
type Inputs struct {
	// Folder is the project's, which paths are relative to.
	Folder  string
	Digests *FileDigests
	// Labels is the label file, and labels what it was before it was read.
	Labels string
	labels os.FileInfo
}

// NewInputs notes what the label file is like, before it is read.
func NewInputs(folder, labels string, digests *FileDigests) (*Inputs, error) {
	info, err := os.Stat(labels)
	if err != nil {
		return nil, registry.Inputf("", "cannot read label file %s: %v", labels, reason(err))
	}
	return &Inputs{Folder: folder, Digests: digests, Labels: labels, labels: info}, nil
}

// Digest reads all files whose digests are not known. It may run while the join does. A file that is not what the join
// found is a *registry.InputError.
func (in *Inputs) Digest(ctx context.Context, sources []registry.SourceFile) (File, []SourceFile, error) {
	labels, err := filepath.Abs(in.Labels)
	if err != nil {
		return File{}, nil, err
	}
	paths := []string{labels}
	for _, source := range sources {
		paths = append(paths, absolute(in.Folder, source.Path))
	}
	files, err := in.Digests.Of(ctx, paths)
	if err != nil {
		return File{}, nil, err
	}
	if !sameAs(files[0], in.labels) {
		return File{}, nil, changedInUse(in.Labels)
	}
	files[0].Path = relative(in.Folder, labels)
	named := make([]SourceFile, len(sources))
	for i, source := range sources {
		named[i] = SourceFile{Source: source.Source, File: files[i+1]}
		named[i].Path = source.Path
		if source.Size != named[i].Size || !source.Modified.Equal(named[i].Modified) {
			return File{}, nil, changedInUse(source.Path)
		}
	}
	return files[0], named, nil
}

// Unchanged is an error where the label file is another than when the join began. The engine says that of the sources.
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
	return registry.Inputf("", "%s was changed while it was in use; run again once it is whole", path)
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

// LabelsIn is where the label file is, for a project in this folder.
func (m *Manifest) LabelsIn(folder string) string { return absolute(folder, m.Labels.Path) }

// SourceFiles are the files to read again, and no others.
func (m *Manifest) SourceFiles() []registry.SourceFile {
	files := make([]registry.SourceFile, len(m.Sources))
	for i, source := range m.Sources {
		files[i] = registry.SourceFile{Source: source.Source, Path: source.Path, Size: source.Size}
	}
	return files
}
