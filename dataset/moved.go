package dataset

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

// finder finds files by their content, wherever they are now. Candidates are those of the same size, so that a search
// reads few bytes of a folder with many files, and the digests of these are kept for the next search (FileDigests).
type finder struct {
	folder  string
	search  []string
	digests *FileDigests
	// listed has the paths of the files below the folders by their size; nil until something is looked for.
	listed map[int64][]string
}

func newFinder(present Present, output string) *finder {
	search := append([]string{present.Folder, filepath.Dir(present.Folder)}, present.Search...)
	if folder, err := filepath.Abs(filepath.Dir(output)); err == nil {
		search = append(search, folder)
	}
	return &finder{folder: present.Folder, search: search, digests: present.Digests}
}

// isBeyond says whether a folder is not to be looked into: it is hidden, or lies beside the project, whose folder is
// looked into for files of its own alone.
func (f *finder) isBeyond(top, folder, name string) bool {
	if folder == top {
		return false
	}
	return strings.HasPrefix(name, ".") || top == filepath.Dir(f.folder)
}

// file returns the path of a file of the given size and digest whose name ends as that of path does; empty if there is
// none. A file with a manifest of its own beside it is a training set of its own. What lies beside the project is
// looked at only if the file's place is not known, which lost says.
func (f *finder) file(ctx context.Context, path string, size int64, digest string, lost bool) (string, error) {
	if f.listed == nil {
		if err := f.list(ctx); err != nil {
			return "", err
		}
	}
	for _, candidate := range f.listed[size] {
		beside := !lost && filepath.Dir(candidate) == filepath.Dir(f.folder)
		if _, err := os.Stat(candidate + Suffix); err == nil || beside || formatOf(candidate) != formatOf(path) {
			continue
		}
		files, err := f.digests.Of(ctx, []string{candidate})
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		if err == nil && files[0].Digest == digest {
			return candidate, nil
		}
	}
	return "", nil
}

// list notes all files below the folders but those of hidden folders, and those that lie beside the project. What
// cannot be read is left out.
func (f *finder) list(ctx context.Context) error {
	f.listed = map[int64][]string{}
	seen := map[string]bool{}
	for _, folder := range f.search {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil || seen[path]:
				return skip(entry)
			case entry.IsDir() && f.isBeyond(folder, path, entry.Name()):
				return fs.SkipDir
			}
			seen[path] = true
			if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
				f.listed[info.Size()] = append(f.listed[info.Size()], path)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func skip(entry fs.DirEntry) error {
	if entry != nil && entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// shown is how a path is reported.
func (f *finder) shown(path string) string { return relative(f.folder, path) }

// tracked says of a file that is not there whether DVC has it.
func tracked(path string, was *Written) string {
	text, err := os.ReadFile(path + ".dvc")
	if errors.Is(err, os.ErrNotExist) || err != nil || len(text) > 1<<16 {
		return ""
	}
	var pointer struct {
		Outs []struct {
			Size int64  `yaml:"size"`
			Path string `yaml:"path"`
		} `yaml:"outs"`
	}
	name := filepath.Base(path)
	if yaml.Unmarshal(text, &pointer) != nil || len(pointer.Outs) != 1 || pointer.Outs[0].Path != name {
		return ""
	}
	if was != nil && pointer.Outs[0].Size != was.Size {
		return name + ".dvc tracks other bytes under its name"
	}
	return name + ".dvc tracks it; run dvc pull"
}
