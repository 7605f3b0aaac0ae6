package iceberg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

// maxManifest is the size of the largest manifest or list of them that is read. Blocks of Avro have a bound of their
// own, packed and unpacked.
const maxManifest = 512 << 20

// manifestFile is an entry of a snapshot's list of manifests. Fields that an older format lacks stay zero, which is
// what it means by them.
type manifestFile struct {
	Path     string `avro:"manifest_path"`
	Length   int64  `avro:"manifest_length"`
	Spec     int32  `avro:"partition_spec_id"`
	Content  int32  `avro:"content"`
	Sequence int64  `avro:"sequence_number"`
}

// manifestEntry is an entry of a manifest.
type manifestEntry struct {
	Status       int32    `avro:"status"`
	Sequence     *int64   `avro:"sequence_number"`
	FileSequence *int64   `avro:"file_sequence_number"`
	File         dataFile `avro:"data_file"`
}

type dataFile struct {
	Content    int32   `avro:"content"`
	Path       string  `avro:"file_path"`
	Format     string  `avro:"file_format"`
	Rows       int64   `avro:"record_count"`
	Size       int64   `avro:"file_size_in_bytes"`
	Referenced *string `avro:"referenced_data_file"`
	Offset     *int64  `avro:"content_offset"`
	Length     *int64  `avro:"content_size_in_bytes"`
}

// What a file of a manifest holds, and the status of an entry that was deleted.
const (
	holdsRows            = 0
	holdsPositions       = 1
	holdsEqualityDeletes = 2

	isExisting = 0
	isAdded    = 1
	isDeleted  = 2
)

// readAvro hands out the records of an Avro file. Decoders may break on what is damaged, and nothing else may.
func readAvro[T any](ctx context.Context, read lake.Reader, place, name string, visit func(*T) error) (err error) {
	content, err := read(ctx, place, maxManifest)
	if err != nil {
		return err
	}
	defer func() {
		if damage := recover(); damage != nil {
			err = lake.Damaged(name, fmt.Errorf("%v", damage))
		}
	}()
	// A block that says that it is longer than the file is refused before memory is asked for.
	records, err := ocf.NewReader(bytes.NewReader(content), ocf.WithReaderSchemaFunc(wantedFields[T]),
		ocf.WithMaxBlockBytes(int64(len(content))))
	if err != nil {
		return lake.Damaged(name, err)
	}
	defer func() { err = errors.Join(err, records.Close()) }()
	for count := 0; ; count++ {
		var record T
		switch err := records.Decode(&record); {
		case errors.Is(err, io.EOF):
			return ctx.Err()
		case err != nil:
			return lake.Damaged(name, err)
		case count >= lake.MaxFiles:
			return fault.Inputf("", "cannot read %s: it lists more than %d files", name, lake.MaxFiles)
		}
		if err := visit(&record); err != nil {
			return err
		}
	}
}

// wantedFields is the schema of a file without the fields that the record has no place for, such as bounds of columns:
// these are passed over.
func wantedFields[T any](records *ocf.Reader) (*avro.Schema, error) {
	var written map[string]any
	if err := json.Unmarshal(records.Metadata()["avro.schema"], &written); err != nil {
		return nil, err
	}
	leaveOut(written, reflect.TypeFor[T]())
	text, err := json.Marshal(written)
	if err != nil {
		return nil, err
	}
	return avro.Parse(string(text))
}

// leaveOut removes the fields of a schema of a record that the struct does not have.
func leaveOut(record map[string]any, into reflect.Type) {
	fields, _ := record["fields"].([]any)
	kept := []any{}
	for _, each := range fields {
		field, _ := each.(map[string]any)
		for wanted := range into.Fields() {
			if field["name"] != wanted.Tag.Get("avro") {
				continue
			}
			if nested, ok := field["type"].(map[string]any); ok && wanted.Type.Kind() == reflect.Struct {
				leaveOut(nested, wanted.Type)
			}
			kept = append(kept, field)
		}
	}
	record["fields"] = kept
}
