package sourcefiles

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/delta"
	"github.com/plumbstore/plumb/source/iceberg"
	"github.com/plumbstore/plumb/source/lake"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/duckdb/parquetfooter"
)

// Lake is the table of a lake whose files a source reads. Its files come first in Files, and those of a push log after
// them.
type Lake struct {
	*lake.Table

	// name is how inputs call the table.
	name string
	// deletes are the files of deleted positions, in the order of Table.Deletes, and vectors those of the files with the
	// deletion vectors, in the order of Table.Files; nil for a file without one.
	deletes, vectors []*tableFile
}

// DeletePaths are the local paths of the files of deleted positions, in the order of Table.Deletes.
func (l *Lake) DeletePaths() []string {
	paths := make([]string, len(l.deletes))
	for i, file := range l.deletes {
		paths[i] = file.path
	}
	return paths
}

// VectorPath is the local path of the file with the deletion vector of a file of the table; empty for a vector that is
// in the metadata.
func (l *Lake) VectorPath(i int) string {
	if l.vectors[i] == nil {
		return ""
	}
	return l.vectors[i].path
}

// findTable finds the files of a table.
func (f *Finder) findTable(ctx context.Context, files *Files, named feature.Files, reading *objects.Reading) error {
	reader := &tableReader{finder: f, reading: reading}
	place, name, err := reader.begin(named)
	if err != nil {
		return err
	}
	table, err := openTable(ctx, reader.read, reader.list, place, named)
	if err != nil {
		return err
	}
	files.lake = &Lake{Table: table, name: name}
	return reader.find(ctx, files)
}

// openTable reads the metadata of the table at a place that a source names.
func openTable(ctx context.Context, read lake.Reader, list lake.Lister, place string, named feature.Files) (
	*lake.Table, error,
) {
	if named.Delta != nil {
		return delta.Open(ctx, read, list, place, delta.At{Version: named.Delta.Version,
			AsOf: (*int64)(named.Delta.AsOf)})
	}
	return iceberg.Open(ctx, read, place, iceberg.At{Snapshot: named.Iceberg.Snapshot, Tag: named.Iceberg.Tag,
		Schema: named.Iceberg.Schema, AsOf: (*int64)(named.Iceberg.AsOf)})
}

// begin is the place of what a source names of a table, and how inputs call it.
func (r *tableReader) begin(named feature.Files) (place, name string, err error) {
	if objects.IsLocation(named.Path) {
		location, err := objects.Parse(named.Path)
		return location.String(), location.String(), err
	}
	path, err := r.finder.withinRoots(named.Path, r.finder.absolute(named.Path))
	if err != nil {
		return "", "", err
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", "", fault.Inputf("", "cannot read %s: %s", named.Path, disk.Reason(err))
	case named.Delta != nil && !info.IsDir():
		return "", "", fault.Inputf("", "%s is a file; name the folder of the table, which has the folder _delta_log",
			named.Path)
	case named.Iceberg != nil && info.IsDir():
		return "", "", fault.Inputf("", "%s is a folder; name a metadata file of the table, such as %s", named.Path,
			filepath.ToSlash(filepath.Join(named.Path, "metadata", "00001-….metadata.json")))
	}
	return path, r.finder.relative(path), nil
}

