// Package plainread reads the files of sources plainly: it is the witness (offline.Witness) that the answers of joins
// and materializations are checked against.
//
// It shares no code with the engines. Parquet is read with github.com/parquet-go/parquet-go, CSV by a reader of its
// own, JSON lines with encoding/json, and values are brought to their declared types by code that is written from the
// rules (R1, R9) alone, so that a mistake of DuckDB or of the engine's SQL is detected. The engine says which files
// belong to a source. The engine also reads SQL sources, since no other program runs DuckDB's SQL, and label files.
//
// Formats are implementations of rowReader; what they read are cells, and convert.go brings these to declared types.
package plainread

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
	"github.com/plumbstore/plumb/source/objects"
	"github.com/plumbstore/plumb/store/offline"
)

// Engine is what reads that which is not a file.
type Engine interface {
	offline.PlainReader
	// Inputs is that of offline.Store.
	Inputs(ctx context.Context, sources []*feature.Source) ([]feature.Input, error)
	// Scratch is that of offline.Files.
	Scratch() (folder string, remove func() error, err error)
	// Locate is that of offline.Files.
	Locate(path string) (string, error)
	// LocateObject is that of offline.Files.
	LocateObject(name string) error
}

// Reader implements offline.Witness.
type Reader struct {
	engine Engine
	// folder is the project's.
	folder string
	// store has the objects among the files; nil if there are none.
	store *objects.Store
}

var _ offline.Witness = (*Reader)(nil)

// New returns a reader of the sources of the project in this folder. The store has the objects among them; it is nil if
// there are none. Which bytes of an object are read is found out here, from its footer; but the bytes are those of the
// cache that the engine reads too, if there is one.
func New(engine Engine, folder string, store *objects.Store) *Reader {
	return &Reader{engine: engine, folder: folder, store: store}
}

// Labels implements offline.Witness.
func (r *Reader) Labels(ctx context.Context, request offline.JoinRequest, yield func(arrow.RecordBatch) error) error {
	return r.engine.Labels(ctx, request, yield)
}

// fileShift is the bit of a row's place at which the file's place begins, above the row's number in the file. Row 5 of
// the third file has the place 2<<40 | 5. Places so compare as source order does (R3): by file, then by row.
const fileShift = 40

// rowReader reads rows of a file in their order. It hands out the cells of the named columns with the row's number,
// counted from 0, of the rows that are wanted: all if wanted is nil, and otherwise those of its ascending numbers.
// Cells are valid until visit returns, whose error ends the reading and is returned. Of columns that the file does not
// have the cells are missing.
type rowReader func(ctx context.Context, from place, columns []string, wanted []int64,
	visit func(row int64, cells []cell) error) error

// place is where a file is read: a path, and the object that it is a part of, or nil.
type place struct {
	path   string
	object *objects.File
	// columns are those of the table that the file is of; nil for other files.
	columns []lake.Column
}

// formats has the reader of each file format.
var formats = map[feature.Format]rowReader{
	feature.Parquet: readParquet, feature.CSV: readText(beginCSV), feature.JSONLines: readText(beginJSON),
}

// file is one of a source.
type file struct {
	// path is how messages call it.
	path string
	at   place
	read rowReader
	// lacks says that a row may lack a column that others have, which is null there. In JSON lines each row names its own
	// members, so a column that is not in one row proves nothing about the file.
	lacks bool
	// deleted are the numbers of the rows that do not count, in ascending order.
	deleted []int64
	// partitions are the texts that the names of its folders give columns; nil for null.
	partitions map[string]*string
	// constants are the texts that a table's metadata give columns, by their names in lower case; nil for null.
	constants map[string]*string
}

// files are those of a source, in source order (R3), and letGo closes them.
func (r *Reader) files(ctx context.Context, source *feature.Source) (files []file, letGo func() error, err error) {
	told, err := r.engine.Inputs(ctx, []*feature.Source{source})
	if err != nil {
		return nil, nil, err
	}
	root, err := filepath.EvalSymlinks(r.folder)
	if err != nil {
		return nil, nil, fmt.Errorf("project folder: %w", err)
	}
	named, _ := source.Files()
	letGo = func() error { return nil }
	var reading *objects.Reading
	if r.store != nil {
		reading = r.store.Begin(r.engine.Scratch)
		letGo = reading.Close
	}
	if table, ok := tableOf(told); ok {
		name := told[0].Name
		if !objects.IsLocation(name) {
			name = absolute(root, name)
		}
		if files, err = r.tableFiles(ctx, reading, named, name, table); err != nil {
			return nil, nil, errors.Join(err, letGo())
		}
		told = told[1:]
	}
	before := len(files)
	files = append(files, make([]file, len(told))...)
	for i, one := range told {
		i += before
		files[i] = file{read: formats[named.Format], lacks: named.Format == feature.JSONLines}
		if version, ok := one.Version.(feature.ObjectVersion); ok {
			if err := files[i].open(reading, named, one.Name, version); err != nil {
				return nil, nil, errors.Join(err, letGo())
			}
			continue
		}
		files[i].path = absolute(root, one.Name)
		files[i].at.path = files[i].path
		if info, err := os.Stat(absolute(root, named.Path)); err == nil && info.IsDir() && !named.IsTable() {
			files[i].partitions = partitionsOf(absolute(root, named.Path), files[i].path)
		}
	}
	return files, letGo, nil
}

