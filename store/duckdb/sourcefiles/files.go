package sourcefiles

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/gitlfs"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// Files are the files of a source, in source order: bytewise by path (R3).
type Files struct {
	// Source is its name.
	Source string
	// Format is that of the files.
	Format feature.Format
	// Paths are absolute, with symbolic links resolved.
	Paths []string
	// Names are the paths as the project's files call them, and of objects s3://BUCKET/KEY.
	Names []string
	// listed are the paths before links were resolved, and of objects the names.
	listed []string
	// copies are those of paths that are copies of rows in write-ahead files, which are there for one run.
	copies []string
	// Partitions are the names of hive partition columns; their values are text in the folders' names.
	Partitions []string
	// indexes are the files' places in source order; nil if they are all files of the source.
	indexes []int64
	// Footers and infos are those of the files. An object has no info.
	Footers []parquetfooter.Footer
	infos   []os.FileInfo
	// objects are those that files are parts of; nil for a file that is a local one.
	objects []*objects.File
	// lake is the table that the first files are of; nil if there is none.
	lake *Lake
	// foreign are the names of name=value folders above the source, which are no columns of it.
	foreign []string
}

// Find lists the files of a source and checks that each lies below a root, wherever links lead. The files of the push
// log come after the source's own, so that of rows with the same times a pushed one wins (R3).
//
// Objects are local files as long as the reading is open, and have in them what was fetched: of Parquet the footers,
// and text whole.
func (f *Finder) Find(ctx context.Context, source *feature.Source, reading *objects.Reading) (Files, error) {
	named, _ := source.Files()
	files := Files{Source: source.Name, Format: named.Format}
	folder, err := f.findOwn(ctx, &files, source, reading)
	if err != nil {
		return Files{}, err
	}
	own := len(files.Paths)
	if err := f.addPushed(ctx, &files, source, reading); err != nil {
		return Files{}, err
	}
	if folder != "" {
		if err := files.findPartitions(folder, own); err != nil {
			return Files{}, err
		}
		if len(files.Partitions) > 0 && source.Log != nil {
			return Files{}, fault.Inputf("", "the folders of %s give columns, which a push log has no place for; "+
				"name the files by a pattern (…/**/*.parquet), with these columns in them", named.Path)
		}
	}
	if err := files.fetchFooters(ctx); err != nil {
		return Files{}, err
	}
	if files.IsText() {
		files.Footers, err = files.textFooters()
		return files, err
	}
	files.Footers, err = parquetfooter.Read(ctx, files.Paths, source.EventTimestamp)
	if err != nil || files.lake == nil {
		return files, err
	}
	if err := files.checkDeletes(ctx); err != nil {
		return files, err
	}
	return files, files.nameColumns(source.EventTimestamp)
}

// findOwn finds the source's own files, and the folder if it names one.
func (f *Finder) findOwn(ctx context.Context, files *Files, source *feature.Source, reading *objects.Reading) (
	folder string, err error,
) {
	named, _ := source.Files()
	if named.IsTable() {
		return "", f.findTable(ctx, files, named, reading)
	}
	if objects.IsLocation(named.Path) {
		return f.findObjects(ctx, files, named, reading)
	}
	found, folder, err := f.expand(ctx, source.Name, named)
	if err != nil {
		return "", err
	}
	slices.Sort(found)
	for _, path := range found {
		if err := files.add(f, source, path); err != nil {
			return "", err
		}
	}
	// A file that is named is what is meant.
	if info, err := os.Stat(f.absolute(named.Path)); err != nil || info.IsDir() {
		return folder, f.checkLakes(named.Path, slices.Concat(found, files.Paths))
	}
	return folder, nil
}

// add adds a local file.
func (f *Files) add(finder *Finder, source *feature.Source, path string) error {
	resolved, err := f.resolve(finder, source, path)
	if err != nil {
		return err
	}
	info, err := os.Stat(resolved)
	if err != nil {
		return fault.Inputf("", "cannot read %s: %v", path, err)
	}
	if err := disk.CheckRegular(path, info); err != nil {
		return fault.Inputf("", "cannot read %s: %s", path, disk.Reason(err))
	}
	if err := gitlfs.Refuse(path, resolved); err != nil {
		return err
	}
	f.Paths, f.Names = append(f.Paths, resolved), append(f.Names, finder.named(source, resolved))
	f.listed, f.infos, f.objects = append(f.listed, path), append(f.infos, info), append(f.objects, nil)
	return nil
}

// resolve finds where a file is. A source's own files and those of its push log are below a root. The caller made the
// copies of rows in write-ahead files, in a folder of its choice.
func (f *Files) resolve(finder *Finder, source *feature.Source, path string) (string, error) {
	if source.Log == nil || !slices.Contains(source.Log.Unfinished, path) {
		named, _ := source.Files()
		return finder.withinRoots(named.Path, path)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("read the copy of a write-ahead file: %w", err)
	}
	f.copies = append(f.copies, resolved)
	return resolved, PlainPath(resolved)
}

