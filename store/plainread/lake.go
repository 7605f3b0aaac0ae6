package plainread

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/delta"
	"github.com/plumbstore/plumb/source/iceberg"
	"github.com/plumbstore/plumb/source/lake"
	"github.com/plumbstore/plumb/source/objects"
)

// tableFiles are the data files of a table at a version, in source order (R3): which they are is in the table's
// metadata. Their columns and their deleted rows are found here.
func (r *Reader) tableFiles(ctx context.Context, reading *objects.Reading, named feature.Files, name string,
	version feature.TableVersion,
) ([]file, error) {
	t := &tableReader{engine: r.engine, reading: reading}
	var table *lake.Table
	var err error
	if named.Delta != nil {
		table, err = delta.Open(ctx, t.read, t.list, name, delta.At{Version: &version.Snapshot})
	} else {
		table, err = iceberg.Open(ctx, t.read, name, iceberg.At{Snapshot: version.Snapshot, Schema: &version.Schema})
	}
	if err != nil {
		return nil, err
	}
	deleted, err := t.deleted(ctx, table)
	if err != nil {
		return nil, err
	}
	files := make([]file, len(table.Files))
	for i, one := range table.Files {
		files[i] = file{path: one.Place, read: readParquet, deleted: deleted[one.Place], constants: map[string]*string{}}
		for column, text := range one.Constants {
			files[i].constants[strings.ToLower(column)] = text
		}
		if files[i].at, err = t.open(ctx, one.Place); err != nil {
			return nil, err
		}
		files[i].at.columns = table.Columns
	}
	return files, nil
}

// tableReader reads the files of a table, as far as the engine may read them.
type tableReader struct {
	engine  Engine
	reading *objects.Reading
}

// open finds a file.
func (t *tableReader) open(ctx context.Context, name string) (place, error) {
	if !objects.IsLocation(name) {
		path, err := t.engine.Locate(name)
		return place{path: path}, err
	}
	location, err := objects.Parse(name)
	if err == nil {
		err = t.engine.LocateObject(name)
	}
	if err != nil {
		return place{}, err
	}
	found, ok, err := t.reading.Look(ctx, location)
	if err == nil && !ok {
		err = fault.Inputf("", "cannot read %s: there is no such object", name)
	}
	if err != nil {
		return place{}, err
	}
	object, err := t.reading.Open(found)
	if err != nil {
		return place{}, err
	}
	return place{path: object.Path(), object: object}, nil
}

// deleted are the numbers of the deleted rows of each file, in ascending order, by the file's place.
func (t *tableReader) deleted(ctx context.Context, table *lake.Table) (map[string][]int64, error) {
	deleted, since, places := map[string][]int64{}, map[string]int64{}, map[string]string{}
	for _, one := range table.Files {
		if one.Vector == nil {
			since[one.Path], places[one.Path] = one.DataSequence, one.Place
			continue
		}
		path, err := t.vector(ctx, one.Vector)
		if err != nil {
			return nil, err
		}
		err = lake.ReadVector(ctx, path, one, func(row int64) error {
			deleted[one.Place] = append(deleted[one.Place], row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, deletes := range table.Deletes {
		where, err := t.open(ctx, deletes.Place)
		if err != nil {
			return nil, err
		}
		columns := []string{"file_path", "pos"}
		err = readParquet(ctx, where, columns, nil, func(_ int64, cells []cell) error {
			path, row := cells[0].text, cells[1].whole
			if sequence, ok := since[path]; ok && sequence <= deletes.Sequence {
				deleted[places[path]] = append(deleted[places[path]], row)
			}
			return nil
		})
		if err != nil {
			return nil, fault.Inputf("", "cannot read %s: %v", deletes.Place, err)
		}
	}
	for _, rows := range deleted {
		slices.Sort(rows)
	}
	return deleted, nil
}

// vector makes a deletion vector be there, and returns the local path of the file that has it.
func (t *tableReader) vector(ctx context.Context, vector *lake.Vector) (string, error) {
	if vector.Inline != nil {
		return "", nil
	}
	where, err := t.open(ctx, vector.Place)
	if err == nil && where.object != nil {
		bytes := objects.Range{Start: vector.Offset, End: vector.Offset + vector.Length}
		err = objects.Fetch(ctx, []objects.Need{{File: where.object, Ranges: []objects.Range{bytes}}})
	}
	return where.path, err
}

// list is a lake.Lister.
func (t *tableReader) list(ctx context.Context, folder string) (names []string, err error) {
	if !objects.IsLocation(folder) {
		path, err := t.engine.Locate(folder)
		if err != nil {
			return nil, err
		}
		found, err := os.ReadDir(path)
		for _, entry := range found {
			names = append(names, entry.Name())
		}
		return names, err
	}
	location, err := objects.Parse(folder)
	if err == nil {
		err = t.engine.LocateObject(folder)
	}
	if err != nil {
		return nil, err
	}
	found, err := t.reading.List(ctx, location.At(location.Key+"/"))
	for _, object := range found {
		names = append(names, strings.TrimPrefix(object.Key, location.Key+"/"))
	}
	return names, err
}

// read is a lake.Reader.
func (t *tableReader) read(ctx context.Context, name string, limit int64) ([]byte, error) {
	where, err := t.open(ctx, name)
	if err != nil {
		return nil, err
	}
	if where.object != nil && where.object.Size <= limit {
		if err := where.object.EnsureAll(ctx); err != nil {
			return nil, err
		}
	}
	opened, err := disk.OpenRegular(where.path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", name, disk.Reason(err))
	}
	defer opened.Close()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fault.Inputf("", "cannot read %s: it has more than %d bytes", name, limit)
	}
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(opened, content); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return content, nil
}

// findOfTable finds a column of a table's file by what the table says of it; nil if the file does not have it.
func findOfTable(fields []*field, columns []lake.Column, name string) (*field, error) {
	column := slices.IndexFunc(columns, func(c lake.Column) bool { return strings.EqualFold(c.Name, name) })
	if column < 0 {
		return nil, nil
	}
	at := slices.IndexFunc(fields, func(f *field) bool { return columns[column].IsIn(f.name, f.id) })
	if at < 0 {
		return nil, nil
	}
	if fields[at].leaf < 0 {
		return nil, fmt.Errorf("column %q is neither a value nor a list of values", name)
	}
	return fields[at], nil
}
