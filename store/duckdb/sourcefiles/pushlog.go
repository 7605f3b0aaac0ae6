package sourcefiles

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// pushed lists the files of pushed rows that a source is read with, in the order of their names, which is that in which
// they were begun. A folder that is not there has none yet.
//
// The rows of write-ahead files that are still open come as copies (Log.Unfinished). One of these files may become a
// Parquet file after it was copied and before the folder is listed. Then both are there, with the same name and the
// same rows, and the Parquet file is read alone.
func (f *Finder) pushed(source *feature.Source) ([]string, error) {
	if source.Log == nil {
		return nil, nil
	}
	folder, err := LogFolder(f.project, f.names, source.Log.Path)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fault.Inputf("", "cannot read push log %s: %v", source.Log.Path, err)
	}
	var found []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".parquet") && !strings.HasPrefix(entry.Name(), ".") {
			found = append(found, filepath.Join(folder, entry.Name()))
		}
	}
	for _, path := range source.Log.Unfinished {
		if rolled := filepath.Join(folder, filepath.Base(path)); !slices.Contains(found, rolled) {
			found = append(found, path)
		}
	}
	slices.SortFunc(found, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
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
