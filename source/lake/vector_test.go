package lake_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
	"github.com/plumbstore/plumb/source/lake"
)

// readVector writes a blob somewhere into a file, and reads it from there.
func readVector(t *testing.T, blob []byte, deleted, rows int64) ([]int64, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "v.puffin")
	if err := os.WriteFile(path, append([]byte("PFA1"), blob...), 0o600); err != nil {
		t.Fatal(err)
	}
	file := lake.File{Path: "f.parquet", Rows: rows,
		Vector: &lake.Vector{Place: path, Offset: 4, Length: int64(len(blob)), Rows: deleted}}
	var found []int64
	err := lake.ReadVector(t.Context(), path, file, func(row int64) error {
		found = append(found, row)
		return nil
	})
	return found, err
}

const many = 1 << 40

func TestDeletionVectorsAreWhatCRoaringWrote(t *testing.T) {
	const folder = "../../testdata/iceberg/bitmaps"
	text, err := os.ReadFile(filepath.Join(folder, "ranges.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bitmaps map[string][][3]int64
	if err := json.Unmarshal(text, &bitmaps); err != nil {
		t.Fatal(err)
	}
	for name, ranges := range bitmaps {
		bitmap, err := os.ReadFile(filepath.Join(folder, name+".bin"))
		if err != nil {
			t.Fatal(err)
		}
		var want []int64
		for _, r := range ranges {
			for row := r[0]; row < r[1]; row += r[2] {
				want = append(want, row)
			}
		}
		got, err := readVector(t, icebergtest.Vector(bitmap), int64(len(want)), many)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %d rows, want %d, error %v", name, len(got), len(want), err)
		}
	}
}

func TestDamagedDeletionVectorsAreRefused(t *testing.T) {
	good := icebergtest.Vector(icebergtest.Array(1, 2, 9))
	changed := func(at int, to byte) []byte {
		blob := slices.Clone(good)
		blob[at] = to
		return blob
	}
	bitmap := icebergtest.Array(1, 2, 9)
	for _, c := range []struct {
		name, want    string
		blob          []byte
		deleted, rows int64
	}{
		{"another length", "its length is another", changed(3, 7), 3, many},
		{"another mark", "does not begin as one", changed(4, 0), 3, many},
		{"another checksum", "its checksum is another", changed(len(good)-1, good[len(good)-1]+1), 3, many},
		{"cut off", "is cut off", good[:8], 3, many},
		{"a row beyond the file", "it has row 9 of a file of 9 rows", good, 3, 9},
		{"fewer rows than the metadata says", "it has 3 rows", good, 4, many},
		{"values out of order", "out of order", icebergtest.Vector(icebergtest.Array(2, 1)), 2, many},
		{"a value twice", "out of order", icebergtest.Vector(icebergtest.Array(1, 1)), 2, many},
		{"more bytes than bitmaps", "more or fewer bytes", icebergtest.Vector(append(slices.Clone(bitmap), 0)), 3, many},
		{"more parts than bytes", "is cut off", icebergtest.Vector(append([]byte{255, 255, 255, 255, 255, 255, 255, 255},
			bitmap[8:]...)), 3, many},
		{"no bitmap", "no Roaring bitmap", icebergtest.Vector(append(slices.Clone(bitmap[:12]), 1, 2, 3, 4)), 3, many},
		{"more containers than bytes", "is cut off", icebergtest.Vector(append(slices.Clone(bitmap[:12]),
			0x3a, 0x30, 0, 0, 255, 255, 255, 255)), 3, many},
	} {
		if _, err := readVector(t, c.blob, c.deleted, c.rows); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
	path := filepath.Join(t.TempDir(), "v.puffin")
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, place := range [][2]int64{{-1, 8}, {0, -8}, {8, int64(len(good))}, {1 << 62, 1 << 62}, {0, 1 << 62}} {
		file := lake.File{Vector: &lake.Vector{Place: path, Offset: place[0], Length: place[1]}}
		err := lake.ReadVector(t.Context(), path, file, func(int64) error { return nil })
		if err == nil || !strings.Contains(err.Error(), "a deletion vector has") {
			t.Errorf("at %v: got error %v", place, err)
		}
	}
}

func FuzzVector(f *testing.F) {
	f.Add(icebergtest.Array(1, 2, 9))
	for _, name := range []string{"one", "runs", "far", "empty"} {
		bitmap, err := os.ReadFile("../../testdata/iceberg/bitmaps/" + name + ".bin")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bitmap)
	}
	f.Fuzz(func(t *testing.T, bitmap []byte) {
		previous := int64(-1)
		blob := icebergtest.Vector(bitmap)
		path := filepath.Join(t.TempDir(), "v.puffin")
		if err := os.WriteFile(path, blob, 0o600); err != nil {
			t.Fatal(err)
		}
		file := lake.File{Rows: many, Vector: &lake.Vector{Length: int64(len(blob))}}
		_ = lake.ReadVector(t.Context(), path, file, func(row int64) error {
			if row <= previous || row >= many {
				t.Fatalf("row %d comes after row %d", row, previous)
			}
			previous = row
			return nil
		})
	})
}
