package sourcefiles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// Finder finds the files of sources, and looks at nothing outside the roots, wherever symbolic links lead.
type Finder struct {
	// project is the absolute path of the project's folder, which paths are relative to, and folder the same with
	// symbolic links resolved.
	project, folder string
	// names are the roots as they are configured.
	names []string
	// roots are absolute, with symbolic links resolved.
	roots []string
	// store has the objects, and objectRoots are the roots among them.
	store       *objects.Store
	objectRoots []objects.Location
}

// NewFinder finds the roots, which are relative to the absolute path of a project's folder. Nothing lies below a root
// that is not there. Roots that begin with s3:// are those of objects, which the store has; it may be nil if there are
// none.
func NewFinder(project string, roots []string, store *objects.Store) (*Finder, error) {
	f := &Finder{project: project, names: roots, store: store}
	var err error
	if f.folder, err = filepath.EvalSymlinks(project); err != nil {
		return nil, fmt.Errorf("project folder: %w", err)
	}
	for _, root := range roots {
		if objects.IsLocation(root) {
			location, err := objects.Parse(root)
			if err != nil {
				return nil, inRoots(err)
			}
			f.objectRoots = append(f.objectRoots, location)
			continue
		}
		resolved, err := filepath.EvalSymlinks(f.absolute(root))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("offline root %s: %w", root, err)
		}
		f.roots = append(f.roots, resolved)
	}
	return f, nil
}

// inRoots says that an error is about the configured roots.
func inRoots(err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return fault.Inputf("offline.roots", "%s", input.Message)
	}
	return err
}

// absolute is a path that is relative to the project.
func (f *Finder) absolute(path string) string { return absolute(f.project, path) }

func absolute(project, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(project, path)
}

// relative is a resolved path as the project's files call it.
func (f *Finder) relative(path string) string {
	if rest, err := filepath.Rel(f.folder, path); err == nil && filepath.IsLocal(rest) {
		return filepath.ToSlash(rest)
	}
	return path
}

// named is what results call a file of a source: of a copy, the file that it is a copy of.
func (f *Finder) named(source *feature.Source, path string) string {
	name := f.relative(path)
	if files, _ := source.Files(); files.Copies != nil && files.Copies.Names[name] != "" {
		return files.Copies.Names[name]
	}
	return name
}

// Locate returns the absolute path of a file that lies below the roots, wherever symbolic links lead. The path is
// relative to the project. A *fault.InputError says the same of a file that is not there and of one outside.
func (f *Finder) Locate(path string) (string, error) {
	return f.withinRoots(path, f.absolute(path))
}

// withinRoots resolves a path, which messages call name.
func (f *Finder) withinRoots(name, path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil || !f.belowRoot(resolved) {
		return "", f.notBelowRoots(name)
	}
	return resolved, PlainPath(resolved)
}

// PlainPath refuses names that DuckDB would take for patterns.
func PlainPath(path string) error {
	if strings.ContainsAny(path, "*?[") {
		return fault.Inputf("", "cannot read %s: a path may not contain any of * ? [; rename it", path)
	}
	return nil
}

// within says whether a path is there and lies below a root, wherever symbolic links lead.
func (f *Finder) within(path string) bool {
	resolved, err := filepath.EvalSymlinks(path)
	return err == nil && f.belowRoot(resolved)
}

// belowRoot says whether a resolved path lies below a root.
func (f *Finder) belowRoot(resolved string) bool {
	for _, root := range f.roots {
		if rest, err := filepath.Rel(root, resolved); err == nil && filepath.IsLocal(rest) {
			return true
		}
	}
	return false
}

// notBelowRoots says the same of a path that is not there and of one outside the roots, so that nobody learns what lies
// there.
func (f *Finder) notBelowRoots(path string) error {
	return fault.Inputf("", "there is no file %s below the folders that files may be read from (offline.roots: %s)",
		path, strings.Join(f.names, ", "))
}

// belowRoots says whether a folder is one of the roots or lies below one, with links resolved or not.
func (f *Finder) belowRoots(folder string) bool {
	roots := slices.Clone(f.roots)
	for _, root := range f.names {
		roots = append(roots, f.absolute(root))
	}
	return slices.ContainsFunc(roots, func(root string) bool {
		rest, err := filepath.Rel(root, folder)
		return err == nil && filepath.IsLocal(rest)
	})
}
