package plainread

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/iceberg"
)

// tableFiles are the data files of a table at a version, in source order (R3): which they are is in the table's
// metadata. Their columns and their deleted rows are found here.
func (r *Reader) tableFiles(ctx context.Context, root, name string, version feature.TableVersion) ([]file, error) {
	metadata, err := r.engine.Locate(absolute(root, name))
	if err != nil {
		return nil, err
	}
	table, err := iceberg.Open(ctx, r.readWhole, metadata, iceberg.At{Snapshot: version.Snapshot, Schema: &version.Schema})
	if err != nil {
		return nil, err
	}
	ids := map[string]int{}
	for _, column := range table.Columns {
		ids[strings.ToLower(column.Name)] = column.ID
	}
	deleted, err := r.deleted(ctx, table)
	if err != nil {
		return nil, err
	}
	files := make([]file, len(table.Files))
	for i, one := range table.Files {
		files[i] = file{read: readParquet, deleted: deleted[one.Path]}
		if files[i].path, err = r.engine.Locate(one.Place); err != nil {
			return nil, err
		}
		files[i].at = place{path: files[i].path, ids: ids}
	}
	return files, nil
}

// deleted are the numbers of the deleted rows of each file, in ascending order, by the file's path in the metadata.
func (r *Reader) deleted(ctx context.Context, table *iceberg.Table) (map[string][]int64, error) {
	deleted, since := map[string][]int64{}, map[string]int64{}
	for _, one := range table.Files {
		if one.Vector == nil {
			since[one.Path] = one.DataSequence
			continue
		}
		where, err := r.engine.Locate(one.Vector.Place)
		if err != nil {
			return nil, err
		}
		err = iceberg.ReadVector(ctx, where, one, func(row int64) error {
			deleted[one.Path] = append(deleted[one.Path], row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, deletes := range table.Deletes {
		where, err := r.engine.Locate(deletes.Place)
		if err != nil {
			return nil, err
		}
		columns := []string{"file_path", "pos"}
		err = readParquet(ctx, place{path: where}, columns, nil, func(_ int64, cells []cell) error {
			path, row := cells[0].text, cells[1].whole
			if sequence, ok := since[path]; ok && sequence <= deletes.Sequence {
				deleted[path] = append(deleted[path], row)
			}
			return nil
		})
		if err != nil {
			return nil, fault.Inputf("", "cannot read %s: %v", where, err)
		}
	}
	for _, rows := range deleted {
		slices.Sort(rows)
	}
	return deleted, nil
}

// readWhole is an iceberg.Reader of the files that the engine may read.
func (r *Reader) readWhole(_ context.Context, name string, limit int64) ([]byte, error) {
	path, err := r.engine.Locate(name)
	if err != nil {
		return nil, err
	}
	opened, err := disk.OpenRegular(path)
	if err != nil {
		return nil, fault.Inputf("", "cannot read %s: %s", name, disk.Reason(err))
	}
	content, err := io.ReadAll(io.LimitReader(opened, limit+1))
	if err = errors.Join(err, opened.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(content)) > limit {
		return nil, fault.Inputf("", "cannot read %s: it has more than %d bytes", name, limit)
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
