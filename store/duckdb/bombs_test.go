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

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/store/duckdb/labelfile"
	"github.com/plumbstore/plumb/store/duckdb/session/sessiontest"
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

// engineOverData is an engine that may read the folder data of a new project, and the folder.
func engineOverData(t *testing.T) (*Engine, string) {
	t.Helper()
	project := t.TempDir()
	if err := os.Mkdir(filepath.Join(project, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	engine, err := Open(Config{ProjectDir: project, Roots: []string{"data"}, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return engine, filepath.Join(project, "data")
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
			engine, folder := engineOverData(t)
			path := filepath.Join(folder, "bomb.parquet")
			if err := os.WriteFile(path, c.content, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := labelfile.Describe(t.Context(), sessiontest.Open(t), path, "")
			refusesFile(t, err, c.want)
			_, err = engine.Inputs(t.Context(), []*feature.Source{{Name: "s", Kind: feature.Files{Path: "data/bomb.parquet"}}})
			refusesFile(t, err, c.want)
		})
	}
}

func TestPipesAreNoSourcesAndNoLabels(t *testing.T) {
	engine, folder := engineOverData(t)
	for _, extension := range []string{".parquet", ".csv", ".arrow"} {
		path := filepath.Join(folder, "pipe"+extension)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := labelfile.Describe(ctx, sessiontest.Open(t), path, "")
		refusesFile(t, err, "named pipe")
	}
	_, err := engine.Inputs(t.Context(), []*feature.Source{{Name: "s", Kind: feature.Files{Path: "data/pipe.parquet"}}})
	refusesFile(t, err, "named pipe")
	_, err = engine.Inputs(t.Context(), []*feature.Source{{Name: "s", Kind: feature.Files{Path: "data"}}})
	refusesFile(t, err, "named pipe")
}
