package plainread

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/arrow/float16"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// engine lists the files of a folder.
type engine struct{ files []feature.Input }

func (e engine) Inputs(context.Context, []*feature.Source) ([]feature.Input, error) {
	return e.files, nil
}

func (engine) History(context.Context, *feature.View, func(arrow.RecordBatch) error) error {
	return errors.New("a file was read by the engine")
}

func (engine) Labels(context.Context, offline.JoinRequest, func(arrow.RecordBatch) error) error {
	return nil
}

func (engine) Scratch() (folder string, remove func() error, err error) {
	return "", nil, errors.New("a folder was asked for")
}

// Locate takes every path: which ones may be read is the engine's to say.
func (engine) Locate(path string) (string, error) { return path, nil }
func (engine) LocateObject(string) error          { return nil }

// project is a folder with files of a source.
type project struct {
	folder string
	files  []feature.Input
}

func newProject(t *testing.T) *project {
	t.Helper()
	return &project{folder: t.TempDir()}
}

func (p *project) reader() *Reader { return New(engine{files: p.files}, p.folder, nil) }

// write writes a Parquet file of columns of the types, from the text that arrow-go makes values of.
func (p *project) write(t *testing.T, name string, options []parquet.WriterProperty, columns ...column) {
	t.Helper()
	var fields []arrow.Field
	var arrays []arrow.Array
	for _, c := range columns {
		fields = append(fields, arrow.Field{Name: c.name, Type: c.values.DataType(), Nullable: true})
		arrays = append(arrays, c.values)
	}
	schema := arrow.NewSchema(fields, nil)
	batch := array.NewRecordBatch(schema, arrays, int64(arrays[0].Len()))
	path := filepath.Join(p.folder, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := pqarrow.NewFileWriter(schema, file, parquet.NewWriterProperties(options...),
		pqarrow.NewArrowWriterProperties(pqarrow.WithDeprecatedInt96Timestamps(strings.Contains(name, "int96"))))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writer.Write(batch), writer.Close()); err != nil {
		t.Fatal(err)
	}
	p.files = append(p.files, feature.Input{Source: "s", Name: name})
}

type column struct {
	name   string
	values arrow.Array
}

// build makes an array with the builder of a type.
func build[B array.Builder](t arrow.DataType, fill func(B)) arrow.Array {
	builder := array.NewBuilder(memory.DefaultAllocator, t)
	fill(builder.(B))
	return builder.NewArray()
}

func whole(values ...int64) arrow.Array {
	return build(arrow.PrimitiveTypes.Int64, func(b *array.Int64Builder) { b.AppendValues(values, nil) })
}

func instants(unit arrow.TimeUnit, zone string, values ...int64) arrow.Array {
	return build(&arrow.TimestampType{Unit: unit, TimeZone: zone}, func(b *array.TimestampBuilder) {
		for _, value := range values {
			b.Append(arrow.Timestamp(value))
		}
	})
}

func viewOf(path string, f plumbv1.Type) *feature.View {
	return &feature.View{
		Name: "v", Keys: []feature.Field{{Name: "k", Type: plumbv1.Type_INT64}},
		Source:   &feature.Source{Name: "s", Kind: feature.Files{Path: path}, EventTimestamp: "ts"},
		Features: []feature.Feature{{Field: feature.Field{Name: "x", Type: f}, Column: "x"}},
	}
}

