package duckdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
)

// parquetBomb returns a file of nested groups, the last of which claims the given number of children.
func parquetBomb(depth int, children int64) []byte {
	group := func(children int64) []byte {
		return append(binary.AppendVarint([]byte{0x48, 0x01, 'r', 0x15}, children), 0)
	}
	footer := binary.AppendUvarint([]byte{0x15, 0x02, 0x19, 0xfc}, uint64(depth+1))
	footer = append(footer, bytes.Repeat(group(1), depth-1)...)
	footer = append(footer, group(children)...)
	footer = append(footer, 0x35, 0x02, 0x18, 0x01, 'x', 0, 0x16, 0x00, 0x19, 0x0c, 0)
	file := append([]byte("PAR1"), footer...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
}

func refusesFile(t *testing.T, err error, want string) {
	t.Helper()
	if _, ok := errors.AsType[*fault.InputError](err); !ok || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an input error with %q", err, want)
	}
}

func TestParquetBombsAreRefusedAsLabelsAndAsSources(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"two billion children": {parquetBomb(1, 1<<31-1), "fewer elements"},
		"5,000 deep":           {parquetBomb(5_000, 1), "nested more than 64 deep"},
		"200,000 deep":         {parquetBomb(200_000, 1), "nested more than 64 deep"},
	} {
		t.Run(name, func(t *testing.T) {
			engine := fileTree(t, nil, nil)
			path := filepath.Join(engine.config.ProjectDir, "data", "bomb.parquet")
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := engine.describeLabels(t.Context(), newTestSession(t).session, path, "")
			refusesFile(t, err, c.want)
			footers, err := readFooters(t.Context(), []string{path}, "t")
			if err != nil {
				t.Fatal(err)
			}
			refusesFile(t, sourceFiles{paths: []string{path}, footers: footers}.checkFooters(), c.want)
		})
	}
}

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
		file, err := openArrow(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := file.numbered()
		if err != nil {
			t.Fatal(err)
		}
		if reader.Next() || reader.Err() == nil {
			t.Errorf("an offset of %d is taken", int32(wrong))
		}
		file.close()
	}
}

func TestBracesAreBounded(t *testing.T) {
	engine := fileTree(t, []string{"data/a.parquet"}, nil)
	many := feature.Files{Path: "data/" + strings.Repeat("{a,b}", 25) + "/*.parquet"}
	_, err := engine.find(t.Context(), &feature.Source{Kind: many})
	refusesFile(t, err, "stand for more than 1000 paths")
	for pattern, want := range map[string]int{
		"a": 1, "{a,b}": 2, "{a,b}{c,d}": 4, "{a,{b,c}}": 3, `\{a,b}`: 1, "{a,b}{c,{d,e}f}": 6,
	} {
		if got := alternatives(pattern); got != want {
			t.Errorf("%s stands for %d, want %d", pattern, got, want)
		}
	}
}

func TestAWalkEndsWithItsContext(t *testing.T) {
	engine := fileTree(t, []string{"data/a.parquet"}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	deep := &feature.Source{Kind: feature.Files{Path: "data/**/*.parquet"}}
	if _, err := engine.find(ctx, deep); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestPipesAreNoSourcesAndNoLabels(t *testing.T) {
	engine := fileTree(t, []string{"data/a.parquet"}, nil)
	for _, extension := range []string{".parquet", ".csv", ".arrow"} {
		path := filepath.Join(engine.config.ProjectDir, "data", "pipe"+extension)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := engine.describeLabels(ctx, newTestSession(t).session, path, "")
		refusesFile(t, err, "named pipe")
	}
	_, err := engine.find(t.Context(), &feature.Source{Kind: feature.Files{Path: "data/pipe.parquet"}})
	refusesFile(t, err, "named pipe")
	_, err = engine.find(t.Context(), &feature.Source{Kind: feature.Files{Path: "data"}})
	refusesFile(t, err, "named pipe")
}
