package delta

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/parquetfile"
	"github.com/plumbstore/plumb/source/lake"
)

// maxCheckpoint is the size of the largest file of a checkpoint that is read.
const maxCheckpoint = 1 << 30

// sidecarFolder has files of checkpoints besides.
const sidecarFolder = "_sidecars"

// readCheckpoint takes the files of a checkpoint in, and those that it names.
func (t *table) readCheckpoint(ctx context.Context, s *state, names []string) error {
	var besides []string
	take := func(a *action) error {
		if a.Sidecar != nil {
			path, err := decoded(a.Sidecar.Path)
			besides = append(besides, sidecarFolder+"/"+path[strings.LastIndexByte(path, '/')+1:])
			return err
		}
		if a.Add != nil {
			if place, err := s.place(a.Add.Path); err == nil && s.files[place] != nil {
				return fault.Inputf("", "a checkpoint of the table has the file %s twice", lake.Shown(a.Add.Path))
			}
		}
		return s.take(a)
	}
	for _, name := range names {
		if err := t.readActions(ctx, name, take); err != nil {
			return err
		}
	}
	for _, name := range besides {
		if err := t.readActions(ctx, name, take); err != nil {
			return err
		}
	}
	return nil
}

// readActions hands out the actions of a file of a checkpoint.
func (t *table) readActions(ctx context.Context, name string, visit func(*action) error) error {
	if strings.HasSuffix(name, ".json") {
		actions, err := t.actionsOf(ctx, name)
		for _, a := range actions {
			if err == nil {
				err = visit(a)
			}
		}
		return err
	}
	place := lake.Below(t.root, logFolder+"/"+name)
	content, err := t.read(ctx, place, maxCheckpoint)
	if err != nil {
		return err
	}
	var refused error
	err = parquetActions(ctx, content, func(a *action) error {
		refused = visit(a)
		return refused
	})
	if err == nil || refused != nil || ctx.Err() != nil {
		return err
	}
	return lake.Damaged(place, err)
}

// wanted are the columns of a checkpoint that are read, and those within them.
var wanted = []string{"add.path", "add.partitionValues", "add.size", "add.modificationTime", "add.stats",
	"add.deletionVector", "metaData.id", "metaData.schemaString", "metaData.partitionColumns", "metaData.configuration",
	"protocol.minReaderVersion", "protocol.readerFeatures", "sidecar.path"}

// parquetActions hands out the actions of a checkpoint in Parquet. Decoders may break on what is damaged.
func parquetActions(ctx context.Context, content []byte, visit func(*action) error) (err error) {
	defer func() {
		if damage := recover(); damage != nil {
			err = fmt.Errorf("%v", damage)
		}
	}()
	opened, err := parquetfile.OfBytes(content)
	if err != nil {
		return err
	}
	const batch = 4096
	reader, err := pqarrow.NewFileReader(opened, pqarrow.ArrowReadProperties{BatchSize: batch}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	records, err := reader.GetRecordReader(ctx, wantedLeaves(opened), nil)
	if err != nil {
		return err
	}
	defer records.Release()
	rows := int64(0)
	for records.Next() {
		record := records.RecordBatch()
		whole := array.RecordToStructArray(record)
		for row := range int(record.NumRows()) {
			if err := visit(actionOf(cells{whole, row})); err != nil {
				return err
			}
		}
		rows += record.NumRows()
		whole.Release()
	}
	if err := records.Err(); err != nil {
		return err
	}
	if rows != opened.NumRows() {
		return fmt.Errorf("%d of %d rows can be read", rows, opened.NumRows())
	}
	return nil
}

// wantedLeaves are the positions of the leaves that are read.
func wantedLeaves(opened *file.Reader) []int {
	var leaves []int
	schema := opened.MetaData().Schema
	for i := range schema.NumColumns() {
		path := schema.Column(i).Path()
		if slices.ContainsFunc(wanted, func(of string) bool { return path == of || strings.HasPrefix(path, of+".") }) {
			leaves = append(leaves, i)
		}
	}
	return leaves
}

// actionOf is the action of a row.
func actionOf(row cells) *action {
	a := &action{}
	if of, ok := row.group("add"); ok {
		a.Add = &add{Path: of.text("path"), PartitionValues: of.texts("partitionValues"), Size: of.number("size"),
			ModificationTime: of.number("modificationTime"), Stats: of.text("stats")}
		if of, ok := of.group("deletionVector"); ok {
			a.Add.Vector = &vector{Storage: of.text("storageType"), Path: of.text("pathOrInlineDv"),
				Offset: of.optional("offset"), Size: of.number("sizeInBytes"), Cardinality: of.number("cardinality")}
		}
	}
	if of, ok := row.group("metaData"); ok {
		a.Metadata = &metadata{ID: of.text("id"), Schema: of.text("schemaString"),
			PartitionColumns: of.list("partitionColumns"), Configuration: map[string]string{}}
		for key, value := range of.texts("configuration") {
			if value != nil {
				a.Metadata.Configuration[key] = *value
			}
		}
	}
	if of, ok := row.group("protocol"); ok {
		a.Protocol = &protocol{Reader: int(of.number("minReaderVersion")), ReaderFeatures: of.list("readerFeatures")}
	}
	if of, ok := row.group("sidecar"); ok {
		a.Sidecar = &sidecar{Path: of.text("path")}
	}
	return a
}
