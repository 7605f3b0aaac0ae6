package sourcefiles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/iceberg"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// Lake is the table of a lake whose files a source reads. Its files come first in Files, and those of a push log after
// them.
type Lake struct {
	*iceberg.Table

	// name is how inputs call the table.
	name string
	// Deletes are the local paths of the files of deleted positions, in the order of Table.Deletes, and Vectors those of
	// the files with the deletion vectors, in the order of Table.Files; empty for none.
	Deletes, Vectors []string
	infos            []os.FileInfo
}

// findTable finds the files of a table.
func (f *Finder) findTable(ctx context.Context, files *Files, named feature.Files) error {
	if objects.IsLocation(named.Path) {
		return fault.Inputf("", "%s lies in an object store, where tables are not read yet; name a local one", named.Path)
	}
	path, err := f.withinRoots(named.Path, f.absolute(named.Path))
	if err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fault.Inputf("", "%s is a folder; name a metadata file of the table, such as %s", named.Path,
			filepath.ToSlash(filepath.Join(named.Path, "metadata", "00001-….metadata.json")))
	}
	at := iceberg.At{Snapshot: named.Iceberg.Snapshot, Tag: named.Iceberg.Tag, Schema: named.Iceberg.Schema}
	if named.Iceberg.AsOf != nil {
		instant := int64(*named.Iceberg.AsOf)
		at.AsOf = &instant
	}
	table, err := iceberg.Open(ctx, f.readBelow, path, at)
	if err != nil {
		return err
	}
	files.lake = &Lake{Table: table, name: f.relative(path)}
	for _, file := range table.Files {
		if err := files.addOfTable(f, file); err != nil {
			return err
		}
	}
	for _, deletes := range table.Deletes {
		resolved, info, err := f.ofTable(deletes.Place, deletes.Size)
		if err != nil {
			return err
		}
		files.lake.Deletes, files.lake.infos = append(files.lake.Deletes, resolved), append(files.lake.infos, info)
	}
	return nil
}

// addOfTable adds a data file, and its deletion vector.
func (f *Files) addOfTable(finder *Finder, file iceberg.File) error {
	resolved, info, err := finder.ofTable(file.Place, file.Size)
	if err != nil {
		return err
	}
	f.Paths, f.Names = append(f.Paths, resolved), append(f.Names, finder.relative(resolved))
	f.listed, f.infos, f.objects = append(f.listed, file.Place), append(f.infos, info), append(f.objects, nil)
	vector := ""
	if file.Vector != nil {
		if vector, err = finder.local(file.Vector.Place); err != nil {
			return err
		}
	}
	f.lake.Vectors = append(f.lake.Vectors, vector)
	return nil
}

// ofTable finds a file that a table's metadata names, which has to have the size that they say.
func (f *Finder) ofTable(place string, size int64) (resolved string, info os.FileInfo, err error) {
	if resolved, err = f.local(place); err != nil {
		return "", nil, err
	}
	if info, err = os.Stat(resolved); err == nil {
		err = disk.CheckRegular(place, info)
	}
	switch {
	case err != nil:
		return "", nil, fault.Inputf("", "cannot read %s: %s", place, disk.Reason(err))
	case info.Size() != size:
		return "", nil, fault.Inputf("", "%s has %d bytes, and the metadata of its table says %d; it is damaged, or "+
			"another file", place, info.Size(), size)
	}
	return resolved, info, nil
}

// local resolves the place of a file of a table. Only a whole path is one: what is relative to a working folder, or in
// another kind of storage, lies below no root.
func (f *Finder) local(place string) (string, error) {
	if !filepath.IsAbs(place) {
		return "", f.notBelowRoots(place)
	}
	return f.withinRoots(place, place)
}

// readBelow is an iceberg.Reader of local files.
func (f *Finder) readBelow(_ context.Context, place string, limit int64) ([]byte, error) {
	resolved, err := f.local(place)
	if err != nil {
		return nil, err
	}
	opened, err := disk.OpenRegular(resolved)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", place, disk.Reason(err))
	}
	content, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err = errors.Join(err, opened.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", place, err)
	}
	if int64(len(content)) > limit {
		return nil, fault.Inputf("", "cannot read %s: it has more than %d bytes", place, limit)
	}
	return content, nil
}

