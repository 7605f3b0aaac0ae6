package duckdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/google/go-cmp/cmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
)

// tableOf has files that the test writes, and the manifests that list them.
type tableOf struct {
	*project
	table     icebergtest.Table
	manifests map[int64]*icebergtest.Manifest
}

const tableFields = `[{"id": 1, "name": "k", "type": "long"}, {"id": 2, "name": "x", "type": "long"},
  {"id": 3, "name": "at", "type": "timestamptz"}]`

func newTable(t *testing.T) *tableOf {
	t.Helper()
	return &tableOf{project: newProject(t, nil, "", newFeature("x", plumbv1.Type_INT64)),
		table: icebergtest.Table{Fields: tableFields}, manifests: map[int64]*icebergtest.Manifest{}}
}

func (p *tableOf) path(name string) string { return filepath.Join(p.folder, "data", "t", name) }

// file writes a Parquet file with field ids and adds it.
func (p *tableOf) file(t *testing.T, sequence int64, name, ids, query string, rows int64, content int32) {
	t.Helper()
	p.writeWith(t, filepath.Join("data", "t", name), query, "(FORMAT parquet, FIELD_IDS {"+ids+"})")
	info, err := os.Stat(p.path(name))
	if err != nil {
		t.Fatal(err)
	}
	p.add(sequence, icebergtest.Entry{Status: 1, Content: content, Path: p.path(name), Format: "PARQUET", Rows: rows,
		Size: info.Size()})
}

func (p *tableOf) add(sequence int64, entry icebergtest.Entry) {
	if p.manifests[sequence] == nil {
		p.manifests[sequence] = &icebergtest.Manifest{Sequence: sequence}
	}
	p.manifests[sequence].Entries = append(p.manifests[sequence].Entries, entry)
}

