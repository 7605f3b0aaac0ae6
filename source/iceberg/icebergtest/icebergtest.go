// Package icebergtest writes the metadata of Iceberg tables for tests: right ones, and such as no writer writes.
package icebergtest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"

	"github.com/twmb/avro"
	"github.com/twmb/avro/ocf"
)

// Table is a table with one snapshot. Its files are written by the caller.
type Table struct {
	// Fields are the columns of its schema, in the JSON of Iceberg.
	Fields    string
	Manifests []Manifest
	// Change is called with the metadata before they are written, unless it is nil.
	Change func(metadata map[string]any)
}

// Manifest is a list of files that one snapshot added.
type Manifest struct {
	Sequence int64
	Entries  []Entry
}

// Entry is a file of a manifest.
type Entry struct {
	Status, Content int32
	Sequence        *int64
	Path, Format    string
	Rows, Size      int64
	// Referenced is the path of the data file that a deletion vector is of, and Offset and Length say where it is.
	Referenced     *string
	Offset, Length *int64
}

// Snapshot is the id of the snapshot of each table.
const Snapshot = 42

var (
	listSchema = avro.MustParse(`{"type": "record", "name": "manifest_file", "fields": [
  {"name": "manifest_path", "type": "string"}, {"name": "manifest_length", "type": "long"},
  {"name": "partition_spec_id", "type": "int"}, {"name": "content", "type": "int"},
  {"name": "sequence_number", "type": "long"}, {"name": "min_sequence_number", "type": "long"}]}`)
	manifestSchema = avro.MustParse(`{"type": "record", "name": "manifest_entry", "fields": [
  {"name": "status", "type": "int"}, {"name": "sequence_number", "type": ["null", "long"]},
  {"name": "data_file", "type": {"type": "record", "name": "r2", "fields": [
    {"name": "content", "type": "int"}, {"name": "file_path", "type": "string"},
    {"name": "file_format", "type": "string"}, {"name": "record_count", "type": "long"},
    {"name": "file_size_in_bytes", "type": "long"}, {"name": "referenced_data_file", "type": ["null", "string"]},
    {"name": "content_offset", "type": ["null", "long"]}, {"name": "content_size_in_bytes", "type": ["null", "long"]}
  ]}}]}`)
)

// Write writes the metadata of a table into a folder, and returns the path of its metadata file.
func Write(folder string, table Table) (string, error) {
	metadata := filepath.Join(folder, "metadata")
	if err := os.MkdirAll(metadata, 0o755); err != nil {
		return "", err
	}
	var list []any
	for i, manifest := range table.Manifests {
		path := filepath.Join(metadata, fmt.Sprintf("m%d.avro", i))
		if err := writeAvro(path, manifestSchema, manifest.records()); err != nil {
			return "", err
		}
		list = append(list, map[string]any{"manifest_path": path, "manifest_length": int64(0), "partition_spec_id": 0,
			"content": 0, "sequence_number": manifest.Sequence, "min_sequence_number": int64(0)})
	}
	listed := filepath.Join(metadata, "snap.avro")
	if err := writeAvro(listed, listSchema, list); err != nil {
		return "", err
	}
	content := map[string]any{
		"format-version": 3, "table-uuid": "11111111-2222-3333-4444-555555555555", "location": folder,
		"current-schema-id": 0, "current-snapshot-id": Snapshot,
		"schemas":      []any{map[string]any{"schema-id": 0, "fields": json.RawMessage(table.Fields)}},
		"snapshots":    []any{map[string]any{"snapshot-id": Snapshot, "manifest-list": listed, "schema-id": 0}},
		"snapshot-log": []any{map[string]any{"timestamp-ms": 1000, "snapshot-id": Snapshot}},
	}
	if table.Change != nil {
		table.Change(content)
	}
	text, err := json.Marshal(content)
	if err != nil {
		return "", err
	}
	path := filepath.Join(metadata, "v1.metadata.json")
	return path, os.WriteFile(path, text, 0o600)
}

func (m Manifest) records() []any {
	var records []any
	for _, entry := range m.Entries {
		records = append(records, map[string]any{"status": entry.Status, "sequence_number": anyOf(entry.Sequence),
			"data_file": map[string]any{"content": entry.Content, "file_path": entry.Path, "file_format": entry.Format,
				"record_count": entry.Rows, "file_size_in_bytes": entry.Size,
				"referenced_data_file": anyOf(entry.Referenced), "content_offset": anyOf(entry.Offset),
				"content_size_in_bytes": anyOf(entry.Length)}})
	}
	return records
}

// anyOf is a value, or nil without one.
func anyOf[T any](value *T) any {
	if value == nil {
		return nil
	}
	return *value
}

func writeAvro(path string, schema *avro.Schema, records []any) error {
	var out bytes.Buffer
	writer, err := ocf.NewWriter(&out, schema, ocf.WithCodec(ocf.DeflateCodec(6)))
	if err != nil {
		return err
	}
	for _, record := range records {
		if err := writer.Encode(record); err != nil {
			return err
		}
	}
	if err := writer.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o600)
}

// Vector is the blob of a deletion vector with a bitmap.
func Vector(bitmap []byte) []byte {
	checked := append([]byte("\xd1\xd3\x39\x64"), bitmap...)
	blob := append(binary.BigEndian.AppendUint32(nil, uint32(len(checked))), checked...)
	return binary.BigEndian.AppendUint32(blob, crc32.ChecksumIEEE(checked))
}

// Array is a bitmap of 64 bits of ascending values below 65,536, of which there are 4,096 at the most.
func Array(values ...uint16) []byte {
	bitmap := binary.LittleEndian.AppendUint64(nil, 1)
	for _, number := range []uint32{0, 12346, 1} {
		bitmap = binary.LittleEndian.AppendUint32(bitmap, number)
	}
	bitmap = binary.LittleEndian.AppendUint16(bitmap, 0)
	bitmap = binary.LittleEndian.AppendUint16(bitmap, uint16(len(values)-1))
	bitmap = binary.LittleEndian.AppendUint32(bitmap, 16)
	for _, value := range values {
		bitmap = binary.LittleEndian.AppendUint16(bitmap, value)
	}
	return bitmap
}
