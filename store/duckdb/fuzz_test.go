package duckdb

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/hostiletest"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// doors is a project with untrusted label files and files of rows to push.
type doors struct {
	*project
	engine    *Engine
	view      *feature.View
	selection *feature.Selection
}

// doorLimit is beyond the engine's own limit by what its parts that count no memory take.
var doorLimit = hostiletest.Limit{Allocated: 512 << 20, Resident: 1 << 30, Time: time.Minute}

func openDoors(t testing.TB) *doors {
	p := newProject(t, map[string]string{"s.parquet": "SELECT 1::BIGINT AS k, 'x' AS f, TIMESTAMP '2026-01-01' AS at"},
		"data/s.parquet", newFeature("f", plumbv1.Type_STRING))
	engine, err := Open(Config{
		ProjectDir: p.folder, Roots: []string{"data"}, TempDir: p.folder, MemoryLimit: "256MB", Threads: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	snapshot := p.snapshot(t)
	view, err := snapshot.View("v")
	if err != nil {
		t.Fatal(err)
	}
	selection, err := snapshot.SelectFeatures([]string{"v:*"}, true)
	if err != nil {
		t.Fatal(err)
	}
	return &doors{p, engine, view, selection}
}

// formats are the endings of files.
var formats = []string{".parquet", ".csv", ".arrow"}

// sample is a whole file of the format, which serves as labels and as rows to push.
func (d *doors) sample(t testing.TB, format string) []byte {
	const query = "SELECT i AS k, 'text ' || i AS f, TIMESTAMP '2026-02-01' + INTERVAL (i) HOUR AS at FROM range(20) t(i)"
	if format == ".arrow" {
		return arrowSample(t)
	}
	d.write(t, "sample"+format, query)
	content, err := os.ReadFile(filepath.Join(d.folder, "sample"+format))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func arrowSample(t testing.TB) []byte {
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64}, {Name: "at", Type: arrow.FixedWidthTypes.Timestamp_us},
		{Name: "f", Type: &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}},
		{Name: "list", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
	}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for i := range 20 {
		builder.Field(0).(*array.Int64Builder).Append(int64(i))
		builder.Field(1).(*array.TimestampBuilder).Append(arrow.Timestamp(i) * 1_000_000)
		if err := builder.Field(2).(*array.BinaryDictionaryBuilder).AppendString("abcdef"[i%3:]); err != nil {
			t.Fatal(err)
		}
		builder.Field(3).AppendNull()
	}
	var out bytes.Buffer
	writer, err := ipc.NewFileWriter(&out, ipc.WithSchema(schema))
	if err == nil {
		err = errors.Join(writer.Write(builder.NewRecordBatch()), writer.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// open reads content as labels and as rows to push: it can be read, or the error says what is wrong with the file.
func (d *doors) open(t *testing.T, format string, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file"+format)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	doorLimit.Within(t, content, func(ctx context.Context) {
		for name, err := range map[string]error{"as labels": d.join(ctx, path), "as rows to push": d.push(ctx, path)} {
			if _, input := errors.AsType[*fault.InputError](err); err != nil && !input &&
				!errors.Is(err, offline.ErrOutOfMemory) {
				t.Errorf("%s: %s: got %v", format, name, err)
			}
		}
	})
}

func (d *doors) join(ctx context.Context, path string) error {
	request := offline.JoinRequest{Selection: d.selection, Labels: path, TimestampColumn: "at"}
	planned, err := d.engine.PlanJoin(ctx, request)
	if err != nil {
		return err
	}
	_, err = planned.Stream(ctx, func(arrow.RecordBatch) error { return nil })
	return errors.Join(err, planned.Close())
}

func (d *doors) push(ctx context.Context, path string) error {
	if filepath.Ext(path) == ".arrow" {
		return nil // No rows are pushed from such a file.
	}
	return d.engine.ReadRows(ctx, d.view, path, func(offline.FileRows) error { return nil })
}

// FuzzFiles reads anything as a file of labels and of rows to push.
func FuzzFiles(f *testing.F) {
	d := openDoors(f)
	for i, format := range formats {
		f.Add(byte(i), d.sample(f, format))
	}
	f.Fuzz(func(t *testing.T, format byte, content []byte) {
		d.open(t, formats[int(format)%len(formats)], content)
	})
}

// A join takes some tens of milliseconds, so these are fewer than a fuzz test would try.
func TestDamagedFilesAreRefusedWithinTheirLimit(t *testing.T) {
	d := openDoors(t)
	for _, format := range formats {
		whole := d.sample(t, format)
		d.open(t, format, whole)
		for n := range 60 {
			d.open(t, format, hostiletest.Mutation(whole, n))
		}
	}
}