// Described returns the files that a source was read from, as a later run compares them, or the table. Copies of
// write-ahead files are left out: they are gone by then.
func (f Files) Described() []feature.Input {
	described := make([]feature.Input, 0, len(f.Paths))
	if f.lake != nil {
		described = append(described, feature.Input{Source: f.Source, Name: f.lake.name, Version: f.lake.version()})
	}
	for i, path := range f.Paths {
		if f.IsOfLake(i) || slices.Contains(f.copies, path) {
			continue
		}
		described = append(described, feature.Input{Source: f.Source, Name: f.Names[i], Version: f.version(i)})
	}
	return described
}

func (f Files) version(i int) feature.Version {
	if object := f.objects[i]; object != nil {
		return feature.ObjectVersion{Size: object.Size, Modified: object.Modified, ETag: object.ETag}
	}
	info := f.infos[i]
	return feature.FileVersion{Size: info.Size(), Modified: info.ModTime().UTC(), Footer: f.Footers[i].Digest}
}

// Shown is how messages call a file: its path, or the name of an object.
func (f Files) Shown(i int) string {
	if f.objects[i] != nil {
		return f.Names[i]
	}
	return f.Paths[i]
}

// expand returns the files that a path refers to, and the folder if it is one. Nothing outside the roots is looked at.
func (f *Finder) expand(ctx context.Context, name string, source feature.Files,
) (found []string, folder string, err error) {
	if source.Pull != nil {
		found, err = f.pulledFiles(name, source)
		return found, "", err
	}
	path := source.Path
	absolute := f.absolute(path)
	if !f.within(absolute) {
		if !strings.ContainsAny(path, "*?[{") {
			return nil, "", f.notBelowRoots(path)
		}
		if found, err = f.matched(ctx, path, source.Format); err == nil && len(found) == 0 {
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
	found, others, err := f.filesBelow(ctx, path, absolute, source.Format)
	if err == nil && len(found) == 0 {
		err = noFiles(path, source.Format, others)
	}
	return found, absolute, err
}

// noFiles refuses a folder without a file of the format, and names one of those that are there.
func noFiles(path string, format feature.Format, others []string) error {
	if others == nil {
		return fault.Inputf("", "folder %s holds no %s file", path, listedEndings(format))
	}
	return fault.Inputf("", "folder %s holds no %s file, but for example %s; rename its files, or name them by a "+
		"pattern (%s/*)", path, listedEndings(format), filepath.Base(others[0]), path)
}

// Layouts lists the layouts of the files in the order of their first files, each with the positions of its files.
func (f Files) Layouts() (names []string, positions map[string][]int) {
	positions = map[string][]int{}
	for i := range f.Paths {
		name := f.layout(i)
		if positions[name] == nil {
			names = append(names, name)
		}
		positions[name] = append(positions[name], i)
	}
	return names, positions
}

// layout returns the layout of a file; without a footer that describes it, the file has a layout of its own.
func (f Files) layout(i int) string {
	if f.Footers[i].Read {
		return f.Footers[i].Layout
	}
	return f.Paths[i]
}

// CheckEncryption refuses a file of which something is encrypted: without keys DuckDB opens none of it.
func (f Files) CheckEncryption() error {
	for i := range f.Paths {
		if what := f.Footers[i].Encrypted; what != "" {
			return fault.Inputf("", "%s cannot be read: %s, and encrypted files are not supported; write it decrypted",
				f.Shown(i), what)
		}
	}
	return nil
}

// CheckFooters refuses files whose footers are damaged. No file may be given to DuckDB before.
func (f Files) CheckFooters() error {
	for i := range f.Paths {
		if why := f.Footers[i].Damaged; why != "" {
			return fault.Inputf("", "cannot read %s: %s", f.Shown(i), why)
		}
	}
	return nil
}

// CheckUnchanged refuses a file that is gone, or another than the one that was found. What was fetched of an object is
// of the version that was found, whatever has become of it since.
func (f Files) CheckUnchanged() error {
	for i, path := range f.Paths {
		if f.objects[i] != nil {
			continue
		}
		if err := checkUnchanged(path, f.infos[i]); err != nil {
			return err
		}
	}
	if f.lake == nil {
		return nil
	}
	for _, file := range f.lake.deletes {
		if file.object != nil {
			continue
		}
		if err := checkUnchanged(file.path, file.info); err != nil {
			return err
		}
	}
	return nil
}

func checkUnchanged(path string, was os.FileInfo) error {
	now, missing := os.Stat(path)
	switch {
	case errors.Is(missing, os.ErrNotExist):
		return fault.Inputf("", "%s was removed while it was in use; run again", path)
	case missing != nil:
		return fault.Inputf("", "cannot read %s: %v", path, missing)
	case !os.SameFile(was, now) || was.Size() != now.Size() || !was.ModTime().Equal(now.ModTime()):
		return fault.Inputf("", "%s was changed while it was in use; run again once it is whole", path)
	}
	return nil
}

// CheckStoredTimes refuses times of 96 bits in the wanted columns that microseconds do not hold.
func (f Files) CheckStoredTimes(ctx context.Context, wanted func(column string) bool) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, path := range f.Paths {
		for _, column := range f.Footers[i].Columns {
			for _, leaf := range column.Leaves96 {
				if !wanted(column.Name) {
					continue
				}
				group.Go(func() error {
					if err := f.fetchLeaf(ctx, i, leaf); err != nil {
						return err
					}
					return parquetfooter.CheckLeaf(ctx, path, f.Shown(i), leaf)
				})
			}
		}
	}
	return group.Wait()
}
