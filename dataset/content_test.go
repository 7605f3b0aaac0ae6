package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"pgregory.net/rapid"

	"github.com/plumbstore/plumb/internal/fault"
)

// types are those that features have, and some that labels alone may have.
var types = []arrow.DataType{
	arrow.FixedWidthTypes.Boolean, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64,
	arrow.PrimitiveTypes.Float32, arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, arrow.BinaryTypes.Binary,
	arrow.FixedWidthTypes.Timestamp_us, &arrow.TimestampType{Unit: arrow.Nanosecond}, arrow.PrimitiveTypes.Uint16,
	arrow.FixedWidthTypes.Date32, &arrow.Decimal128Type{Precision: 18, Scale: 3},
	arrow.ListOf(arrow.PrimitiveTypes.Int64), arrow.ListOf(arrow.BinaryTypes.String),
	arrow.ListOf(arrow.ListOf(arrow.PrimitiveTypes.Float32)),
	arrow.StructOf(arrow.Field{Name: "x", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		arrow.Field{Name: "y", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true}),
}

// texts are values as JSON has them, each for some of the types.
var texts = map[arrow.Type][]string{
	arrow.BOOL:       {"true", "false"},
	arrow.STRING:     {`""`, `"a"`, `"ab"`, `"\u0000"`, `"ä,\"\n"`},
	arrow.BINARY:     {`""`, `"AA=="`, `"/w=="`},
	arrow.DATE32:     {`"1970-01-01"`, `"2026-03-01"`},
	arrow.UINT16:     {"0", "1", "65535"},
	arrow.INT32:      {"0", "-1", "2147483647"},
	arrow.INT64:      {"0", "-1", "9223372036854775807"},
	arrow.FLOAT32:    {"0", "-0.0", "1.5", "3e38"},
	arrow.FLOAT64:    {"0", "-0.0", "1.5", "1e-310"},
	arrow.TIMESTAMP:  {"-1", "0", "1772366400000001"},
	arrow.DECIMAL128: {`"0"`, `"-1.500"`, `"123456789012345.678"`},
}

// drawText draws a value of a type as JSON; null one time in four.
func drawText(t *rapid.T, of arrow.DataType) string {
	if rapid.IntRange(0, 3).Draw(t, "null") == 0 {
		return "null"
	}
	switch of := of.(type) {
	case *arrow.ListType:
		text := "["
		for i := range rapid.IntRange(0, 3).Draw(t, "length") {
			if i > 0 {
				text += ","
			}
			text += drawText(t, of.Elem())
		}
		return text + "]"
	case *arrow.StructType:
		text := "{"
		for i, field := range of.Fields() {
			if i > 0 {
				text += ","
			}
			text += fmt.Sprintf("%q:%s", field.Name, drawText(t, field.Type))
		}
		return text + "}"
	}
	return rapid.SampledFrom(texts[of.ID()]).Draw(t, "value")
}

// drawTable draws rows with a column of each type.
func drawTable(t *rapid.T) arrow.RecordBatch {
	rows := rapid.IntRange(0, 40).Draw(t, "rows")
	fields, columns := make([]arrow.Field, len(types)), make([]arrow.Array, len(types))
	for i, of := range types {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: of, Nullable: true}
		text := "["
		for row := range rows {
			if row > 0 {
				text += ","
			}
			text += drawText(t, of)
		}
		columns[i] = fromText(t, of, text+"]")
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, int64(rows))
}

func fromText(t interface{ Fatal(...any) }, of arrow.DataType, text string) arrow.Array {
	values, _, err := array.FromJSON(memory.DefaultAllocator, of, bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(text, err)
	}
	return values
}

// digestOfBatches is the content digest of rows that come in batches which end at the cuts.
func digestOfBatches(rows arrow.RecordBatch, cuts ...int64) string {
	scan := newTableScan(rows.Schema())
	from := int64(0)
	for _, cut := range append(cuts, rows.NumRows()) {
		_ = scan.add(rows.NewSlice(from, cut)) // What is not added is missed in the digest.
		from = cut
	}
	return digested(scan).Digest
}

// drawCuts draws where batches end.
func drawCuts(t *rapid.T, rows int64) []int64 {
	var cuts []int64
	for at := int64(0); at < rows; {
		at += rapid.Int64Range(1, 9).Draw(t, "batch")
		cuts = append(cuts, min(at, rows))
	}
	return cuts
}

func TestAContentDigest_DoesNotDependOnBatchesLayoutOrFormat(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		rows := drawTable(t)
		want := digestOfBatches(rows)
		if got := digestOfBatches(rows, drawCuts(t, rows.NumRows())...); got != want {
			t.Errorf("in batches it is %s, as a whole %s", got, want)
		}
		for _, format := range []string{".parquet", ".arrow"} {
			path := filepath.Join(folder, "rows"+format)
			write(t, path, rows, drawCuts(t, rows.NumRows()))
			for _, whole := range []bool{false, true} {
				scan, err := table{path: path, format: format, whole: whole}.scan(context.Background(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := digested(scan).Digest; got != want {
					t.Errorf("read from %s it is %s, in memory %s", format, got, want)
				}
			}
		}
	})
}

