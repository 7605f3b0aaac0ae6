package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
)

// Load reads the definition files of the project in the folder root. Paths are files, or folders of which every .yaml
// and .yml file below is read, apart from plumb.yaml and what is in hidden folders; both are relative to root or
// absolute.
//
// If the files have mistakes the error is a *Problems, and the set is not nil: it has what could be read, so that
// [Set.Check] can report the mistakes of the whole set in the same run. Any other error is a fault of the machine.
func Load(root string, paths []string) (*Set, error) {
	set := newSet()
	loaded := map[string]bool{}
	for _, path := range paths {
		files, err := set.find(root, path)
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if loaded[file] {
				continue
			}
			loaded[file] = true
			if err := set.readFile(root, file); err != nil {
				return nil, err
			}
		}
	}
	return set, newProblems(set.problems, set.more)
}

// Text is the content of a definition file.
type Text struct {
	// File is what problems call it. It is never opened.
	File string
	Data []byte
}

// Parse reads definition files that are given whole. If they have mistakes the error is a *Problems and the set is not
// nil, as for [Load].
func Parse(texts []Text) (*Set, error) {
	set := newSet()
	parsed := map[string]bool{}
	for _, text := range texts {
		if parsed[text.File] {
			set.unreadable(text.File, "is given twice; give each file once, under a path of its own")
			continue
		}
		parsed[text.File] = true
		if err := set.read(text.File, text.Data); err != nil {
			return nil, err
		}
	}
	return set, newProblems(set.problems, set.more)
}

// find returns the files that a path stands for.
func (s *Set) find(root, path string) ([]string, error) {
	full := resolve(root, path)
	info, err := os.Stat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.unreadable(display(root, full), "no such file or folder; name one that exists under definitions in plumb.yaml")
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read definitions: %w", err)
	case !info.IsDir():
		return []string{full}, nil
	}
	files, err := yamlFiles(full)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	if len(files) == 0 {
		s.unreadable(display(root, full), "the folder holds no .yaml or .yml file; add one, or name another folder under "+
			"definitions in plumb.yaml")
	}
	return files, nil
}

// yamlFiles returns the definition files below a folder, sorted. Hidden folders are not a project's own, and a
// plumb.yaml is configuration.
func yamlFiles(folder string) ([]string, error) {
	var files []string
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		extension := filepath.Ext(path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case !entry.IsDir() && (extension == ".yaml" || extension == ".yml") && entry.Name() != "plumb.yaml":
			files = append(files, filepath.Join(folder, filepath.FromSlash(path)))
		}
		return nil
	})
	return files, err
}

// maxFile bounds a file of definitions, in bytes.
const maxFile = 64 << 20

func (s *Set) readFile(root, file string) error {
	data, err := disk.ReadRegular(file, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		s.unreadable(display(root, file), "is a link to a file that is not there; mend or remove it")
		return nil
	}
	if errors.Is(err, fs.ErrInvalid) {
		s.unreadable(display(root, file), "is not a regular file; remove it")
		return nil
	}
	if err != nil {
		return fmt.Errorf("read definitions: %w", err)
	}
	return s.read(display(root, file), data)
}

func resolve(root, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(root, path)
}

// display returns how a file is named to the user: relative to the project if it is inside.
func display(root, file string) string {
	relative, err := filepath.Rel(root, file)
	if err != nil || relative == ".." || strings.HasPrefix(relative, ".."+string(filepath.Separator)) {
		return file
	}
	return filepath.ToSlash(relative)
}

// unreadable reports a problem of a whole file or folder. What it would have defined is unknown.
func (s *Set) unreadable(file, message string) {
	s.report(Problem{File: file, Message: message})
	s.allIncomplete()
}

// allIncomplete notes that any list of Definitions may have entries that could not be read.
func (s *Set) allIncomplete() {
	fields := s.Definitions.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		s.incomplete[string(fields.Get(i).Name())] = true
	}
}
