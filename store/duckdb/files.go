package duckdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
)

// sourceFiles are the files of a source, in source order: bytewise by path (R3).
type sourceFiles struct {
	// source is its name.
	source string
	// format is that of the files.
	format feature.Format
	// paths are absolute, with symbolic links resolved.
	paths []string
	// copies are those of paths that are copies of rows in write-ahead files, which are there for one run.
	copies []string
	// partitions are the names of hive partition columns; their values are text in the folders' names.
	partitions []string
	// indexes are the files' places in source order; nil if they are all files of the source.
	indexes []int64
	// footers and infos are those of the files.
	footers []footer
	infos   []os.FileInfo
	// foreign are the names of name=value folders above the source, which are no columns of it.
	foreign []string
	// unified is the schema of the source; nil until the source's view has been made.
	unified *unified
}

// find lists the files of a Parquet source and checks that each lies below a root, wherever links lead.
func (e *Engine) find(ctx context.Context, source *feature.Source) (sourceFiles, error) {
	named, _ := source.Files()
	found, folder, err := e.expand(ctx, source)
	if err != nil {
		return sourceFiles{}, err
	}
	slices.Sort(found)
	pushed, err := e.pushed(source)
	if err != nil {
		return sourceFiles{}, err
	}
	own := found
	found = slices.Concat(found, pushed)
	files := sourceFiles{source: source.Name, format: named.Format, paths: make([]string, len(found)),
		infos: make([]os.FileInfo, len(found))}
	for i, path := range found {
		if err := files.resolve(e, source, i, path); err != nil {
			return sourceFiles{}, err
		}
		if files.infos[i], err = os.Stat(files.paths[i]); err != nil {
			return sourceFiles{}, fault.Inputf("", "cannot read %s: %v", path, err)
		}
		if err := disk.CheckRegular(path, files.infos[i]); err != nil {
			return sourceFiles{}, fault.Inputf("", "cannot read %s: %s", path, cmpError(err))
		}
		if err := gitlfs.Refuse(path, files.paths[i]); err != nil {
			return sourceFiles{}, err
		}
	}
	if info, err := os.Stat(e.absolute(named.Path)); err != nil ||
		info.IsDir() { // A file that is named is what is meant.
		if err := e.checkLakes(named.Path, slices.Concat(own, files.paths[:len(own)])); err != nil {
			return sourceFiles{}, err
		}
	}
	if folder != "" {
		if err := files.findPartitions(folder, own); err != nil {
			return sourceFiles{}, err
		}
		if len(files.partitions) > 0 && source.Log != nil {
			return sourceFiles{}, fault.Inputf("", "the folders of %s give columns, which a push log has no place for; "+
				"name the files by a pattern (…/**/*.parquet), with these columns in them", named.Path)
		}
	}
	if files.isText() {
		files.footers, err = textFooters(files.paths, files.format)
		return files, err
	}
	files.footers, err = readFooters(ctx, files.paths, source.EventTimestamp)
	return files, err
}

// resolve finds where a file is. A source's own files and those of its push log are below a root. The caller made the
// copies of rows in write-ahead files, in a folder of its choice.
func (f *sourceFiles) resolve(e *Engine, source *feature.Source, i int, path string) (err error) {
	if source.Log == nil || !slices.Contains(source.Log.Unfinished, path) {
		named, _ := source.Files()
		f.paths[i], err = e.withinRoots(named.Path, path)
		return err
	}
	if f.paths[i], err = filepath.EvalSymlinks(path); err != nil {
		return fmt.Errorf("read the copy of a write-ahead file: %w", err)
	}
	f.copies = append(f.copies, f.paths[i])
	return plainPath(f.paths[i])
}

// described returns the files that a source was read from, as a later run compares them. Copies of write-ahead files
// are left out: they are gone by then.
func (e *Engine) described(source string, files sourceFiles) []feature.Input {
	described := make([]feature.Input, 0, len(files.paths))
	for i, path := range files.paths {
		if slices.Contains(files.copies, path) {
			continue
		}
		info := files.infos[i]
		described = append(described, feature.Input{
			Source: source, Name: e.relative(path), Version: feature.FileVersion{
				Size: info.Size(), Modified: info.ModTime().UTC(), Footer: files.footers[i].digest,
			},
		})
	}
	return described
}

// relative is a resolved path as the project's files call it.
func (e *Engine) relative(path string) string {
	if rest, err := filepath.Rel(e.folder, path); err == nil && filepath.IsLocal(rest) {
		return filepath.ToSlash(rest)
	}
	return path
}

// expand returns the files that a path refers to, and the folder if it is one. Nothing outside the roots is looked at.
func (e *Engine) expand(ctx context.Context, source *feature.Source) (found []string, folder string, err error) {
	named, _ := source.Files()
	path, format := named.Path, named.Format
	absolute := e.absolute(path)
	if !e.within(absolute) {
		if !strings.ContainsAny(path, "*?[{") {
			return nil, "", e.notBelowRoots(path)
		}
		if found, err = e.matched(ctx, path, format); err == nil && len(found) == 0 {
			err = fault.Inputf("", "no file matches %s", path)
		}
		return found, "", err
	}
	info, err := os.Stat(absolute)
	switch {
	case err != nil:
		return nil, "", fault.Inputf("", "cannot read %s: %v", path, err)
	case !info.IsDir():
		return []string{absolute}, "", nil
	}
	found, others, err := e.filesBelow(ctx, path, absolute, format)
	if err == nil && len(found) == 0 {
		err = noFiles(path, format, others)
	}
	return found, absolute, err
}

// noFiles refuses a folder without a file of the format, and names one of those that are there.
func noFiles(path string, format feature.Format, others []string) error {
	if others == nil {
		return fault.Inputf("", "folder %s holds no %s file", path, listedEndings(format))
	}
	return fault.Inputf("", "folder %s holds no %s file, but for example %s; rename its files, or name them by a "+
		"pattern "+
		"(%s/*)", path, listedEndings(format), filepath.Base(others[0]), path)
}

// Locate returns the absolute path of a file that lies below the roots, wherever symbolic links lead. The path is
// relative to the project. A *fault.InputError says the same of a file that is not there and of one outside.
func (e *Engine) Locate(path string) (string, error) {
	return e.withinRoots(path, e.absolute(path))
}

// withinRoots resolves a path, which messages call name.
func (e *Engine) withinRoots(name, path string) (string, error) {
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil || !e.belowRoot(resolved) {
		return "", e.notBelowRoots(name)
	}
	return resolved, plainPath(resolved)
}

// plainPath refuses names that DuckDB would take for patterns.
func plainPath(path string) error {
	if strings.ContainsAny(path, "*?[") {
		return fault.Inputf("", "cannot read %s: a path may not contain any of * ? [; rename it", path)
	}
	return nil
}
