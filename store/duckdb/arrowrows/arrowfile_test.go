package arrowrows

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// TestOffsetsWithinAnArrowLabelFileAreChecked is for offsets that would lead DuckDB out of its memory.
func TestOffsetsWithinAnArrowLabelFileAreChecked(t *testing.T) {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	for range 20 {
		builder.Append("abcde")
	}
	column := builder.NewArray()
	schema := arrow.NewSchema([]arrow.Field{{Name: "text", Type: column.DataType()}}, nil)
	var out bytes.Buffer
	writer, err := ipc.NewFileWriter(&out, ipc.WithSchema(schema))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writer.Write(array.NewRecordBatch(schema, []arrow.Array{column}, 20)),
		writer.Close()); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(out.Bytes(), column.Data().Buffers()[1].Bytes()[:80])
	for _, wrong := range []uint32{2147483647, 1073741824, 268435456, 200, 1<<32 - 5} {
		damaged := bytes.Clone(out.Bytes())
		binary.LittleEndian.PutUint32(damaged[at+40:], wrong)
		path := filepath.Join(t.TempDir(), "labels.arrow")
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Open(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := file.Numbered()
		if err != nil {
			t.Fatal(err)
		}
		if reader.Next() || reader.Err() == nil {
			t.Errorf("an offset of %d is taken", int32(wrong))
		}
		file.Close()
	}
}
