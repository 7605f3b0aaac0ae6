// Package deltatest writes the logs of Delta tables for tests: right ones, and such as no writer writes.
package deltatest

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Log is the files of a table's log, by their names.
type Log map[string][]byte

// ID is the id of each table.
const ID = "99999999-2222-3333-4444-555555555555"

// Commit adds a commit of actions, each in JSON.
func (l Log) Commit(version int, actions ...string) {
	l[fmt.Sprintf("%020d.json", version)] = []byte(strings.Join(actions, "\n"))
}

// Protocol is an action: that of the first version of the protocol, or of the third one with features.
func Protocol(features ...string) string {
	if features == nil {
		return `{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}`
	}
	return fmt.Sprintf(`{"protocol":{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":%s,"writerFeatures":[]}}`,
		inJSON(features))
}

// Metadata is an action. fields are the columns of the schema, in the JSON of Delta.
func Metadata(fields string, partitions []string, configuration map[string]string) string {
	return fmt.Sprintf(`{"metaData":{"id":%q,"schemaString":%s,"partitionColumns":%s,"configuration":%s}}`, ID,
		inJSON(`{"type":"struct","fields":`+fields+`}`), inJSON(append([]string{}, partitions...)), inJSON(configuration))
}

// Add is an action of a file.
type Add struct {
	Path             string             `json:"path"`
	PartitionValues  map[string]*string `json:"partitionValues"`
	Size             int64              `json:"size"`
	ModificationTime int64              `json:"modificationTime"`
	Stats            string             `json:"stats,omitempty"`
	Vector           *Vector            `json:"deletionVector,omitempty"`
}

// Vector says where a deletion vector is.
type Vector struct {
	Storage     string `json:"storageType"`
	Path        string `json:"pathOrInlineDv"`
	Offset      *int64 `json:"offset,omitempty"`
	Size        int64  `json:"sizeInBytes"`
	Cardinality int64  `json:"cardinality"`
}

// String is the action in JSON.
func (a Add) String() string { return `{"add":` + inJSON(a) + `}` }

// Removed is the action that removes the file.
func (a Add) Removed() string { return `{"remove":` + inJSON(a) + `}` }

// Inline is a deletion vector within the log.
func Inline(bitmap []byte, cardinality int64) *Vector {
	marked := append([]byte("\xd1\xd3\x39\x64"), bitmap...)
	size := int64(len(marked))
	for len(marked)%4 != 0 {
		marked = append(marked, 0)
	}
	return &Vector{Storage: "i", Path: Z85(marked), Size: size, Cardinality: cardinality}
}

// Z85 encodes a multiple of four bytes.
func Z85(data []byte) string {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
	var text strings.Builder
	for ; len(data) >= 4; data = data[4:] {
		number := binary.BigEndian.Uint32(data)
		for _, power := range []uint32{85 * 85 * 85 * 85, 85 * 85 * 85, 85 * 85, 85, 1} {
			text.WriteByte(digits[number/power%85])
		}
	}
	return text.String()
}

func inJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error() // Which nothing reads.
	}
	return string(text)
}

var (
	text  = arrow.BinaryTypes.String
	long  = arrow.PrimitiveTypes.Int64
	whole = arrow.PrimitiveTypes.Int32
	texts = arrow.MapOf(text, text)
)

func group(fields ...arrow.Field) *arrow.StructType {
	for i := range fields {
		fields[i].Nullable = true
	}
	return arrow.StructOf(fields...)
}

// checkpointSchema is what checkpoints have, and some of what readers pass over.
var checkpointSchema = arrow.NewSchema(group(
	arrow.Field{Name: "txn", Type: group(arrow.Field{Name: "appId", Type: text})},
	arrow.Field{Name: "add", Type: group(arrow.Field{Name: "path", Type: text},
		arrow.Field{Name: "partitionValues", Type: texts}, arrow.Field{Name: "size", Type: long},
		arrow.Field{Name: "modificationTime", Type: long}, arrow.Field{Name: "stats", Type: text},
		arrow.Field{Name: "stats_parsed", Type: group(arrow.Field{Name: "numRecords", Type: long})},
		arrow.Field{Name: "deletionVector", Type: group(arrow.Field{Name: "storageType", Type: text},
			arrow.Field{Name: "pathOrInlineDv", Type: text}, arrow.Field{Name: "offset", Type: whole},
			arrow.Field{Name: "sizeInBytes", Type: whole}, arrow.Field{Name: "cardinality", Type: long})})},
	arrow.Field{Name: "remove", Type: group(arrow.Field{Name: "path", Type: text})},
	arrow.Field{Name: "metaData", Type: group(arrow.Field{Name: "id", Type: text},
		arrow.Field{Name: "schemaString", Type: text}, arrow.Field{Name: "partitionColumns", Type: arrow.ListOf(text)},
		arrow.Field{Name: "configuration", Type: texts})},
	arrow.Field{Name: "protocol", Type: group(arrow.Field{Name: "minReaderVersion", Type: whole},
		arrow.Field{Name: "readerFeatures", Type: arrow.ListOf(text)})},
	arrow.Field{Name: "sidecar", Type: group(arrow.Field{Name: "path", Type: text},
		arrow.Field{Name: "sizeInBytes", Type: long})},
).Fields(), nil)

// Checkpoint is a checkpoint in Parquet, or a part of one, of the actions.
func Checkpoint(t testing.TB, actions ...string) []byte {
	t.Helper()
	var rows bytes.Buffer
	for _, action := range actions {
		rows.WriteString(withMaps(t, action) + "\n")
	}
	reader := array.NewJSONReader(&rows, checkpointSchema, array.WithChunk(-1),
		array.WithAllocator(memory.DefaultAllocator))
	var out bytes.Buffer
	writer, err := pqarrow.NewFileWriter(checkpointSchema, &out, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for reader.Next() {
		if err := writer.Write(reader.RecordBatch()); err != nil {
			t.Fatal(err)
		}
	}
	if err := reader.Err(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withMaps is an action with maps as Arrow has them in JSON.
func withMaps(t testing.TB, action string) string {
	t.Helper()
	var read map[string]map[string]any
	if err := json.Unmarshal([]byte(action), &read); err != nil {
		t.Fatal(err)
	}
	for _, fields := range read {
		for name, value := range fields {
			if name != "partitionValues" && name != "configuration" {
				continue
			}
			entries := []map[string]any{}
			pairs, _ := value.(map[string]any)
			for key, value := range pairs {
				entries = append(entries, map[string]any{"key": key, "value": value})
			}
			fields[name] = entries
		}
	}
	return inJSON(read)
}

// Write writes the log of the table in a folder.
func (l Log) Write(folder string) error {
	for name, content := range l {
		path := filepath.Join(folder, "_delta_log", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
	}
	return nil
}
