package storetest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/delta/deltatest"
	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
)

// DrawTables draws a project as DrawWorld does, of views over tables of a lake: of Iceberg and of Delta, with deleted
// rows, with columns that have other names in files, and with files that were added in another order than that of their
// paths.
func DrawTables(t *rapid.T, folder, prefix string) *World {
	world := &World{Folder: folder, Definitions: &plumbv1.Definitions{}, Histories: map[string]*History{}}
	for i := range rapid.IntRange(1, 3).Draw(t, "views") {
		d := &draft{history: &History{TTL: drawTTL(t)}, isTable: true}
		d.draw(t, world, i, prefix)
	}
	return world
}

// lakeTable is a table whose metadata are written once its files are there.
type lakeTable struct {
	// folder is that of the table, relative to the project folder.
	folder  string
	isDelta bool
	columns []tableColumn
	files   []tableFile
	// byVectors says that the rows that are deleted are those of vectors, and not of files of positions.
	byVectors bool
}

type tableColumn struct {
	name     string
	declared plumbv1.Type
	// isPartition says that the files do not have the column.
	isPartition bool
}

type tableFile struct {
	path     string
	sequence int64
	rows     int
	deleted  []uint16
	// partition is the value of the column of partitions; nil for null.
	partition any
}

// drawTable makes a table of files: it exchanges the names of columns, orders the files anew, and deletes rows.
func (d *draft) drawTable(t *rapid.T, folder string, files []File) *lakeTable {
	hasPartition := d.partitionKey || d.partitionFeature
	table := &lakeTable{folder: folder, isDelta: hasPartition || rapid.Bool().Draw(t, "Delta"),
		byVectors: rapid.Bool().Draw(t, "vectors")}
	for i, key := range d.entity.GetJoinKeys() {
		table.columns = append(table.columns, tableColumn{cmp.Or(key.Column, key.Name), key.Type,
			d.partitionKey && i == len(d.keys)})
	}
	for i, f := range d.def.Features {
		isPartition := d.partitionFeature && i == len(d.def.Features)-1
		table.columns = append(table.columns, tableColumn{columnOf(f), f.Type, isPartition})
	}
	for _, name := range []string{"observed at", "known at"} {
		table.columns = append(table.columns, tableColumn{name: name, declared: plumbv1.Type_TIMESTAMP})
	}
	for i := range files {
		file := tableFile{path: files[i].Path, rows: files[i].rows(),
			sequence: int64(rapid.IntRange(1, len(files)).Draw(t, "sequence"))}
		if hasPartition {
			file.partition = partitionOf(files[i].Path)
		}
		for row := range file.rows {
			if oneIn(t, 5, "deleted") {
				file.deleted = append(file.deleted, uint16(row))
			}
		}
		table.files = append(table.files, file)
		for at := range files[i].Columns {
			table.rename(&files[i].Columns[at], i)
		}
	}
	var kept []SourceRow
	for _, row := range d.history.Rows {
		file := table.files[slices.IndexFunc(table.files, func(f tableFile) bool { return f.path == row.File })]
		if row.Sequence = file.sequence; !slices.Contains(file.deleted, uint16(row.Number)) {
			kept = append(kept, row)
		}
	}
	d.history.Rows = kept
	return table
}

// rename gives a column of a file its id, and another name: in each file another, if the table is one of Iceberg.
func (l *lakeTable) rename(column *Column, file int) {
	at := slices.IndexFunc(l.columns, func(c tableColumn) bool { return c.name == column.Name })
	if column.ID = at + 1; l.isDelta {
		file = 0
	}
	// Names of other columns of the table are no hint either.
	column.Name = l.columns[(at+file+1)%len(l.columns)].name + fmt.Sprint(" of ", file)
}

// read has a source read the table.
func (l *lakeTable) read(source *plumbv1.Source) {
	if l.isDelta {
		source.Kind = &plumbv1.Source_Delta{Delta: &plumbv1.DeltaSource{Path: l.folder}}
		return
	}
	source.Kind = &plumbv1.Source_Iceberg{Iceberg: &plumbv1.IcebergSource{
		Path: path.Join(l.folder, "metadata", "v1.metadata.json")}}
}

// write writes the metadata below the project folder.
func (l *lakeTable) write(folder string) error {
	if l.isDelta {
		return l.writeDelta(folder)
	}
	return l.writeIceberg(folder)
}

// tableTypes are the names of types, in Iceberg and in Delta.
var tableTypes = map[plumbv1.Type][2]string{
	plumbv1.Type_BOOL: {"boolean", "boolean"}, plumbv1.Type_INT32: {"int", "integer"},
	plumbv1.Type_INT64:   {"long", "long"},
	plumbv1.Type_FLOAT32: {"float", "float"}, plumbv1.Type_FLOAT64: {"double", "double"},
	plumbv1.Type_STRING: {"string", "string"}, plumbv1.Type_BYTES: {"binary", "binary"},
	plumbv1.Type_TIMESTAMP: {"timestamptz", "timestamp"},
}

