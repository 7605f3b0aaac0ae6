package sourcefiles

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/objects"
)

// addPushed adds the files of pushed rows that a source is read with, in the order of their names, which is that in
// which they were begun. A folder that is not there has none yet.
//
// The rows of write-ahead files that are still open come as copies (Log.Unfinished). One of these files may become a
// Parquet file after it was copied and before the folder is listed. Then both are there, with the same name and the
// same rows, and the Parquet file is read alone.
func (f *Finder) addPushed(ctx context.Context, files *Files, source *feature.Source, reading *objects.Reading) error {
	if source.Log == nil {
		return nil
	}
	rolled, err := f.rolled(ctx, source.Log.Path, reading)
	if err != nil {
		return err
	}
	names := slices.Collect(maps.Keys(rolled))
	copies := map[string]string{}
	for _, path := range source.Log.Unfinished {
		name := filepath.Base(path)
		if _, ok := rolled[name]; !ok {
			names, copies[name] = append(names, name), path
		}
	}
	slices.Sort(names)
	for _, name := range names {
		at := rolled[name]
		switch path, isCopy := copies[name]; {
		case isCopy:
			err = files.add(f, source, path)
		case at.object != nil:
			err = files.addObject(reading, *at.object)
		default:
			err = files.add(f, source, at.path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// rolledFile is a Parquet file of a push log: a local one, or an object.
type rolledFile struct {
	path   string
	object *objects.Object
}

// rolled lists the Parquet files of a push log by their names.
func (f *Finder) rolled(ctx context.Context, path string, reading *objects.Reading) (map[string]rolledFile, error) {
	found := map[string]rolledFile{}
	take := func(name string, at rolledFile) {
		if strings.HasSuffix(name, ".parquet") && !isHidden(name) {
			found[name] = at
		}
	}
	if objects.IsLocation(path) {
		location, err := objects.Parse(path)
		if err != nil {
			return nil, err
		}
		if reading == nil || !f.belowObjectRoot(location) {
			return nil, f.notBelowRoots(path)
		}
		listing, err := reading.List(ctx, inside(location))
		for _, object := range listing {
			if name := strings.TrimPrefix(object.Key, inside(location).Key); !strings.Contains(name, "/") {
				take(name, rolledFile{object: &object})
			}
		}
		return found, err
	}
	folder, err := LogFolder(f.project, f.names, path)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("", "cannot read push log %s: %v", path, err)
	}
	for _, entry := range entries {
		take(entry.Name(), rolledFile{path: filepath.Join(folder, entry.Name())})
	}
	return found, nil
}

// LogFolder returns the absolute path of a push log's folder, which FolderBelow finds.
func LogFolder(project string, roots []string, path string) (string, error) {
	return FolderBelow(project, roots, "push log", path)
}

// FolderBelow returns the absolute path of a folder, which need not be there yet and has to lie below the roots,
// wherever symbolic links lead. Links are resolved in the part of the path that is there; the rest can be none. what is
// what messages call the folder.
func FolderBelow(project string, roots []string, what, path string) (string, error) {
	there, missing := absolute(project, path), ""
	for {
		_, err := os.Stat(there)
		if err == nil || filepath.Dir(there) == there {
			break
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fault.Inputf("", "cannot read %s %s: %v", what, path, err)
		}
		there, missing = filepath.Dir(there), filepath.Join(filepath.Base(there), missing)
	}
	resolved, err := filepath.EvalSymlinks(there)
	if err != nil {
		return "", fault.Inputf("", "cannot read %s %s: %v", what, path, err)
	}
	folder := filepath.Join(resolved, missing)
	if err := PlainPath(folder); err != nil {
		return "", err
	}
	for _, root := range roots {
		root = absolute(project, root)
		if resolved, err := filepath.EvalSymlinks(root); err == nil {
			root = resolved
		}
		if rest, err := filepath.Rel(root, folder); err == nil && filepath.IsLocal(rest) {
			return folder, nil
		}
	}
	return "", fault.Inputf("", "%s %s lies outside the folders that sources may be read from (offline.roots: "+
		"%s)", what, path, strings.Join(roots, ", "))
}
