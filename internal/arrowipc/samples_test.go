package arrowipc_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/internal/arrowipc"
)

const testLimit = 8 << 20

// sample is a batch with columns of many layouts.
func sample(t testing.TB) arrow.RecordBatch {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "view", Type: arrow.BinaryTypes.StringView, Nullable: true},
		{Name: "lists", Type: arrow.ListOf(arrow.PrimitiveTypes.Float64), Nullable: true},
		{Name: "struct", Type: arrow.StructOf(arrow.Field{Name: "a", Type: arrow.FixedWidthTypes.Boolean})},
		{Name: "pair", Type: arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32)},
		{Name: "dictionary", Type: &arrow.DictionaryType{
			IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String,
		}},
		{Name: "nulls", Type: arrow.Null, Nullable: true},
		{Name: "nulls within", Type: arrow.ListOf(arrow.StructOf(arrow.Field{Name: "a", Type: arrow.Null, Nullable: true})),
			Nullable: true},
	}, nil)
	rows := `[{"k": 1, "text": "one", "view": "short", "lists": [1, 2], "struct": {"a": true}, "pair": [1, 2],
		"dictionary": "x", "nulls": null, "nulls within": [{"a": null}, null]},
		{"k": 2, "text": null, "view": "longer than twelve bytes", "lists": null, "struct": {"a": false}, "pair": [3, 4],
		"dictionary": "y", "nulls": null, "nulls within": null}]`
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	return batch
}

// write writes a batch as a file or as a stream.
func write(t testing.TB, batch arrow.RecordBatch, file bool, options ...ipc.Option) []byte {
	t.Helper()
	var out bytes.Buffer
	options = append(options, ipc.WithSchema(batch.Schema()))
	var writer interface {
		Write(arrow.RecordBatch) error
		Close() error
	} = ipc.NewWriter(&out, options...)
	if file {
		out.Reset()
		var err error
		if writer, err = ipc.NewFileWriter(&out, options...); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := writer.Write(batch); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// samples are whole files and streams, compressed and not.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	batch := sample(t)
	return map[string][]byte{
		"file":        write(t, batch, true),
		"stream":      write(t, batch, false),
		"zstd file":   write(t, batch, true, ipc.WithZstd()),
		"lz4 stream":  write(t, batch, false, ipc.WithLZ4()),
		"zstd stream": write(t, batch, false, ipc.WithZstd()),
	}
}

// read reads all batches, and returns how many there are.
func read(t testing.TB, content []byte, limit int64, each func(arrow.RecordBatch)) (int, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.arrow")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	reader, err := arrowipc.Open(opened, limit)
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	for batches := 0; ; batches++ {
		batch, err := reader.Read()
		if err != nil {
			return batches, err
		}
		each(batch)
	}
}

// allocated is how many bytes of memory were asked for while run ran.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
