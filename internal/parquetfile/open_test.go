package parquetfile_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/plumbstore/plumb/internal/parquetfile"
)

// The bombs are footers by hand in Thrift's compact protocol.

func vint(n uint64) []byte { return binary.AppendUvarint(nil, n) }
func zigzag(n int64) []byte {
	return binary.AppendVarint(nil, n)
}

// group is an element of a schema with children, leaf one without.
func group(children int64) []byte {
	return bytes.Join([][]byte{{0x48, 0x01, 'r', 0x15}, zigzag(children), {0}}, nil)
}

func leaf() []byte { return []byte{0x35, 0x02, 0x18, 0x01, 'x', 0} }

// footer is the smallest one with this schema.
func footer(elements ...[]byte) []byte {
	return bytes.Join([][]byte{
		{0x15, 0x02, 0x19, 0xfc}, vint(uint64(len(elements))), bytes.Join(elements, nil), {0x16, 0x00, 0x19, 0x0c, 0},
	}, nil)
}

// whole is a file with nothing but this footer.
func whole(footer []byte) []byte {
	return bytes.Join([][]byte{
		[]byte("PAR1"), footer, binary.LittleEndian.AppendUint32(nil, uint32(len(footer))), []byte("PAR1"),
	}, nil)
}

func repeated(times int, element []byte) [][]byte {
	all := make([][]byte, times)
	for i := range all {
		all[i] = element
	}
	return all
}

func open(t *testing.T, content []byte) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.parquet")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := parquetfile.Open(path)
	if err == nil {
		return reader.Close()
	}
	return err
}

// allocated is how many bytes of memory were asked for while run ran.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestFootersAreNotBelieved(t *testing.T) {
	deep := append(repeated(5_000, group(1)), leaf())
	wide := append([][]byte{group(30_000)}, repeated(30_000, leaf())...)
	longList, longText := []byte{0x15, 0x02, 0x19, 0xfc}, []byte{0x15, 0x02, 0x19, 0x1c, 0x48}
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"two billion children":   {whole(footer(group(1<<31-1), leaf())), "fewer elements"},
		"fewer children":         {whole(footer(group(1), leaf(), leaf())), "more elements"},
		"negative children":      {whole(footer(group(-1))), "-1 children"},
		"5,000 deep":             {whole(footer(deep...)), "nested more than 64 deep"},
		"too many columns":       {whole(footer(wide...)), "20000 columns"},
		"a list longer than all": {whole(append(longList, vint(1<<31-1)...)), "a list of 2147483647"},
		"a text longer than all": {whole(append(longText, vint(1<<40)...)), "ends within"},
		"deep structs":           {whole(bytes.Repeat([]byte{0x9c}, 1_000_000)), "nested more than 32 deep"},
		"no schema":              {whole([]byte{0x15, 0x02, 0}), "no schema"},
		"encrypted":              {[]byte("PAR1....\x04\x00\x00\x00PARE"), "encrypted"},
		"footer beyond the file": {[]byte("PAR1....\xff\xff\xff\x7fPAR1"), "does not fit"},
		"empty":                  {nil, "too short"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			used := allocated(func() { err = open(t, c.content) })
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if used > 64<<20 {
				t.Errorf("%d bytes were asked for", used)
			}
		})
	}
}

// sample is a whole file with a few columns, some of them nested.
func sample(t testing.TB) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "k", Type: arrow.PrimitiveTypes.Int64},
		{Name: "t", Type: arrow.FixedWidthTypes.Timestamp_us, Nullable: true},
		{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "l", Type: arrow.ListOf(arrow.BinaryTypes.String)})},
	}, nil)
	text := `[{"k": 1, "t": "2024-01-01T00:00:00.000000Z", "s": {"l": ["a", "b"]}}, {"k": 2, "t": null, "s": {"l": []}}]`
	batch, _, err := array.RecordFromJSON(memory.DefaultAllocator, schema, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	writer, err := pqarrow.NewFileWriter(schema, &out, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(batch); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWholeFilesAreOpened(t *testing.T) {
	if err := open(t, sample(t)); err != nil {
		t.Error(err)
	}
	wide := append([][]byte{group(20_000)}, repeated(20_000, leaf())...)
	if err := open(t, whole(footer(wide...))); err != nil {
		t.Error(err)
	}
}

func TestDamagedFilesTakeLittleMemory(t *testing.T) {
	good := sample(t)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 2_000 {
		damaged := bytes.Clone(good)
		for range 1 + random.IntN(3) {
			damaged[random.IntN(len(damaged))] = byte(random.Uint32())
		}
		if used := allocated(func() { _ = open(t, damaged) }); used > 16<<20 {
			t.Fatalf("mutation %d: %d bytes were asked for", i, used)
		}
	}
}
