package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/parquetfile"
)

// A file that we have written is read page by page if that is possible, with the same outcome as any other.
func TestAWrittenFile_IsReadAsAnyOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.parquet")
	rapid.Check(t, func(t *rapid.T) {
		rows := drawNumbers(t)
		writePlain(t, path, rows, rapid.Int64Range(1, 300).Draw(t, "bytes of a page"))
		if got := plainColumnsOf(t, path); got != int(rows.NumCols()) {
			t.Fatalf("%d of %d columns are read page by page", got, rows.NumCols())
		}
		read := func(whole bool) []Column {
			file := table{path: path, format: ".parquet", whole: whole}
			scan, err := file.scan(context.Background(), measuring(nil))
			if err != nil {
				t.Fatal(err)
			}
			columns := digested(scan).Columns
			for i, distribution := range scan.distributions() {
				columns[i].Distribution, columns[i].Nulls = distribution, scan.columns[i].digest.nullCount
			}
			return columns
		}
		if diff := cmp.Diff(read(false), read(true)); diff != "" {
			t.Errorf("the columns are others: %s", diff)
		}
	})
}

func TestAWrittenFile_IsNotCalledDamagedIfItsReadingIsCancelled(t *testing.T) {
	values := fromText(t, arrow.PrimitiveTypes.Int64, "[1, null, 3]")
	schema := arrow.NewSchema([]arrow.Field{{Name: "x", Type: values.DataType(), Nullable: true}}, nil)
	var content bytes.Buffer
	writer, err := pqarrow.NewFileWriter(schema, &content,
		parquet.NewWriterProperties(parquet.WithDictionaryDefault(false)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	rows := array.NewRecordBatch(schema, []arrow.Array{values}, 3)
	if err := errors.Join(writer.Write(rows), writer.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rows.parquet")
	if err := os.WriteFile(path, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	file := table{path: path, format: ".parquet", whole: true}
	if _, err := file.scan(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

// drawNumbers draws columns of numbers and instants, in which values and nulls come in runs.
func drawNumbers(t *rapid.T) arrow.RecordBatch {
	kinds := []arrow.DataType{arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, arrow.PrimitiveTypes.Float32,
		arrow.PrimitiveTypes.Float64, arrow.FixedWidthTypes.Timestamp_us}
	count := rapid.IntRange(0, 600).Draw(t, "rows")
	var fields []arrow.Field
	var columns []arrow.Array
	for i, kind := range kinds {
		nullable := rapid.Bool().Draw(t, "nullable")
		text, null, left := "[", false, 0
		for row := range count {
			if row > 0 {
				text += ","
			}
			if left == 0 {
				null, left = !null && nullable, rapid.IntRange(1, 70).Draw(t, "run")
			}
			left--
			if null {
				text += "null"
			} else {
				text += fmt.Sprint(row*7919%1000 - 500)
			}
		}
		fields = append(fields, arrow.Field{Name: fmt.Sprint(i), Type: kind, Nullable: nullable})
		columns = append(columns, fromText(t, kind, text+"]"))
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(count))
}

func writePlain(t *rapid.T, path string, rows arrow.RecordBatch, pageBytes int64) {
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	properties := parquet.NewWriterProperties(parquet.WithDictionaryDefault(false), parquet.WithDataPageSize(pageBytes),
		parquet.WithBatchSize(rapid.Int64Range(1, 50).Draw(t, "values at a time")),
		parquet.WithMaxRowGroupLength(rapid.Int64Range(50, 400).Draw(t, "rows of a group")),
		parquet.WithCompression(compress.Codecs.Snappy), parquet.WithVersion(parquet.V2_LATEST))
	writer, err := pqarrow.NewFileWriter(rows.Schema(), file, properties, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// plainColumnsOf counts the columns that are read page by page.
func plainColumnsOf(t *rapid.T, path string) (plain int) {
	opened, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	pages, err := parquetfile.NewReader(opened)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := pqarrow.NewFileReader(pages, pqarrow.ArrowReadProperties{}, memory.DefaultAllocator)
	if err != nil {
		t.Fatal(err)
	}
	w := &writtenFile{pages: pages}
	for _, field := range reader.Manifest.Fields {
		if w.isPlain(field) {
			plain++
		}
	}
	return plain
}
