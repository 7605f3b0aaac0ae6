package duckdb

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/schema"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// time96 is nanoseconds of a Julian day.
func time96(day int32, nanoseconds int64) parquet.Int96 {
	value := parquet.NewInt96([3]uint32{0, 0, uint32(day)})
	value.SetNanoSeconds(nanoseconds)
	return value
}

// writeTimes96 writes a file with a row of key 1 for each time, and x counting from 1.
func writeTimes96(t *testing.T, path string, times ...parquet.Int96) {
	t.Helper()
	node := func(name string, kind parquet.Type) schema.Node {
		made, err := schema.NewPrimitiveNode(name, parquet.Repetitions.Required, kind, -1, -1)
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, schema.FieldList{
		node("k", parquet.Types.Int64), node("x", parquet.Types.Int64), node("at", parquet.Types.Int96)}, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer := file.NewParquetWriter(out, root)
	group, err := writer.AppendRowGroupChecked()
	if err != nil {
		t.Fatal(err)
	}
	keys, numbers := make([]int64, len(times)), make([]int64, len(times))
	for i := range times {
		keys[i], numbers[i] = 1, int64(i+1)
	}
	for _, values := range [][]int64{keys, numbers} {
		column, err := group.NextColumn()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := column.(*file.Int64ColumnChunkWriter).WriteBatch(values, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	column, err := group.NextColumn()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := column.(*file.Int96ColumnChunkWriter).WriteBatch(times, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
}

// DuckDB makes another time of each of these, without an error.
func TestR1_TimesOf96BitsThatMicrosecondsDoNotHoldAreNamed(t *testing.T) {
	const epoch = 2_440_588
	p := newProject(t, nil, "data/*.parquet", newFeature("x", plumbv1.Type_INT64))
	path := filepath.Join(p.folder, "data", "s.parquet")
	writeTimes96(t, path, time96(epoch+1, 0), time96(epoch-1, 86_399_999_999_999))
	got, err := p.join(t, "l.csv", "k,t\n1,1970-01-03\n1,1970-01-01\n")
	if want := "k,t,x\n1,1970-01-03,1\n1,1970-01-01,2\n"; err != nil || got != want {
		t.Fatalf("got %q and error %v, want %q", got, err, want)
	}
	for name, wrong := range map[string]parquet.Int96{
		"far in the future":              time96(300_000_000, 0),
		"far in the past":                time96(math.MinInt32, 0),
		"a negative time of the day":     time96(epoch, -1),
		"a time of the day beyond a day": time96(epoch, 86_400_000_000_000),
	} {
		writeTimes96(t, path, time96(epoch, 0), wrong)
		_, err := p.join(t, "l.csv", "k,t\n1,1970-01-03\n")
		if err == nil || !strings.Contains(err.Error(), `column "at", row 2 of `+path) {
			t.Errorf("%s: got error %v, want one that names column, row and file", name, err)
		}
	}
}