// open finds an object.
func (f *file) open(reading *objects.Reading, named feature.Files, name string, version feature.ObjectVersion,
) error {
	location, err := objects.Parse(name)
	if err != nil {
		return err
	}
	object := objects.Object{Location: location, Size: version.Size, ETag: version.ETag, Modified: version.Modified}
	if f.at.object, err = reading.Open(object); err != nil {
		return err
	}
	f.path, f.at.path = name, f.at.object.Path()
	if below, ok := strings.CutPrefix(name, strings.TrimSuffix(named.Path, "/")+"/"); ok {
		f.partitions = partitionsIn(path.Dir(below))
	}
	return nil
}

// tableOf is the version of the table among the inputs of a source, which comes first.
func tableOf(told []feature.Input) (version feature.TableVersion, ok bool) {
	if len(told) > 0 {
		version, ok = told[0].Version.(feature.TableVersion)
	}
	return version, ok
}

func absolute(folder, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(folder, filepath.FromSlash(path))
}

// rows hands out the cells of a file's rows. A fault in reading it, whatever it is, is the file's. That includes a
// panic: decoders of formats panic on some damaged files. What visit returns is passed on as it is.
func (f file) rows(ctx context.Context, columns []string, wanted []int64, visit func(int64, []cell) error) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = fault.Inputf("", "cannot read %s, it is damaged: %v", f.path, damage)
		}
	}()
	var refusal error
	err = f.read(ctx, f.at, columns, wanted, func(row int64, cells []cell) error {
		if _, isDeleted := slices.BinarySearch(f.deleted, row); isDeleted {
			return nil
		}
		for i := range cells {
			text, ok := f.partitions[columns[i]]
			if !ok {
				text, ok = f.constants[strings.ToLower(columns[i])]
			}
			if ok && cells[i].kind == isMissing {
				cells[i] = writtenCell(text)
			}
			if f.lacks && cells[i].kind == isMissing {
				cells[i] = cell{kind: isNull}
			}
		}
		refusal = visit(row, cells)
		return refusal
	})
	if err == nil || refusal != nil || ctx.Err() != nil {
		return err
	}
	return fault.Inputf("", "cannot read %s: %v", f.path, err)
}

// Values implements offline.Witness. Places are sorted, so that each file is read once, from its beginning, and only
// the files that have a wanted row.
func (r *Reader) Values(ctx context.Context, view *feature.View, places []int64,
	yield func(int64, []any) error,
) (err error) {
	if view.Source.IsQuery() {
		return nil // Their rows have no places.
	}
	files, letGo, err := r.files(ctx, view.Source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, letGo()) }()
	columns := make([]string, len(view.Features))
	for i, f := range view.Features {
		columns[i] = f.Column
	}
	places = slices.Sorted(slices.Values(places))
	values := make([]any, len(columns))
	for len(places) > 0 {
		at := places[0] >> fileShift
		end, _ := slices.BinarySearch(places, (at+1)<<fileShift)
		if int(at) >= len(files) {
			return fault.Inputf("", "files of source %s were removed while they were read; run again", view.Source.Name)
		}
		wanted := make([]int64, end)
		for i, place := range places[:end] {
			wanted[i] = place & (1<<fileShift - 1)
		}
		err := files[at].rows(ctx, columns, wanted, func(row int64, cells []cell) error {
			for i, f := range view.Features {
				value, err := convert(cells[i], f.Type, false)
				if err != nil {
					value = offline.Misfit{Column: f.Column, Reason: err.Error()}
				}
				values[i] = value
			}
			return yield(at<<fileShift|row, values)
		})
		if err != nil {
			return err
		}
		places = places[end:]
	}
	return nil
}
