package plainread

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/iceberg"
	"github.com/plumbstore/plumb/source/lake"
	"github.com/plumbstore/plumb/source/objects"
)

// tableFiles are the data files of a table at a version, in source order (R3): which they are is in the table's
// metadata. Their columns and their deleted rows are found here.
func (r *Reader) tableFiles(ctx context.Context, reading *objects.Reading, name string, version feature.TableVersion) (
	[]file, error,
) {
	t := &tableReader{engine: r.engine, reading: reading}
	table, err := iceberg.Open(ctx, t.read, name, iceberg.At{Snapshot: version.Snapshot, Schema: &version.Schema})
	if err != nil {
		return nil, err
	}
	ids := map[string]int{}
	for _, column := range table.Columns {
		ids[strings.ToLower(column.Name)] = column.ID
	}
	deleted, err := t.deleted(ctx, table)
	if err != nil {
		return nil, err
	}
	files := make([]file, len(table.Files))
	for i, one := range table.Files {
		files[i] = file{path: one.Place, read: readParquet, deleted: deleted[one.Path]}
		if files[i].at, err = t.open(ctx, one.Place); err != nil {
			return nil, err
		}
		files[i].at.ids = ids
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

// deleted are the numbers of the deleted rows of each file, in ascending order, by the file's path in the metadata.
func (t *tableReader) deleted(ctx context.Context, table *lake.Table) (map[string][]int64, error) {
	deleted, since := map[string][]int64{}, map[string]int64{}
	for _, one := range table.Files {
		if one.Vector == nil {
			since[one.Path] = one.DataSequence
			continue
		}
		where, err := t.open(ctx, one.Vector.Place)
		if err == nil && where.object != nil {
			bytes := objects.Range{Start: one.Vector.Offset, End: one.Vector.Offset + one.Vector.Length}
			err = objects.Fetch(ctx, []objects.Need{{File: where.object, Ranges: []objects.Range{bytes}}})
		}
		if err != nil {
			return nil, err
		}
		err = lake.ReadVector(ctx, where.path, one, func(row int64) error {
			deleted[one.Path] = append(deleted[one.Path], row)
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
				deleted[path] = append(deleted[path], row)
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

// findByID finds a column of a table's file by the id that the table has for it; nil if there is none.
func findByID(fields []*field, ids map[string]int, name string) (*field, error) {
	id, ok := ids[strings.ToLower(name)]
	at := slices.IndexFunc(fields, func(f *field) bool { return f.id == id })
	if !ok || at < 0 {
		return nil, nil
	}
	if fields[at].leaf < 0 {
		return nil, fmt.Errorf("column %q is neither a value nor a list of values", name)
	}
	return fields[at], nil
}