// Lake is the table that the files are of; nil if they are of none.
func (f Files) Lake() *Lake { return f.lake }

// IsOfLake says whether a file is one of the table, and not of the push log.
func (f Files) IsOfLake(i int) bool { return f.lake != nil && int(f.Index(i)) < len(f.lake.Files) }

// HasDeletes says whether rows of a file may have been deleted.
func (f Files) HasDeletes(i int) bool {
	if !f.IsOfLake(i) {
		return false
	}
	file := f.lake.Files[f.Index(i)]
	return file.Vector != nil || slices.ContainsFunc(f.lake.Table.Deletes, func(d iceberg.Deletes) bool {
		return d.Sequence >= file.DataSequence
	})
}

// nameColumns gives the columns of a table's files the names that they have in the table, by their ids.
func (f *Files) nameColumns(event string) error {
	names := map[int]string{}
	for _, column := range f.lake.Columns {
		names[column.ID] = column.Name
	}
	for i, file := range f.lake.Files {
		footer := f.Footers[i]
		if !footer.Read {
			continue // CheckFooters says why.
		}
		if footer.Rows != file.Rows {
			return fault.Inputf("", "%s has %d rows, and the metadata of its table says %d; it is damaged, or another file",
				f.Paths[i], footer.Rows, file.Rows)
		}
		if err := checkIDs(footer, f.Paths[i], file.Partitioned, names); err != nil {
			return err
		}
		f.Footers[i] = footer.Renamed(names, event)
	}
	return nil
}

// checkIDs refuses a file whose columns cannot be told by their ids, and one that lacks a column whose values the name
// of its partition has.
func checkIDs(footer parquetfooter.Footer, path string, partitioned []int, names map[int]string) error {
	known := map[int]bool{}
	for _, column := range footer.Columns {
		if column.ID < 0 {
			return fault.Inputf("", "column %q of %s has no field id, as in tables that were made of other files; have the "+
				"table's engine rewrite it", column.Stored, path)
		}
		if known[column.ID] {
			return fault.Inputf("", "cannot read %s: two of its columns have the field id %d", path, column.ID)
		}
		known[column.ID] = true
	}
	for _, id := range partitioned {
		if names[id] != "" && !known[id] {
			return fault.Inputf("", "%s lacks the column %q, by which its table is partitioned, and values in metadata are "+
				"not read; have the table's engine rewrite it", path, names[id])
		}
	}
	return nil
}

// deleteColumns are the columns of files of deleted positions, with their ids.
var deleteColumns = map[string]int{"file_path": 2147483546, "pos": 2147483545}

// checkDeletes checks the files of deleted positions before anything reads them.
func (f *Files) checkDeletes(ctx context.Context) error {
	footers, err := parquetfooter.Read(ctx, f.lake.Deletes, "")
	if err != nil {
		return err
	}
	for i, footer := range footers {
		path := f.lake.Deletes[i]
		switch {
		case footer.Damaged != "":
			return fault.Inputf("", "cannot read %s: %s", path, footer.Damaged)
		case footer.Encrypted != "":
			return fault.Inputf("", "%s cannot be read: %s, and encrypted files are not supported", path, footer.Encrypted)
		case footer.Rows != f.lake.Table.Deletes[i].Rows:
			return fault.Inputf("", "%s has %d rows, and the metadata of its table says %d; it is damaged, or another file",
				path, footer.Rows, f.lake.Table.Deletes[i].Rows)
		}
		for name, id := range deleteColumns {
			if !slices.ContainsFunc(footer.Columns, func(c parquetfooter.Column) bool {
				return c.Name == name && c.ID == id && c.Nulls == 0 && c.Unreadable == ""
			}) {
				return fault.Inputf("", "cannot read %s: it has no column %q without nulls, as deletes have", path, name)
			}
		}
	}
	return nil
}

// version is that of the table.
func (l *Lake) version() feature.TableVersion {
	return feature.TableVersion{Table: l.UUID, Snapshot: l.Snapshot, Schema: l.Schema, Kept: l.Snapshots}
}
