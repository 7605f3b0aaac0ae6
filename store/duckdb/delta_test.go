package duckdb

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/source/delta/deltatest"
	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
)

// versionOf is what deltalake reads of a version of the table in testdata/delta.
type versionOf struct {
	Version int64
	Rows    []struct {
		Place string
		At    time.Time
		N     int
		Day   *string
		Kind  *string
	}
}

func toldByDeltalake(t *testing.T) []versionOf {
	t.Helper()
	content, err := os.ReadFile("../../testdata/delta/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var told []versionOf
	if err := json.Unmarshal(content, &told); err != nil {
		t.Fatal(err)
	}
	return told
}

// expected is the join of labels at each hour of three days, by nested loops over what deltalake reads. Of the two rows
// at one time the one whose file was made later wins: that is the row 202, until its file is older than the one that
// was rewritten without a deleted row.
func (v versionOf) expected() (labels, want string) {
	labels, want = "place,t\n", "place,t,n,day,kind\n"
	cell := func(text *string) string {
		if text == nil {
			return ""
		}
		return strings.ReplaceAll(*text, `"`, `""`)
	}
	for _, place := range []string{"a", "b", "c"} {
		for hour := range 72 {
			at := time.Date(2024, 1, 1, hour, 0, 0, 0, time.UTC)
			winner := -1
			for i, row := range v.Rows {
				if row.Place == place && !row.At.After(at) && (winner < 0 || row.At.After(v.Rows[winner].At) ||
					row.At.Equal(v.Rows[winner].At) && (row.N == 202) == (v.Version < 2)) {
					winner = i
				}
			}
			label := place + "," + at.Format(time.RFC3339)
			labels += label + "\n"
			if winner < 0 {
				want += label + ",,,\n"
				continue
			}
			row := v.Rows[winner]
			day, kind := "", cell(row.Kind)
			if row.Day != nil {
				day = *row.Day + "T00:00:00.000000Z"
			}
			if strings.Contains(kind, `"`) {
				kind = `"` + kind + `"`
			}
			want += fmt.Sprintf("%s,%d,%s,%s\n", label, row.N, day, kind)
		}
	}
	return labels, want
}

func TestR3_RowsOfADeltaTableAreThoseOfItsVersionInTheOrderInWhichFilesWereMade(t *testing.T) {
	l := newLake(t)
	p := newProject(t, nil, "", newFeature("n", plumbv1.Type_INT32), newFeature("day", plumbv1.Type_TIMESTAMP),
		newFeature("kind", plumbv1.Type_STRING))
	if err := os.CopyFS(filepath.Join(p.folder, "data"), os.DirFS("../../testdata/delta")); err != nil {
		t.Fatal(err)
	}
	l.put(t, p)
	p.key = &plumbv1.JoinKey{Name: "place", Type: plumbv1.Type_STRING}
	for _, path := range []string{"data/readings", "s3://lake/data/readings"} {
		for _, version := range toldByDeltalake(t) {
			table := &plumbv1.DeltaSource{Path: path, At: &plumbv1.DeltaSource_Version{Version: version.Version}}
			p.source.Kind = &plumbv1.Source_Delta{Delta: table}
			labels, want := version.expected()
			if err := os.WriteFile(filepath.Join(p.folder, "l.csv"), []byte(labels), 0o600); err != nil {
				t.Fatal(err)
			}
			got, _, err := p.answers(t, l.engine(t, p, ""), filepath.Join(p.folder, "l.csv"))
			if err != nil {
				t.Fatalf("%s, version %d: %v", path, version.Version, err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, version %d (-want +got):\n%s", path, version.Version, diff)
			}
		}
	}
}

// deltaTable has files that the test writes, and a log of one commit.
type deltaTable struct {
	*project
	actions []string
	made    int64
}

func newDeltaTable(t *testing.T, features ...*plumbv1.Feature) *deltaTable {
	t.Helper()
	p := &deltaTable{project: newProject(t, nil, "", features...)}
	p.source.Kind = &plumbv1.Source_Delta{Delta: &plumbv1.DeltaSource{Path: "data/t"}}
	return p
}

// file writes a Parquet file and adds it, with its rows and whatever change says.
func (p *deltaTable) file(t *testing.T, name, ids, query string, change func(*deltatest.Add)) {
	t.Helper()
	options := "(FORMAT parquet)"
	if ids != "" {
		options = "(FORMAT parquet, FIELD_IDS {" + ids + "})"
	}
	p.writeWith(t, filepath.Join("data", "t", name), query, options)
	info, err := os.Stat(filepath.Join(p.folder, "data", "t", name))
	if err != nil {
		t.Fatal(err)
	}
	p.made++
	added := deltatest.Add{Path: name, Size: info.Size(), ModificationTime: p.made}
	if change != nil {
		change(&added)
	}
	p.actions = append(p.actions, added.String())
}

// joined is the join of keys at the end of the day.
func (p *deltaTable) joined(t *testing.T, protocol, metadata string) (string, error) {
	t.Helper()
	log := deltatest.Log{}
	log.Commit(0, append([]string{protocol, metadata}, p.actions...)...)
	if err := log.Write(filepath.Join(p.folder, "data", "t")); err != nil {
		t.Fatal(err)
	}
	labels := "k,t\n"
	for k := range 4 {
		labels += strconv.Itoa(k) + ",2024-01-02\n"
	}
	return p.join(t, "l.csv", labels)
}

// mapped are the columns of a table that maps them.
const mapped = `[{"name":"k","type":"long","metadata":{"delta.columnMapping.id":1,
  "delta.columnMapping.physicalName":"col-1"}},{"name":"x","type":"double","metadata":{"delta.columnMapping.id":2,
  "delta.columnMapping.physicalName":"col-2"}},{"name":"at","type":"timestamp","metadata":{"delta.columnMapping.id":3,
  "delta.columnMapping.physicalName":"col-3"}},{"name":"p","type":"date","metadata":{"delta.columnMapping.id":4,
  "delta.columnMapping.physicalName":"col-4"}}]`

func TestColumnsOfADeltaTableAreFoundByTheNamesOrIDsThatTheyHaveInFiles(t *testing.T) {
	day := "2024-01-01"
	in := func(a *deltatest.Add) { a.PartitionValues = map[string]*string{"col-4": &day} }
	query := func(k, x, at string) string {
		return fmt.Sprintf("SELECT i AS %q, 1.5 + i AS %q, TIMESTAMPTZ '2024-01-01 05:00:00Z' AS %q, i AS x "+
			"FROM range(3) r(i)", k, x, at)
	}
	want := "k,t,x,p\n0,2024-01-02,1.5,2024-01-01T00:00:00.000000Z\n1,2024-01-02,2.5,2024-01-01T00:00:00.000000Z\n" +
		"2,2024-01-02,3.5,2024-01-01T00:00:00.000000Z\n3,2024-01-02,,\n"
	for mode, names := range map[string][3]string{"name": {"col-1", "COL-2", "col-3"}, "id": {"k9", "at", "k"}} {
		p := newDeltaTable(t, newFeature("x", plumbv1.Type_FLOAT64), newFeature("p", plumbv1.Type_TIMESTAMP))
		ids := ""
		if mode == "id" {
			ids = fmt.Sprintf("%q: 1, %q: 2, %q: 3, x: 9", names[0], names[1], names[2])
		}
		p.file(t, "a.parquet", ids, query(names[0], names[1], names[2]), in)
		got, err := p.joined(t, deltatest.Protocol("columnMapping"), deltatest.Metadata(mapped, []string{"p"},
			map[string]string{"delta.columnMapping.mode": mode}))
		if err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", mode, diff)
		}
	}
	p := newDeltaTable(t, newFeature("x", plumbv1.Type_FLOAT64))
	p.file(t, "a.parquet", "", query("col-1", "col-2", "col-3"), in)
	if _, err := p.joined(t, deltatest.Protocol("columnMapping"), deltatest.Metadata(mapped, []string{"p"},
		map[string]string{"delta.columnMapping.mode": "id"})); err == nil || !strings.Contains(err.Error(), "no field id") {
		t.Errorf("without ids: got error %v", err)
	}
}

const plain = `[{"name":"k","type":"long","metadata":{}},{"name":"x","type":"long","metadata":{}},
  {"name":"at","type":"timestamp","metadata":{}}]`

func TestDeletedRowsOfADeltaTableAreNotThere(t *testing.T) {
	p := newDeltaTable(t, newFeature("x", plumbv1.Type_INT64))
	query := func(x int) string {
		return fmt.Sprintf("SELECT i AS k, %d + i AS x, TIMESTAMPTZ '2024-01-01 00:00:00Z' AS \"at\" FROM range(4) r(i)", x)
	}
	file := filepath.Join(p.folder, "data", "t", "deletion_vector_30313233-3435-3637-3839-616263646566.bin")
	blob := icebergtest.Vector(icebergtest.Array(0, 2))
	offset := int64(1)
	inFile := &deltatest.Vector{Storage: "u", Path: deltatest.Z85([]byte("0123456789abcdef")), Offset: &offset,
		Size: int64(len(blob)) - 8, Cardinality: 2}
	whole := &deltatest.Vector{Storage: "p", Path: "file://" + file, Offset: &offset, Size: inFile.Size, Cardinality: 2}
	for i, vector := range []*deltatest.Vector{nil, deltatest.Inline(icebergtest.Array(0, 3), 2), inFile, whole} {
		p.file(t, fmt.Sprintf("%d.parquet", i), "", query(100*i), func(a *deltatest.Add) { a.Vector = vector })
	}
	if err := os.WriteFile(file, append([]byte{1}, blob...), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := p.joined(t, deltatest.Protocol("deletionVectors"), deltatest.Metadata(plain, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("k,t,x\n0,2024-01-02,0\n1,2024-01-02,301\n2,2024-01-02,102\n3,2024-01-02,303\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	p.file(t, "4.parquet", "", query(400), func(a *deltatest.Add) {
		a.Vector = deltatest.Inline(icebergtest.Array(1, 4), 2)
	})
	if _, err := p.joined(t, deltatest.Protocol("deletionVectors"), deltatest.Metadata(plain, nil, nil)); err == nil ||
		!strings.Contains(err.Error(), `deletion vector of "4.parquet" in its metadata is damaged: it has row 4 of a file`) {
		t.Errorf("a row beyond the end: got error %v", err)
	}
}

func TestFilesOfADeltaTableFromBeforeItsTypesWereWidenedAreExact(t *testing.T) {
	p := newDeltaTable(t, newFeature("x", plumbv1.Type_INT64))
	for _, kind := range []string{"TINYINT", "SMALLINT", "INTEGER", "BIGINT"} {
		p.file(t, kind+".parquet", "", fmt.Sprintf("SELECT %d AS k, 7::%s AS x, TIMESTAMP '2024-01-01' AS \"at\"", p.made,
			kind), nil)
	}
	got, err := p.joined(t, deltatest.Protocol("typeWidening"), deltatest.Metadata(plain, nil, nil))
	if err != nil || got != "k,t,x\n0,2024-01-02,7\n1,2024-01-02,7\n2,2024-01-02,7\n3,2024-01-02,7\n" {
		t.Errorf("got %s, error %v", got, err)
	}
	p.file(t, "x.parquet", "", "SELECT 1 AS k, 7.5::DOUBLE AS x, TIMESTAMPTZ '2024-01-01 00:00:00Z' AS \"at\"", nil)
	if _, err := p.joined(t, deltatest.Protocol("typeWidening"), deltatest.Metadata(plain, nil, nil)); err == nil ||
		!strings.Contains(err.Error(), "7.5 does not fit INT64 exactly") {
		t.Errorf("another type: got error %v", err)
	}
}

func TestValuesOfPartitionsAreKeysAndTimesLikeOthers(t *testing.T) {
	p := newDeltaTable(t, newFeature("x", plumbv1.Type_INT64))
	for i, values := range [][2]string{{"1", "2024-01-01 05:00:00"}, {"", "2024-01-01 06:00:00"}, {"2", ""}} {
		p.file(t, fmt.Sprintf("%d.parquet", i), "", fmt.Sprintf("SELECT %d AS x", i), func(a *deltatest.Add) {
			a.PartitionValues = map[string]*string{"k": &values[0], "at": &values[1]}
		})
	}
	// A column of the file has the name by which DuckDB says where rows are.
	p.file(t, "3.parquet", "", "SELECT 3 AS x, 9 AS file_row_number", func(a *deltatest.Add) {
		k, at := "3", "2024-01-01T07:00:00.000001Z"
		a.PartitionValues = map[string]*string{"k": &k, "at": &at}
	})
	metadata := deltatest.Metadata(plain, []string{"k", "at"}, nil)
	got, err := p.joined(t, deltatest.Protocol(), metadata)
	if err != nil || got != "k,t,x\n0,2024-01-02,\n1,2024-01-02,0\n2,2024-01-02,\n3,2024-01-02,3\n" {
		t.Errorf("got %s, error %v", got, err)
	}
	rows, report, err := p.newest(t, 0)
	if err != nil || len(rows) != 2 || report.NullKeys != 1 || report.NullTimes != 1 {
		t.Errorf("newest rows %v, %+v, %v", rows, report, err)
	}
}

func TestAPlaceThatIsNoDeltaTableIsSaid(t *testing.T) {
	p := newDeltaTable(t, newFeature("x", plumbv1.Type_INT64))
	p.file(t, "a.parquet", "", rowsFrom(100, ""), nil)
	if _, err := p.joined(t, deltatest.Protocol(), deltatest.Metadata(plain, nil, nil)); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"data/t/a.parquet": "is a file; name the folder of the table", "data": "is not the folder of a Delta table",
		"data/none": "there is no file data/none", "../elsewhere": "there is no file ../elsewhere",
	} {
		p.source.GetDelta().Path = path
		if _, err := p.join(t, "l.csv", "k,t\n1,2024-01-02\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", path, err, want)
		}
	}
	p.source.Kind = &plumbv1.Source_Parquet{Parquet: &plumbv1.ParquetSource{Path: "data/t"}}
	if _, err := p.join(t, "l.csv", "k,t\n1,2024-01-02\n"); err == nil ||
		!strings.Contains(err.Error(), "read the table by delta: {path: …}") {
		t.Errorf("as files: got error %v", err)
	}
}