// write writes rows so that Parquet's row groups, or Arrow's batches, end at the cuts.
func write(t *rapid.T, path string, rows arrow.RecordBatch, cuts []int64) {
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var writer interface {
		Write(arrow.RecordBatch) error
		Close() error
	}
	if formatOf(path) == ".arrow" {
		writer, err = ipc.NewFileWriter(file, ipc.WithSchema(rows.Schema()))
	} else {
		properties := parquet.NewWriterProperties(
			parquet.WithDictionaryDefault(rapid.Bool().Draw(t, "dictionary")),
			parquet.WithCompression(rapid.SampledFrom([]compress.Compression{
				compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Zstd,
			}).Draw(t, "compression")),
			parquet.WithVersion(parquet.V2_LATEST))
		writer, err = pqarrow.NewFileWriter(rows.Schema(), file, properties, pqarrow.DefaultWriterProps())
	}
	if err != nil {
		t.Fatal(err)
	}
	from := int64(0)
	for _, cut := range append(cuts, rows.NumRows()) {
		if err := writer.Write(rows.NewSlice(from, cut)); err != nil {
			t.Fatal(err)
		}
		from = cut
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// Reading a damaged Parquet file always ends, with its rows or with an error that names it. This does not hold for
// Arrow files if the schema in the footer was damaged: the decoder trusts all lengths there.
func TestAParquetFile_WithAByteChangedIsReadOrIsDamaged(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		path := filepath.Join(folder, "rows.parquet")
		rows := drawTable(t)
		write(t, path, rows, drawCuts(t, rows.NumRows()))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		content[rapid.IntRange(0, len(content)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = table{path: path, format: ".parquet"}.scan(context.Background(), nil)
		if _, damaged := errors.AsType[*fault.InputError](err); err != nil && !damaged {
			t.Errorf("it says %v", err)
		}
	})
}

func TestAContentDigest_TellsWhatDiffersApart(t *testing.T) {
	float64s := func(values ...float64) arrow.Array {
		builder := array.NewFloat64Builder(memory.DefaultAllocator)
		builder.AppendValues(values, nil)
		return builder.NewArray()
	}
	of := func(of arrow.DataType, text string) arrow.Array { return fromText(t, of, text) }
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	different := map[string]arrow.Array{
		"nothing":                 of(number, `[]`),
		"a null":                  of(number, `[null]`),
		"a zero":                  of(number, `[0]`),
		"a zero of 32 bits":       of(arrow.PrimitiveTypes.Int32, `[0]`),
		"a null and a zero":       of(number, `[null, 0]`),
		"a zero and a null":       of(number, `[0, null]`),
		"zero as a float":         float64s(0),
		"minus zero":              float64s(math.Copysign(0, -1)),
		"NaN":                     float64s(math.NaN()),
		"another NaN":             float64s(math.Float64frombits(math.Float64bits(math.NaN()) ^ 2)),
		"an empty text":           of(text, `[""]`),
		"a null text":             of(text, `[null]`),
		"ab":                      of(text, `["ab"]`),
		"a and b":                 of(text, `["a", "b"]`),
		"b and a":                 of(text, `["b", "a"]`),
		"ab and an empty text":    of(text, `["ab", ""]`),
		"an empty text and ab":    of(text, `["", "ab"]`),
		"bytes":                   of(arrow.BinaryTypes.Binary, `[""]`),
		"an empty list":           of(arrow.ListOf(number), `[[]]`),
		"a null list":             of(arrow.ListOf(number), `[null]`),
		"a list of a null":        of(arrow.ListOf(number), `[[null]]`),
		"one and two apart":       of(arrow.ListOf(number), `[[1], [2]]`),
		"one and two together":    of(arrow.ListOf(number), `[[1, 2], []]`),
		"one and two at the end":  of(arrow.ListOf(number), `[[], [1, 2]]`),
		"a time":                  of(arrow.FixedWidthTypes.Timestamp_us, `[0]`),
		"a time without a zone":   of(&arrow.TimestampType{Unit: arrow.Microsecond}, `[0]`),
		"a time with nanoseconds": of(&arrow.TimestampType{Unit: arrow.Nanosecond}, `[0]`),
	}
	seen := map[[32]byte]string{}
	for name, values := range different {
		digest := newColumnDigest(values.DataType())
		digest.add(values)
		if other, ok := seen[digest.sum()]; ok {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[digest.sum()] = name
	}
}

func TestAContentDigest_IsThatOfColumnsInTheirOrderUnderTheirNames(t *testing.T) {
	one, two := Column{Name: "a", Digest: "x"}, Column{Name: "b", Digest: "y"}
	want := contentDigest(1, []Column{one, two})
	for name, got := range map[string]string{
		"another order": contentDigest(1, []Column{two, one}),
		"another name":  contentDigest(1, []Column{{Name: "c", Digest: "x"}, two}),
		"another value": contentDigest(1, []Column{{Name: "a", Digest: "z"}, two}),
		"more rows":     contentDigest(2, []Column{one, two}),
		"fewer columns": contentDigest(1, []Column{one}),
	} {
		if got == want {
			t.Errorf("%s changes nothing", name)
		}
	}
}

// A manifest is compared with files by versions to come, so what a digest is made of may not change.
func TestAContentDigest_StaysWhatItIs(t *testing.T) {
	columns := []arrow.Array{
		fromText(t, arrow.PrimitiveTypes.Int64, `[1, null, -3]`),
		fromText(t, arrow.BinaryTypes.String, `["a", "", null]`),
		fromText(t, arrow.ListOf(arrow.PrimitiveTypes.Float32), `[[1.5, null], [], null]`),
		fromText(t, arrow.FixedWidthTypes.Boolean, `[true, false, null]`),
		fromText(t, arrow.FixedWidthTypes.Timestamp_us, `[1772366400000001, null, -1]`),
	}
	fields := make([]arrow.Field, len(columns))
	for i, column := range columns {
		fields[i] = arrow.Field{Name: fmt.Sprintf("c%d", i), Type: column.DataType()}
	}
	got := digestOfBatches(array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 3))
	if want := "sha256:9ee9dec3dae0b44fae161b084b60bdca16fb85925347813454d5cd194aab4614"; got != want {
		t.Errorf("it is %s, and was %s", got, want)
	}
}
