package iceberg

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// Open reads what a table holds. place is that of one of its metadata files; what is wrong is a *fault.InputError.
func Open(ctx context.Context, read lake.Reader, place string, at At) (*lake.Table, error) {
	m, err := readMetadata(ctx, read, place, place)
	if err != nil {
		return nil, err
	}
	chosen, by, err := m.choose(at)
	if err != nil {
		return nil, err
	}
	t := &lake.Table{ID: m.UUID, Version: chosen.ID, Schema: by.ID}
	if t.Columns, err = by.columns(); err != nil {
		return nil, err
	}
	for _, s := range m.Snapshots {
		t.Kept = append(t.Kept, s.ID)
	}
	if chosen.ManifestList == "" {
		return nil, fault.Inputf("", "snapshot %d has no list of manifests, as very old writers left it out; rewrite the "+
			"table's metadata", chosen.ID)
	}
	p := &planning{read: read, metadata: m, moved: movedFrom(m.Location, place), table: t, vectors: map[string]vector{}}
	if err := p.list(ctx, chosen.ManifestList); err != nil {
		return nil, err
	}
	return t, p.finish()
}

// planning gathers the files of a table.
type planning struct {
	read     lake.Reader
	metadata *metadata
	moved    lake.Moved
	table    *lake.Table
	// vectors are those of the data files, by the files' paths.
	vectors map[string]vector
}

// vector is a deletion vector, with the number of the snapshot that added it.
type vector struct {
	*lake.Vector
	sequence int64
}

// movedFrom finds where a table is by the place of one of its metadata files: its old location is the folder that has
// the metadata folder now.
func movedFrom(location, metadataFile string) lake.Moved {
	folder, ok := strings.CutSuffix(lake.Folder(metadataFile), "/metadata")
	if !ok {
		return lake.Moved{}
	}
	return lake.Moved{From: lake.Place(location), To: folder}
}

// list reads the list of manifests and each of them.
func (p *planning) list(ctx context.Context, path string) error {
	place := p.moved.Place(path)
	var manifests []manifestFile
	err := readAvro(ctx, p.read, place, place, func(m *manifestFile) error {
		manifests = append(manifests, *m)
		return nil
	})
	if err != nil {
		return err
	}
	for _, m := range manifests {
		place := p.moved.Place(m.Path)
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
		return fault.Inputf("", "cannot read %s: the file %s has %d rows and %d bytes", name, lake.Shown(file.Path),
			file.Rows, file.Size)
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
			return fault.Inputf("", "%s is a data file of the format %s; Parquet is read", lake.Shown(file.Path),
				lake.Shown(file.Format))
		}
		p.table.Files = append(p.table.Files, lake.File{Path: file.Path, Place: p.moved.Place(file.Path),
			Sequence: fileSequence, DataSequence: sequence, Rows: file.Rows, Size: file.Size,
			Partitioned: p.partitioned(m.Spec)})
	case holdsPositions:
		return p.addDeletes(name, file, sequence)
	case holdsEqualityDeletes:
		return fault.Inputf("", "the table has equality deletes (%s), which are not read; have its engine rewrite its "+
			"files", lake.Shown(file.Path))
	default:
		return fault.Inputf("", "cannot read %s: content %d of an entry is not known", name, file.Content)
	}
	if len(p.table.Files) > lake.MaxFiles {
		return fault.Inputf("", "the table has more than %d files; have its engine rewrite them as fewer", lake.MaxFiles)
	}
	return nil
}

// addDeletes takes a file of positions in, or a vector.
func (p *planning) addDeletes(name string, file dataFile, sequence int64) error {
	switch {
	case strings.EqualFold(file.Format, "parquet"):
		p.table.Deletes = append(p.table.Deletes, lake.Deletes{Place: p.moved.Place(file.Path), Sequence: sequence,
			Rows: file.Rows, Size: file.Size})
		return nil
	case !strings.EqualFold(file.Format, "puffin"):
		return fault.Inputf("", "%s holds deletes in the format %s; Parquet and Puffin are read", lake.Shown(file.Path),
			lake.Shown(file.Format))
	case file.Referenced == nil || file.Offset == nil || file.Length == nil:
		return fault.Inputf("", "cannot read %s: the deletion vector %s has no data file, offset or length", name,
			lake.Shown(file.Path))
	case p.vectors[*file.Referenced].Vector != nil:
		return fault.Inputf("", "cannot read %s: %s has two deletion vectors", name, lake.Shown(*file.Referenced))
	}
	p.vectors[*file.Referenced] = vector{&lake.Vector{Place: p.moved.Place(file.Path), Offset: *file.Offset,
		Length: *file.Length, Rows: file.Rows}, sequence}
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
		return fault.Inputf("", "the table has no files at snapshot %d", t.Version)
	}
	slices.SortFunc(t.Files, func(a, b lake.File) int {
		return cmp.Or(cmp.Compare(a.Sequence, b.Sequence), strings.Compare(a.Path, b.Path))
	})
	paths := map[string]bool{}
	for i := range t.Files {
		file := &t.Files[i]
		if paths[file.Path] {
			return fault.Inputf("", "the table lists the file %s twice", lake.Shown(file.Path))
		}
		paths[file.Path] = true
		if vector := p.vectors[file.Path]; vector.Vector != nil && vector.sequence >= file.DataSequence {
			file.Vector = vector.Vector
		}
	}
	return nil
}