// find opens the files of the table and takes them in, in their order.
func (r *tableReader) find(ctx context.Context, files *Files) error {
	table := files.lake.Table
	data, vectors := make([]*tableFile, len(table.Files)), make([]*tableFile, len(table.Files))
	deletes := make([]*tableFile, len(table.Deletes))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(concurrent)
	open := func(at **tableFile, place string, size int64) {
		group.Go(func() (err error) {
			*at, err = r.open(within, place, size)
			return err
		})
	}
	for i, file := range table.Files {
		open(&data[i], file.Place, file.Size)
		if file.Vector != nil && file.Vector.Inline == nil {
			open(&vectors[i], file.Vector.Place, anySize)
		}
	}
	for i, file := range table.Deletes {
		open(&deletes[i], file.Place, file.Size)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, file := range data {
		files.Paths, files.Names = append(files.Paths, file.path), append(files.Names, file.name)
		files.listed, files.infos = append(files.listed, table.Files[i].Place), append(files.infos, file.info)
		files.objects = append(files.objects, file.object)
	}
	files.lake.deletes, files.lake.vectors = deletes, vectors
	return files.lake.fetchDeletes(ctx)
}

// fetchDeletes fetches what says which rows were deleted.
func (l *Lake) fetchDeletes(ctx context.Context) error {
	var needs []objects.Need
	for _, file := range l.deletes {
		if file.object != nil {
			needs = append(needs, objects.Need{File: file.object, Ranges: []objects.Range{{Start: 0, End: file.object.Size}}})
		}
	}
	for i, file := range l.vectors {
		if file != nil && file.object != nil {
			vector := l.Files[i].Vector
			needs = append(needs, objects.Need{File: file.object,
				Ranges: []objects.Range{{Start: vector.Offset, End: vector.Offset + vector.Length}}})
		}
	}
	return objects.Fetch(ctx, needs)
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
	return file.Vector != nil || slices.ContainsFunc(f.lake.Deletes, func(d lake.Deletes) bool {
		return d.Sequence >= file.DataSequence
	})
}

// nameColumns gives the columns of a table's files the names that they have in the table.
func (f *Files) nameColumns(event string) error {
	byID, byName := map[int]string{}, map[string]string{}
	for _, column := range f.lake.Columns {
		switch {
		case column.Constant:
		case column.Stored == "":
			byID[column.ID] = column.Name
		default:
			byName[strings.ToLower(column.Stored)] = column.Name
		}
	}
	name := func(c parquetfooter.Column) string {
		if len(byID) > 0 {
			return byID[c.ID]
		}
		return byName[strings.ToLower(c.Stored)]
	}
	for i, file := range f.lake.Files {
		footer := f.Footers[i]
		if !footer.Read {
			continue // CheckFooters says why.
		}
		if f.lake.Files[i].Rows = footer.Rows; file.Rows != lake.AnyRows && footer.Rows != file.Rows {
			return fault.Inputf("", "%s has %d rows, and the metadata of its table says %d; it is damaged, or another file",
				f.Shown(i), footer.Rows, file.Rows)
		}
		if len(byID) > 0 {
			if err := checkIDs(footer, f.Shown(i), file.Partitioned, byID); err != nil {
				return err
			}
		}
		f.Footers[i] = footer.Renamed(name, event)
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

// Constant is the value that all rows of a file of a table have in a column, as text, and nil for null. It says false
// of a column that is in the file.
func (f Files) Constant(i int, column string) (text *string, ok bool) {
	if !f.IsOfLake(i) {
		return nil, false
	}
	for name, text := range f.lake.Files[f.Index(i)].Constants {
		if strings.EqualFold(name, column) {
			return text, true
		}
	}
	return nil, false
}

// deleteColumns are the columns of files of deleted positions, with their ids.
var deleteColumns = map[string]int{"file_path": 2147483546, "pos": 2147483545}

// checkDeletes checks the files of deleted positions before anything reads them.
func (f *Files) checkDeletes(ctx context.Context) error {
	footers, err := parquetfooter.Read(ctx, f.lake.DeletePaths(), "")
	if err != nil {
		return err
	}
	for i, footer := range footers {
		path := f.lake.deletes[i].name
		switch {
		case footer.Damaged != "":
			return fault.Inputf("", "cannot read %s: %s", path, footer.Damaged)
		case footer.Encrypted != "":
			return fault.Inputf("", "%s cannot be read: %s, and encrypted files are not supported", path, footer.Encrypted)
		case footer.Rows != f.lake.Deletes[i].Rows:
			return fault.Inputf("", "%s has %d rows, and the metadata of its table says %d; it is damaged, or another file",
				path, footer.Rows, f.lake.Deletes[i].Rows)
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
	return feature.TableVersion{Table: l.ID, Snapshot: l.Version, Schema: l.Schema, Kept: l.Kept}
}