// values reads the feature of the rows at all places.
func (p *project) values(t *testing.T, view *feature.View, places ...int64) []any {
	t.Helper()
	var found []any
	err := p.reader().Values(t.Context(), view, places, func(_ int64, values []any) error {
		if misfit, ok := values[0].(offline.Misfit); ok {
			values[0] = misfit.Reason
		}
		found = append(found, values[0])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// history reads the rows as "key event created place".
func (p *project) history(t *testing.T, view *feature.View) ([]string, error) {
	t.Helper()
	var rows []string
	err := p.reader().History(t.Context(), view, func(batch arrow.RecordBatch) error {
		for i := range int(batch.NumRows()) {
			var parts []string
			for _, column := range batch.Columns() {
				parts = append(parts, column.ValueStr(i))
			}
			rows = append(rows, strings.Join(parts, " "))
		}
		return nil
	})
	slices.Sort(rows)
	return rows, err
}

func TestR9_ValuesOfFilesAreExactInTheirDeclaredTypes(t *testing.T) {
	narrow := &arrow.Decimal128Type{Precision: 9, Scale: 2}
	wide := &arrow.Decimal256Type{Precision: 39, Scale: 2}
	unsigned := build(arrow.PrimitiveTypes.Uint64, func(b *array.Uint64Builder) {
		b.AppendValues([]uint64{7, 1 << 63, math.MaxUint64}, nil)
	})
	doubles := build(arrow.PrimitiveTypes.Float64, func(b *array.Float64Builder) {
		b.AppendValues([]float64{math.Copysign(0, -1), 0.1, 1 << 53, 1 << 63, 1.5, math.Inf(-1)}, nil)
	})
	lists := build(arrow.ListOf(arrow.PrimitiveTypes.Int32), func(b *array.ListBuilder) {
		elements := b.ValueBuilder().(*array.Int32Builder)
		b.Append(true)
		elements.Append(1)
		elements.AppendNull()
		b.Append(true)
		b.AppendNull()
		b.Append(true)
		elements.Append(3)
	})
	for name, c := range map[string]struct {
		values   arrow.Array
		declared plumbv1.Type
		want     []any
	}{
		"decimals of more than 38 digits": {build(wide, func(b *array.Decimal256Builder) {
			for _, value := range []int64{150, -225, 12345678910} {
				b.Append(decimal256.FromI64(value))
			}
		}), plumbv1.Type_FLOAT64, []any{1.5, -2.25, 123456789.10}},
		"decimals": {build(narrow, func(b *array.Decimal128Builder) {
			for _, value := range []int64{10, -1, 100} {
				b.Append(decimal128.FromI64(value))
			}
		}), plumbv1.Type_FLOAT64, []any{0.1, -0.01, 1.0}},
		"decimals that are whole": {build(narrow, func(b *array.Decimal128Builder) {
			for _, value := range []int64{1100, 1150} {
				b.Append(decimal128.FromI64(value))
			}
		}), plumbv1.Type_INT64, []any{int64(11), "11.50 does not fit INT64 exactly"}},
		"unsigned numbers": {unsigned, plumbv1.Type_INT64, []any{int64(7),
			"9223372036854775808 does not fit INT64 exactly", "18446744073709551615 does not fit INT64 exactly"}},
		"unsigned numbers as floats": {unsigned, plumbv1.Type_FLOAT64, []any{7.0, float64(1 << 63),
			"18446744073709551615 does not fit FLOAT64 exactly"}},
		"floats": {doubles, plumbv1.Type_FLOAT64, []any{math.Copysign(0, -1), 0.1, float64(1 << 53), float64(1 << 63), 1.5,
			math.Inf(-1)}},
		"floats that are whole": {doubles, plumbv1.Type_INT64, []any{int64(0), "0.1 does not fit INT64 exactly",
			int64(1 << 53), "9.223372036854776e+18 does not fit INT64 exactly", "1.5 does not fit INT64 exactly",
			"-Inf does not fit INT64 exactly"}},
		"floats that are short": {doubles, plumbv1.Type_FLOAT32, []any{float32(math.Copysign(0, -1)),
			"0.1 does not fit FLOAT32 exactly", float32(1 << 53), float32(1 << 63), float32(1.5), float32(math.Inf(-1))}},
		"half floats": {build(arrow.FixedWidthTypes.Float16, func(b *array.Float16Builder) {
			for _, bits := range []uint16{0x3e00, 0x8400, 1} {
				b.Append(float16.FromBits(bits))
			}
		}), plumbv1.Type_FLOAT32, []any{float32(1.5), float32(-0.00006103515625), float32(0.000000059604644775390625)}},
		"nanoseconds": {instants(arrow.Nanosecond, "", 1999, -1, -1000, -1001), plumbv1.Type_TIMESTAMP,
			[]any{feature.Instant(1), feature.Instant(-1), feature.Instant(-1), feature.Instant(-2)}},
		"nanoseconds with a zone": {instants(arrow.Nanosecond, "UTC", 1999, -1), plumbv1.Type_TIMESTAMP,
			[]any{feature.Instant(1), feature.Instant(-1)}},
		"milliseconds": {instants(arrow.Millisecond, "UTC", 7, 1<<62), plumbv1.Type_TIMESTAMP,
			[]any{feature.Instant(7000), `"4611686018427387904" does not fit TIMESTAMP exactly`}},
		"dates": {build(arrow.FixedWidthTypes.Date32, func(b *array.Date32Builder) {
			b.AppendValues([]arrow.Date32{1, -1}, nil)
		}), plumbv1.Type_TIMESTAMP, []any{feature.Instant(86_400_000_000), feature.Instant(-86_400_000_000)}},
		"texts": {build(arrow.BinaryTypes.String, func(b *array.StringBuilder) {
			b.AppendValues([]string{"", "é\x00"}, nil)
		}), plumbv1.Type_STRING, []any{"", "é\x00"}},
		"bytes": {build(arrow.BinaryTypes.Binary, func(b *array.BinaryBuilder) { b.Append([]byte{0, 255}) }),
			plumbv1.Type_BYTES, []any{[]byte{0, 255}}},
		"texts in the place of numbers": {build(arrow.BinaryTypes.String, func(b *array.StringBuilder) { b.Append("7") }),
			plumbv1.Type_INT64, []any{`"7" does not fit INT64 exactly`}},
		"lists": {lists, plumbv1.Type_INT64_ARRAY, []any{[]any{int64(1), nil}, []any{}, nil, []any{int64(3)}}},
		"nulls": {build(arrow.PrimitiveTypes.Int32, func(b *array.Int32Builder) { b.AppendNull(); b.Append(1) }),
			plumbv1.Type_INT32, []any{nil, int32(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, options := range [][]parquet.WriterProperty{
				nil,
				{parquet.WithDataPageVersion(parquet.DataPageV2), parquet.WithDictionaryDefault(false)},
				{parquet.WithCompression(compress.Codecs.Zstd), parquet.WithMaxRowGroupLength(2)},
				{parquet.WithCompression(compress.Codecs.Snappy), parquet.WithBatchSize(1), parquet.WithDataPageSize(1)},
			} {
				p, rows := newProject(t), make([]int64, c.values.Len())
				for i := range rows {
					rows[i] = int64(i)
				}
				p.write(t, "s.parquet", options, column{"x", c.values})
				if diff := cmp.Diff(c.want, p.values(t, viewOf("s.parquet", c.declared), rows...)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestR3_RowsHaveThePlacesOfTheirOrder(t *testing.T) {
	p := newProject(t)
	micro := instants(arrow.Microsecond, "", 5, 6, 7)
	p.write(t, "s/b=%41/a.parquet", []parquet.WriterProperty{parquet.WithMaxRowGroupLength(2)},
		column{"K", whole(1, 2, 3)}, column{"ts", micro})
	p.write(t, "s/b=__HIVE_DEFAULT_PARTITION__/int96.parquet", nil, column{"k", whole(4, 5, 6)},
		column{"ts", instants(arrow.Nanosecond, "", -1, 0, 86_400_000_000_001)})
	view := viewOf("s", plumbv1.Type_STRING)
	rows, err := p.history(t, view)
	const second = 1 << fileShift
	want := []string{"1 5 (null) 0", "2 6 (null) 1", "3 7 (null) 2", fmt.Sprint("4 -1 (null) ", second),
		fmt.Sprint("5 0 (null) ", second+1), fmt.Sprint("6 86400000000 (null) ", second+2)}
	if err != nil || !slices.Equal(rows, want) {
		t.Errorf("got %q, %v", rows, err)
	}
	view.Features[0].Column = "b"
	if got := p.values(t, view, second+2, 1); !slices.Equal(got, []any{"A", nil}) {
		t.Errorf("partitions are %q", got)
	}
}

func TestR9_KeysAreTakenFromWhatSpellsThem(t *testing.T) {
	texts := build(arrow.BinaryTypes.String, func(b *array.StringBuilder) { b.AppendValues([]string{"7", "8"}, nil) })
	p := newProject(t)
	p.write(t, "s.parquet", nil, column{"k", texts}, column{"ts", instants(arrow.Microsecond, "", 1, 2)})
	view := viewOf("s.parquet", plumbv1.Type_INT64)
	if rows, err := p.history(t, view); err != nil || !slices.Equal(rows, []string{"7 1 (null) 0", "8 2 (null) 1"}) {
		t.Errorf("got %q, %v", rows, err)
	}
	p = newProject(t)
	p.write(t, "s.parquet", nil, column{"k", whole(7)}, column{"ts", instants(arrow.Microsecond, "", 1)})
	view.Keys[0].Type = plumbv1.Type_STRING
	if rows, err := p.history(t, view); err != nil || !slices.Equal(rows, []string{"7 1 (null) 0"}) {
		t.Errorf("got %q, %v", rows, err)
	}
}

func TestADamagedFileIsAnErrorThatNamesIt(t *testing.T) {
	p := newProject(t)
	p.write(t, "s.parquet", nil, column{"k", whole(1, 2, 3)}, column{"ts", instants(arrow.Microsecond, "", 5, 6, 7)},
		column{"x", whole(1, 2, 3)})
	view := viewOf("s.parquet", plumbv1.Type_INT64)
	path := filepath.Join(p.folder, "s.parquet")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for at := range good {
		for _, bits := range []byte{0xff, 0x01, 0x80} {
			bad := slices.Clone(good)
			bad[at] ^= bits
			if err := os.WriteFile(path, bad, 0o644); err != nil {
				t.Fatal(err)
			}
			_, first := p.history(t, view)
			second := p.reader().Values(t.Context(), view, []int64{0, 1, 2}, func(int64, []any) error { return nil })
			for _, err := range []error{first, second} {
				var input *fault.InputError
				if err != nil && (!errors.As(err, &input) || !strings.Contains(err.Error(), "s.parquet")) {
					t.Fatalf("byte %d: got %v", at, err)
				}
				if err != nil {
					failed++
				}
			}
		}
	}
	if failed < len(good) {
		t.Errorf("only %d readings of %d damaged files failed", failed, 3*len(good))
	}
}

func TestAViewOfAnUnknownKindHasNoPlainRows(t *testing.T) {
	view := viewOf("data/s.parquet", plumbv1.Type_INT64)
	view.Kind = 99
	err := New(engine{}, t.TempDir(), nil).History(t.Context(), view, func(arrow.RecordBatch) error { return nil })
	if err == nil || !strings.Contains(err.Error(), "not known to this version") {
		t.Errorf("error is %v, want one about the kind of the view", err)
	}
}