func (l *lakeTable) writeDelta(folder string) error {
	var fields []map[string]any
	var partitions []string
	for i, column := range l.columns {
		physical := (&Column{Name: column.name})
		if l.rename(physical, 0); column.isPartition {
			partitions = append(partitions, column.name)
		}
		var kind any
		if element, ok := value.ElementType(column.declared); ok {
			kind = map[string]any{"type": "array", "elementType": tableTypes[element][1], "containsNull": true}
		} else {
			kind = tableTypes[column.declared][1]
		}
		mapping := map[string]any{"delta.columnMapping.id": i + 1, "delta.columnMapping.physicalName": physical.Name}
		fields = append(fields, map[string]any{"name": column.name, "type": kind, "nullable": true, "metadata": mapping})
	}
	schema, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	log := deltatest.Log{}
	actions := []string{deltatest.Protocol("columnMapping", "deletionVectors"),
		deltatest.Metadata(string(schema), partitions, map[string]string{"delta.columnMapping.mode": "name"})}
	for _, file := range l.files {
		info, err := os.Stat(filepath.Join(folder, file.path))
		if err != nil {
			return err
		}
		relative := strings.TrimPrefix(file.path, l.folder+"/")
		add := deltatest.Add{Path: (&url.URL{Path: "/" + relative}).EscapedPath()[1:], Size: info.Size(),
			ModificationTime: file.sequence, PartitionValues: map[string]*string{}}
		if partitions != nil {
			at := slices.IndexFunc(l.columns, func(c tableColumn) bool { return c.isPartition })
			physical := &Column{Name: l.columns[at].name}
			l.rename(physical, 0)
			add.PartitionValues[physical.Name] = nil
			if text, ok := file.partition.(string); ok {
				add.PartitionValues[physical.Name] = &text
			}
		}
		if file.deleted != nil {
			add.Vector = deltatest.Inline(icebergtest.Array(file.deleted...), int64(len(file.deleted)))
		}
		actions = append(actions, add.String())
	}
	log.Commit(0, actions...)
	return log.Write(filepath.Join(folder, l.folder))
}

func (l *lakeTable) writeIceberg(folder string) error {
	var fields []map[string]any
	for i, column := range l.columns {
		var kind any
		if element, ok := value.ElementType(column.declared); ok {
			kind = map[string]any{"type": "list", "element-id": 1000 + i, "element": tableTypes[element][0]}
		} else {
			kind = tableTypes[column.declared][0]
		}
		fields = append(fields, map[string]any{"id": i + 1, "name": column.name, "type": kind})
	}
	schema, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	table := icebergtest.Table{Fields: string(schema)}
	add := func(sequence int64, entry icebergtest.Entry) {
		table.Manifests = append(table.Manifests,
			icebergtest.Manifest{Sequence: sequence, Entries: []icebergtest.Entry{entry}})
	}
	for i, file := range l.files {
		whole := filepath.Join(folder, file.path)
		info, err := os.Stat(whole)
		if err != nil {
			return err
		}
		add(file.sequence, icebergtest.Entry{Status: 1, Path: whole, Format: "PARQUET", Rows: int64(file.rows),
			Size: info.Size()})
		if file.deleted == nil {
			continue
		}
		deletes, err := l.deletes(filepath.Join(folder, l.folder, fmt.Sprint("deletes ", i)), whole, file.deleted)
		if err != nil {
			return err
		}
		add(int64(len(l.files)), deletes)
	}
	_, err = icebergtest.Write(filepath.Join(folder, l.folder), table)
	return err
}

// deletes writes which rows of a file are deleted, as a vector or as positions.
func (l *lakeTable) deletes(name, of string, rows []uint16) (icebergtest.Entry, error) {
	entry := icebergtest.Entry{Status: 1, Content: 1, Rows: int64(len(rows))}
	if l.byVectors {
		blob := icebergtest.Vector(icebergtest.Array(rows...))
		offset, length := int64(4), int64(len(blob))
		entry.Path, entry.Format, entry.Size = name+".puffin", "PUFFIN", offset+length
		entry.Referenced, entry.Offset, entry.Length = &of, &offset, &length
		return entry, os.WriteFile(entry.Path, append([]byte("PFA1"), blob...), 0o600)
	}
	positions := File{Path: name + ".parquet", Columns: []Column{
		{Name: "file_path", ID: 2147483546, Form: arrow.BinaryTypes.String},
		{Name: "pos", ID: 2147483545, Form: arrow.PrimitiveTypes.Int64}}}
	for _, row := range rows {
		positions.Columns[0].Values = append(positions.Columns[0].Values, of)
		positions.Columns[1].Values = append(positions.Columns[1].Values, int64(row))
	}
	if err := positions.Write(); err != nil {
		return entry, err
	}
	info, err := os.Stat(positions.Path)
	if err != nil {
		return entry, err
	}
	entry.Path, entry.Format, entry.Size = positions.Path, "PARQUET", info.Size()
	return entry, nil
}