// deletes writes a file of deleted positions: pairs of a file's name and a row of it. Writers require values of both
// columns, which COPY of DuckDB cannot say.
func (p *tableOf) deletes(t *testing.T, sequence int64, name string, places ...any) {
	t.Helper()
	var rows []deletedRow
	for i := 0; i < len(places); i += 2 {
		rows = append(rows, deletedRow{p.path(places[i].(string)), int64(places[i+1].(int))})
	}
	if err := os.MkdirAll(filepath.Dir(p.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	writeDeletes(t, p.path(name), rows)
	info, err := os.Stat(p.path(name))
	if err != nil {
		t.Fatal(err)
	}
	p.add(sequence, icebergtest.Entry{Status: 1, Content: 1, Path: p.path(name), Format: "PARQUET",
		Rows: int64(len(rows)), Size: info.Size()})
}

// vector writes a deletion vector of a file.
func (p *tableOf) vector(t *testing.T, sequence int64, of string, rows ...uint16) {
	t.Helper()
	blob := icebergtest.Vector(icebergtest.Array(rows...))
	if err := os.WriteFile(p.path("v.puffin"), append([]byte("PFA1"), blob...), 0o600); err != nil {
		t.Fatal(err)
	}
	data, offset, length := p.path(of), int64(4), int64(len(blob))
	p.add(sequence, icebergtest.Entry{Status: 1, Content: 1, Path: p.path("v.puffin"), Format: "PUFFIN",
		Rows: int64(len(rows)), Size: int64(len(blob)) + 4, Referenced: &data, Offset: &offset, Length: &length})
}

// answers are what a join of each key at the end of the day says, and how many rows are the newest.
func (p *tableOf) joined(t *testing.T) (string, error) {
	t.Helper()
	for _, manifest := range p.manifests {
		p.table.Manifests = append(p.table.Manifests, *manifest)
	}
	if _, err := icebergtest.Write(filepath.Join(p.folder, "data", "t"), p.table); err != nil {
		t.Fatal(err)
	}
	p.source.Kind = &plumbv1.Source_Iceberg{Iceberg: &plumbv1.IcebergSource{Path: "data/t/metadata/v1.metadata.json"}}
	labels := "k,t\n"
	for k := range 12 {
		labels += fmt.Sprintf("%d,2024-01-02\n", k)
	}
	return p.join(t, "l.csv", labels)
}

// rowsFrom are rows of the keys 0 to 9 with ever later times, in their order.
func rowsFrom(x int, more string) string {
	return fmt.Sprintf("SELECT i AS k, %d + i AS x, TIMESTAMPTZ '2024-01-01 00:00:00Z' + to_minutes(%d) AS \"at\"%s "+
		"FROM range(10) r(i)", x, x, more)
}

func TestDeletedRowsOfATableAreNotThere(t *testing.T) {
	p := newTable(t)
	// The first file has a column that the table does not have any more, whose name is that of a row's place in DuckDB.
	p.file(t, 1, "a.parquet", `k: 1, x: 2, "at": 3, file_row_number: 9`, rowsFrom(100, ", 7 AS file_row_number"), 10, 0)
	p.file(t, 2, "b.parquet", `k: 1, x: 2, "at": 3`, rowsFrom(200, ""), 10, 0)
	p.file(t, 3, "c.parquet", `k: 1, x: 2, "at": 3`, rowsFrom(300, ""), 10, 0)
	p.file(t, 4, "d.parquet", `"at": 1, k: 2, x: 3`, `SELECT k AS "at", x AS k, "at" AS x FROM (`+rowsFrom(400, "")+
		") WHERE k = 9", 1, 0)
	// Rows of c are deleted by a vector, and then no other deletes of c count.
	p.vector(t, 5, "c.parquet", 0, 1, 2, 3, 4)
	p.deletes(t, 5, "d5.parquet", "c.parquet", 8, "b.parquet", 0, "b.parquet", 1, "a.parquet", 0)
	// Deletes from before a file was added do not count for it, and those of its own snapshot do.
	p.deletes(t, 1, "d1.parquet", "b.parquet", 2)
	p.deletes(t, 2, "d2.parquet", "b.parquet", 3, "gone.parquet", 5)
	got, err := p.joined(t)
	if err != nil {
		t.Fatal(err)
	}
	want := "k,t,x\n0,2024-01-02,\n1,2024-01-02,101\n2,2024-01-02,202\n3,2024-01-02,103\n4,2024-01-02,204\n" +
		"5,2024-01-02,305\n6,2024-01-02,306\n7,2024-01-02,307\n8,2024-01-02,308\n9,2024-01-02,409\n" +
		"10,2024-01-02,\n11,2024-01-02,\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	rows, _, err := p.newest(t, 0)
	if err != nil || len(rows) != 9 {
		t.Errorf("newest rows %v, %v", rows, err)
	}
}

func TestDeletesThatCannotBeRightAreRefused(t *testing.T) {
	const ids = `k: 1, x: 2, "at": 3`
	for _, c := range []struct {
		name, want string
		make       func(p *tableOf)
	}{
		{"a row beyond the end", "beyond the end of its file: row 10 of", func(p *tableOf) {
			p.deletes(t, 2, "d.parquet", "a.parquet", 10)
		}},
		{"a row before the beginning", "beyond the end of its file: row -1 of", func(p *tableOf) {
			p.deletes(t, 2, "d.parquet", "a.parquet", -1)
		}},
		{"a vector with a row beyond the end", "it has row 10 of a file of 10 rows", func(p *tableOf) {
			p.vector(t, 2, "a.parquet", 3, 10)
		}},
		{"other columns", `has no column`, func(p *tableOf) {
			p.file(t, 2, "d.parquet", "file_path: 1, pos: 2", "SELECT 'a' AS file_path, 1::BIGINT AS pos", 1, 1)
		}},
		{"another number of rows", "has 1 rows, and the metadata of its table says 2", func(p *tableOf) {
			p.deletes(t, 2, "d.parquet", "a.parquet", 1)
			p.manifests[2].Entries[0].Rows = 2
		}},
		{"a data file with another number of rows", "has 10 rows, and the metadata of its table says 9", func(p *tableOf) {
			p.manifests[1].Entries[0].Rows = 9
		}},
		{"a column without an id", `column "y" of`, func(p *tableOf) {
			p.file(t, 2, "b.parquet", ids, rowsFrom(1, ", 1 AS y"), 10, 0)
		}},
	} {
		p := newTable(t)
		p.file(t, 1, "a.parquet", ids, rowsFrom(100, ""), 10, 0)
		c.make(p)
		if got, err := p.joined(t); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %q, error %v, want one with %q", c.name, got, err, c.want)
		}
	}
}

type deletedRow struct {
	path string
	row  int64
}

func writeDeletes(t *testing.T, path string, rows []deletedRow) {
	t.Helper()
	ids := func(id string) arrow.Metadata { return arrow.NewMetadata([]string{"PARQUET:field_id"}, []string{id}) }
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "file_path", Type: arrow.BinaryTypes.String, Metadata: ids("2147483546")},
		{Name: "pos", Type: arrow.PrimitiveTypes.Int64, Metadata: ids("2147483545")}}, nil)
	builder := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for _, row := range rows {
		builder.Field(0).(*array.StringBuilder).Append(row.path)
		builder.Field(1).(*array.Int64Builder).Append(row.row)
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := pqarrow.NewFileWriter(schema, file, nil, pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writer.Write(builder.NewRecordBatch()), writer.Close()); err != nil {
		t.Fatal(err)
	}
}
