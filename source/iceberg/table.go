package iceberg

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// Table is what a table holds at one snapshot. It does not change.
type Table struct {
	UUID     string
	Snapshot int64
	// Schema is the id of the schema that gives Columns.
	Schema  int
	Columns []Column
	// Files are the data files in source order (R3): by the sequence number of the snapshot that added them, and then
	// bytewise by path.
	Files []File
	// Deletes are the files of deleted positions that apply to files of the table.
	Deletes []Deletes
	// Snapshots are the ids of those that the table has, of which each can be read.
	Snapshots []int64
}

// File is a data file.
type File struct {
	// Path is as the metadata spells it, and Place where it is read.
	Path, Place string
	// Sequence is the number of the snapshot that added the file, and DataSequence that of its rows: deletes that came
	// later apply to them.
	Sequence, DataSequence int64
	Rows, Size             int64
	// Vector has the deleted rows; nil if none has. A file with a vector has no other deletes.
	Vector *Vector
	// Partitioned are the ids of the columns by whose values the file was put into a partition.
	Partitioned []int
}

// Deletes is a Parquet file of positions of deleted rows, each with the path of its data file.
type Deletes struct {
	Place      string
	Sequence   int64
	Rows, Size int64
}

// Vector is where the positions of the deleted rows of one file are within a Puffin file.
type Vector struct {
	Place          string
	Offset, Length int64
	// Rows is the number of deleted rows.
	Rows int64

	sequence int64
}

// Reader reads a file whole, of at most limit bytes. It refuses places that files may not be read from.
type Reader func(ctx context.Context, place string, limit int64) ([]byte, error)

// Open reads what a table holds. place is that of one of its metadata files; what is wrong is a *fault.InputError.
func Open(ctx context.Context, read Reader, place string, at At) (*Table, error) {
	m, err := readMetadata(ctx, read, place, place)
	if err != nil {
		return nil, err
	}
	chosen, by, err := m.choose(at)
	if err != nil {
		return nil, err
	}
	t := &Table{UUID: m.UUID, Snapshot: chosen.ID, Schema: by.ID}
	if t.Columns, err = by.columns(); err != nil {
		return nil, err
	}
	for _, s := range m.Snapshots {
		t.Snapshots = append(t.Snapshots, s.ID)
	}
	if chosen.ManifestList == "" {
		return nil, fault.Inputf("", "snapshot %d has no list of manifests, as very old writers left it out; rewrite the "+
			"table's metadata", chosen.ID)
	}
	p := &planning{read: read, metadata: m, moved: movedFrom(m.Location, place), table: t, vectors: map[string]*Vector{}}
	if err := p.list(ctx, chosen.ManifestList); err != nil {
		return nil, err
	}
	return t, p.finish()
}

// planning gathers the files of a table.
type planning struct {
	read     Reader
	metadata *metadata
	moved    moved
	table    *Table
	// vectors are those of the data files, by the files' paths.
	vectors map[string]*Vector
}

// list reads the list of manifests and each of them.
func (p *planning) list(ctx context.Context, path string) error {
	place := p.moved.place(path)
	var manifests []manifestFile
	err := readAvro(ctx, p.read, place, place, func(m *manifestFile) error {
		manifests = append(manifests, *m)
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range manifests {
		place := p.moved.place(m.Path)
		err := readAvro(ctx, p.read, place, place, func(entry *manifestEntry) error { return p.add(place, m, entry) })
		if err != nil {
			return err
		}
	}
	return nil
}

// add takes an entry of a manifest in.
func (p *planning) add(name string, m manifestFile, entry *manifestEntry) error {
	file := entry.File
	switch {
	case entry.Status == isDeleted:
		return nil
	case entry.Status != isExisting && entry.Status != isAdded:
		return fault.Inputf("", "cannot read %s: status %d of an entry is not known", name, entry.Status)
	case file.Path == "" || file.Rows < 0 || file.Size < 0:
		return fault.Inputf("", "cannot read %s: the file %s has %d rows and %d bytes", name, shown(file.Path), file.Rows,
			file.Size)
	}
	// A number that is left out is that of the manifest, whose snapshot added the file.
	sequence, fileSequence := m.Sequence, m.Sequence
	if entry.Sequence != nil {
		sequence = *entry.Sequence
	}
	if entry.FileSequence != nil {
		fileSequence = *entry.FileSequence
	}
	switch file.Content {
	case holdsRows:
		if !strings.EqualFold(file.Format, "parquet") {
			return fault.Inputf("", "%s is a data file of the format %s; Parquet is read", shown(file.Path),
				shown(file.Format))
		}
		p.table.Files = append(p.table.Files, File{Path: file.Path, Place: p.moved.place(file.Path), Sequence: fileSequence,
			DataSequence: sequence, Rows: file.Rows, Size: file.Size, Partitioned: p.partitioned(m.Spec)})
	case holdsPositions:
		return p.addDeletes(name, file, sequence)
	case holdsEqualityDeletes:
		return fault.Inputf("", "the table has equality deletes (%s), which are not read; have its engine rewrite its "+
			"files", shown(file.Path))
	default:
		return fault.Inputf("", "cannot read %s: content %d of an entry is not known", name, file.Content)
	}
	if len(p.table.Files) > maxFiles {
		return fault.Inputf("", "the table has more than %d files; have its engine rewrite them as fewer", maxFiles)
	}
	return nil
}

// addDeletes takes a file of positions in, or a vector.
func (p *planning) addDeletes(name string, file dataFile, sequence int64) error {
	switch {
	case strings.EqualFold(file.Format, "parquet"):
		p.table.Deletes = append(p.table.Deletes, Deletes{Place: p.moved.place(file.Path), Sequence: sequence,
			Rows: file.Rows, Size: file.Size})
		return nil
	case !strings.EqualFold(file.Format, "puffin"):
		return fault.Inputf("", "%s holds deletes in the format %s; Parquet and Puffin are read", shown(file.Path),
			shown(file.Format))
	case file.Referenced == nil || file.Offset == nil || file.Length == nil:
		return fault.Inputf("", "cannot read %s: the deletion vector %s has no data file, offset or length", name,
			shown(file.Path))
	case p.vectors[*file.Referenced] != nil:
		return fault.Inputf("", "cannot read %s: %s has two deletion vectors", name, shown(*file.Referenced))
	}
	p.vectors[*file.Referenced] = &Vector{Place: p.moved.place(file.Path), Offset: *file.Offset, Length: *file.Length,
		Rows: file.Rows, sequence: sequence}
	return nil
}

// partitioned are the columns by whose very values files of a partition spec were put into partitions.
func (p *planning) partitioned(spec int32) []int {
	var ids []int
	for _, s := range p.metadata.Specs {
		if s.ID != int(spec) {
			continue
		}
		for _, field := range s.Fields {
			if field.Transform == "identity" {
				ids = append(ids, field.Source)
			}
		}
	}
	return ids
}

// finish brings the files into source order, and gives each its deletes.
func (p *planning) finish() error {
	t := p.table
	if len(t.Files) == 0 {
		return fault.Inputf("", "the table has no files at snapshot %d", t.Snapshot)
	}
	slices.SortFunc(t.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.Path, b.Path))
	})
	paths := map[string]bool{}
	for i := range t.Files {
		file := &t.Files[i]
		if paths[file.Path] {
			return fault.Inputf("", "the table lists the file %s twice", shown(file.Path))
		}
		paths[file.Path] = true
		if vector := p.vectors[file.Path]; vector != nil && vector.sequence >= file.DataSequence {
			file.Vector = vector
		}
	}
	return nil
}
