package arrowipc_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/flight"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/arrowipc"
)

func TestWholeFilesAndStreamsAreRead(t *testing.T) {
	want := sample(t)
	for name, content := range samples(t) {
		batches, err := read(t, content, testLimit, func(batch arrow.RecordBatch) {
			if !array.RecordEqual(want, batch) {
				t.Errorf("%s: got %v, want %v", name, batch, want)
			}
		})
		if !errors.Is(err, io.EOF) || batches != 2 {
			t.Errorf("%s: %d batches and %v", name, batches, err)
		}
	}
}

// TestDamagedDataTakeLittleMemory damages files and streams 5,000 times. What can be read is a checked batch; nothing
// is allocated beyond what a message of such a size may need. A decoder of zstd has some windows of 8 MiB.
func TestDamagedDataTakeLittleMemory(t *testing.T) {
	const decoder = 64 << 20
	for name, good := range samples(t) {
		most := uint64(6 * testLimit)
		if strings.HasPrefix(name, "zstd") {
			most += decoder
		}
		random := rand.New(rand.NewPCG(1, 2))
		for i := range 1_000 {
			damaged := bytes.Clone(good)
			for range 1 + random.IntN(3) {
				damaged[random.IntN(len(damaged))] = byte(random.Uint32())
			}
			if i%4 == 0 { // A length or an offset of four bytes.
				at := random.IntN(len(damaged) - 4)
				binary.LittleEndian.PutUint32(damaged[at:], []uint32{1<<31 - 1, 1 << 30, 1 << 28, 200, 1<<32 - 5}[i/4%5])
			}
			used := allocated(func() { _, _ = read(t, damaged, testLimit, func(arrow.RecordBatch) {}) })
			if used > most {
				t.Fatalf("%s, mutation %d: %d bytes were asked for", name, i, used)
			}
		}
	}
}

// TestSchemasOfFlightAreNotBelieved sends the messages that took all memory there is.
func TestSchemasOfFlightAreNotBelieved(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var messages []string
		if err := json.Unmarshal(text, &messages); err != nil {
			t.Fatal(err)
		}
		var refused error
		checker := &arrowipc.Checker{Limit: testLimit}
		for _, message := range messages {
			encoded, err := hex.DecodeString(message)
			if err != nil {
				t.Fatal(err)
			}
			data := &flight.FlightData{}
			if err := proto.Unmarshal(encoded, data); err != nil {
				t.Fatal(err)
			}
			if len(data.GetDataHeader()) > 0 {
				err := checker.Check(data.GetDataHeader(),
					io.NewSectionReader(bytes.NewReader(data.GetDataBody()), 0, int64(len(data.GetDataBody()))))
				refused = errors.Join(refused, err)
			}
		}
		if refused == nil {
			t.Errorf("%s is taken", file)
		}
	}
}

// TestOffsetsOfTextsAreChecked is for offsets in the middle, which lead a reader of the batch out of its memory.
func TestOffsetsOfTextsAreChecked(t *testing.T) {
	builder := array.NewStringBuilder(memory.DefaultAllocator)
	for range 20 {
		builder.Append("abcde")
	}
	column := builder.NewArray()
	schema := arrow.NewSchema([]arrow.Field{{Name: "text", Type: column.DataType()}}, nil)
	good := write(t, array.NewRecordBatch(schema, []arrow.Array{column}, 20), true)
	offsets := column.Data().Buffers()[1].Bytes()
	for _, wrong := range []uint32{2147483647, 1073741824, 268435456, 200, 1<<32 - 5} {
		at := bytes.Index(good, offsets[:80])
		damaged := bytes.Clone(good)
		binary.LittleEndian.PutUint32(damaged[at+40:], wrong)
		if _, err := read(t, damaged, testLimit, func(arrow.RecordBatch) {}); errors.Is(err, io.EOF) {
			t.Errorf("an offset of %d is taken", int32(wrong))
		}
	}
}

// TestDeclaredLengthsAreBounded is for buffers that say what they become once they are decompressed.
func TestDeclaredLengthsAreBounded(t *testing.T) {
	for _, file := range []bool{true, false} {
		good := write(t, sample(t), file, ipc.WithZstd())
		frame := []byte{0x28, 0xb5, 0x2f, 0xfd}
		for _, length := range []uint64{1e12, 2e9, 0, 3, 1<<63 - 1, 1<<64 - 2} {
			damaged := bytes.Clone(good)
			binary.LittleEndian.PutUint64(damaged[bytes.Index(damaged, frame)-8:], length)
			used := allocated(func() {
				if _, err := read(t, damaged, testLimit, func(arrow.RecordBatch) {}); errors.Is(err, io.EOF) {
					t.Errorf("a length of %d is taken", int64(length))
				}
			})
			if used > 64<<20 {
				t.Errorf("a length of %d takes %d bytes", int64(length), used)
			}
		}
	}
}

func TestDeepAndWideSchemasAreRefused(t *testing.T) {
	deep := func(depth int) arrow.DataType {
		kind := arrow.PrimitiveTypes.Int64
		for range depth {
			kind = arrow.StructOf(arrow.Field{Name: "x", Type: kind})
		}
		return kind
	}
	wide := make([]arrow.Field, 30_000)
	for i := range wide {
		wide[i] = arrow.Field{Name: strings.Repeat("x", i%3+1), Type: arrow.PrimitiveTypes.Int64}
	}
	for _, c := range []struct {
		fields []arrow.Field
		want   string
	}{
		{[]arrow.Field{{Name: "x", Type: deep(64)}}, ""},
		{[]arrow.Field{{Name: "x", Type: deep(65)}}, "nested more than 64 deep"},
		{[]arrow.Field{{Name: "x", Type: deep(2_000)}}, "nested more than 64 deep"},
		{wide, "20000 columns"},
	} {
		var out bytes.Buffer
		if err := ipc.NewWriter(&out, ipc.WithSchema(arrow.NewSchema(c.fields, nil))).Close(); err != nil {
			t.Fatal(err)
		}
		_, err := read(t, out.Bytes(), testLimit, func(arrow.RecordBatch) {})
		if c.want == "" && !errors.Is(err, io.EOF) || c.want != "" && !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// TestWrittenOutCountsWhatRowsShare has one text that all rows lead to.
func TestWrittenOutCountsWhatRowsShare(t *testing.T) {
	const rows, length = 1_000, 100_000
	kind := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int16, ValueType: arrow.BinaryTypes.String}
	builder := array.NewDictionaryBuilder(memory.DefaultAllocator, kind).(*array.BinaryDictionaryBuilder)
	for range rows {
		if err := builder.AppendString(strings.Repeat("x", length)); err != nil {
			t.Fatal(err)
		}
	}
	column := builder.NewArray()
	schema := arrow.NewSchema([]arrow.Field{{Name: "text", Type: kind}}, nil)
	batch := array.NewRecordBatch(schema, []arrow.Array{column}, rows)
	if got := arrowipc.WrittenOut(batch); got < rows*length || got > rows*length*2 {
		t.Errorf("got %d", got)
	}
	if got := arrowipc.WrittenOut(batch.NewSlice(0, 10)); got < 10*length || got > 10*length*2 {
		t.Errorf("a slice: got %d", got)
	}
	if got := arrowipc.WrittenOut(sample(t)); got < 50 || got > 500 {
		t.Errorf("the sample: got %d", got)
	}
}
