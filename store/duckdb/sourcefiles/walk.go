package sourcefiles

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/plumbstore/plumb/internal/fault"
)

// maxAlternatives bounds what the braces of a pattern stand for: each alternative is looked for by itself.
const maxAlternatives = 1000

// maxFolders bounds how many folders are read for a pattern.
const maxFolders = 1_000_000

// walk lists what matches a pattern below a folder, by paths relative to it and in no order. Nothing outside the roots
// is looked at, and the walk ends with the context. Messages call the folder's source by its path.
func (f *Finder) walk(ctx context.Context, source, folder, pattern string, options ...doublestar.GlobOption,
) ([]string, error) {
	if !f.within(folder) {
		return nil, f.notBelowRoots(source)
	}
	tree := &walkedTree{ctx: ctx, finder: f, base: folder, left: maxFolders}
	names, err := doublestar.Glob(tree, pattern, append(options, doublestar.WithFailOnIOErrors())...)
	switch cause := context.Cause(ctx); {
	case cause != nil:
		return nil, cause
	case tree.outside:
		return nil, f.notBelowRoots(source)
	case err != nil:
		return nil, fault.Inputf("", "cannot list %s: %v", source, err)
	}
	for i, name := range names {
		names[i] = filepath.FromSlash(name)
	}
	return names, nil
}

// alternatives returns the number of patterns without braces that a pattern expands to, or one more than the most.
func alternatives(pattern string) int {
	// Each group that is open has the product of what came since its last comma, and the sum of what came before that.
	type group struct{ product, sum int }
	open := []group{{product: 1}}
	for i := 0; i < len(pattern); i++ {
		last := &open[len(open)-1]
		switch pattern[i] {
		case '\\':
			i++
		case '{':
			open = append(open, group{product: 1})
		case ',':
			if len(open) > 1 {
				last.sum, last.product = last.sum+last.product, 1
			}
		case '}':
			if len(open) > 1 {
				open = open[:len(open)-1]
				outer := &open[len(open)-1]
				outer.product = min(outer.product*min(last.sum+last.product, maxAlternatives+1), maxAlternatives+1)
			}
		}
	}
	return open[0].product
}

// walkedTree is a file system that ends with a context and has nothing outside the roots.
type walkedTree struct {
	ctx    context.Context
	finder *Finder
	base   string
	// left is how many folders may still be read.
	left int
	// outside says that a link led out of the roots.
	outside bool
}

// path returns the path of a name of the tree, unless the walk is over or the path is not below a root.
func (t *walkedTree) path(operation, name string) (string, error) {
	if err := context.Cause(t.ctx); err != nil {
		return "", err
	}
	missing := &fs.PathError{Op: operation, Path: name, Err: fs.ErrNotExist}
	if !fs.ValidPath(name) {
		return "", missing
	}
	resolved, err := filepath.EvalSymlinks(filepath.Join(t.base, filepath.FromSlash(name)))
	if err != nil {
		return "", missing
	}
	if !t.finder.belowRoot(resolved) {
		t.outside = true
		return "", missing
	}
	return resolved, nil
}

// Open implements fs.FS.
func (t *walkedTree) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// Stat implements fs.StatFS.
func (t *walkedTree) Stat(name string) (fs.FileInfo, error) {
	path, err := t.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// ReadDir implements fs.ReadDirFS.
func (t *walkedTree) ReadDir(name string) ([]fs.DirEntry, error) {
	path, err := t.path("read", name)
	if err != nil {
		return nil, err
	}
	if t.left--; t.left < 0 {
		return nil, fmt.Errorf("it leads through more than %d folders", maxFolders)
	}
	return os.ReadDir(path)
}
