package delta_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/hostiletest"
	"github.com/plumbstore/plumb/source/delta"
	"github.com/plumbstore/plumb/source/delta/deltatest"
	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
	"github.com/plumbstore/plumb/source/lake"
)

const (
	root   = "/lake/t"
	fields = `[{"name":"k","type":"long","nullable":true,"metadata":{}},
  {"name":"p","type":"string","nullable":true,"metadata":{}}]`
)

func open(t *testing.T, log deltatest.Log, at delta.At) (*lake.Table, error) {
	t.Helper()
	read := func(_ context.Context, place string, _ int64) ([]byte, error) {
		content, ok := log[strings.TrimPrefix(place, root+"/_delta_log/")]
		if !ok {
			return nil, fmt.Errorf("there is no %s: %w", place, os.ErrNotExist)
		}
		return content, nil
	}
	list := func(_ context.Context, folder string) ([]string, error) {
		if folder != root+"/_delta_log" {
			return nil, fmt.Errorf("%s was listed", folder)
		}
		return slices.Collect(maps.Keys(log)), nil
	}
	return delta.Open(t.Context(), read, list, root, at)
}

// row is the action of a file of ten rows.
func row(path string, made int64) deltatest.Add {
	return deltatest.Add{Path: path, Size: 100, ModificationTime: made, Stats: `{"numRecords":10}`}
}

// begun is a log with a first commit.
func begun(actions ...string) deltatest.Log {
	log := deltatest.Log{}
	log.Commit(0, append([]string{deltatest.Protocol(), deltatest.Metadata(fields, nil, nil)}, actions...)...)
	return log
}

func paths(table *lake.Table) string {
	names := make([]string, len(table.Files))
	for i, file := range table.Files {
		names[i] = file.Path
	}
	return strings.Join(names, " ")
}

func version(number int64) delta.At { return delta.At{Version: &number} }

// grown is a log of four versions: files come, go, and come again with other deleted rows.
func grown() deltatest.Log {
	log := begun(row("b", 20).String(), row("a", 20).String(), row("c", 10).String())
	log.Commit(1, row("d", 30).String(), row("a", 20).Removed(), `{"commitInfo":{"timestamp":1000}}`)
	changed := row("b", 20)
	changed.Vector = deltatest.Inline(icebergtest.Array(3, 7), 2)
	log.Commit(2, changed.String(), row("b", 20).Removed(), `{"commitInfo":{"timestamp":9,"inCommitTimestamp":2000}}`)
	log.Commit(3, row("c", 10).Removed(), row("d", 30).Removed(), row("c", 40).String(), `{"txn":{"appId":"x"}}`)
	return log
}

func TestR3_FilesOfAVersionAreInTheOrderInWhichTheyWereMadeAndThenOfTheirPaths(t *testing.T) {
	log := grown()
	want := []string{"c a b", "c b d", "c b d", "b c"}
	check := func(name string) {
		t.Helper()
		for number, files := range want {
			table, err := open(t, log, version(int64(number)))
			if err != nil || paths(table) != files || table.Version != int64(number) || table.ID != deltatest.ID {
				t.Fatalf("%s, version %d: got %+v, error %v, want %s", name, number, table, err, files)
			}
			if last := table.Files[len(table.Files)-1]; last.Rows != 10 || last.Place != root+"/"+last.Path {
				t.Errorf("%s, version %d: %+v", name, number, last)
			}
			if deleted := strings.Contains(files, "b") && number >= 2; deleted != (vectorOf(table, "b") != nil) {
				t.Errorf("%s, version %d: deleted rows %v", name, number, deleted)
			}
		}
		if table, err := open(t, log, delta.At{}); err != nil || table.Version != 3 ||
			!slices.Equal(table.Kept, []int64{0, 1, 2, 3}) {
			t.Errorf("%s: the latest version is %+v, error %v", name, table, err)
		}
	}
	check("commits alone")
	changed := row("b", 20)
	changed.Vector = deltatest.Inline(icebergtest.Array(3, 7), 2)
	state := []string{deltatest.Protocol(), deltatest.Metadata(fields, nil, nil), row("c", 10).String(),
		changed.String(), row("d", 30).String(), `{"remove":{"path":"a"}}`, `{"txn":{"appId":"x"}}`}
	const at = "00000000000000000002.checkpoint."
	log["_last_checkpoint"] = []byte(`{"version":77,"parts":9}`)
	for name, files := range map[string]map[string][]byte{
		"a checkpoint": {"parquet": deltatest.Checkpoint(t, state...)},
		"a checkpoint of two parts": {"0000000001.0000000002.parquet": deltatest.Checkpoint(t, state[:3]...),
			"0000000002.0000000002.parquet": deltatest.Checkpoint(t, state[3:]...)},
		"a checkpoint with a file besides": {"80a083e8-7026-4e79-81be-64bd76c43a11.parquet": deltatest.Checkpoint(t,
			state[0], state[1], `{"sidecar":{"path":"one.parquet"}}`)},
		"a checkpoint in JSON": {"80a083e8-7026-4e79-81be-64bd76c43a11.json": []byte(strings.Join([]string{
			`{"checkpointMetadata":{"version":2}}`, state[0], state[1], state[2],
			`{"sidecar":{"path":"_delta_log/_sidecars/two.parquet"}}`}, "\n"))},
	} {
		log = grown()
		log["_sidecars/one.parquet"] = deltatest.Checkpoint(t, state[2:]...)
		log["_sidecars/two.parquet"] = deltatest.Checkpoint(t, state[3:]...)
		for ending, content := range files {
			log[at+ending] = content
		}
		check(name)
	}
	// The newest whole checkpoint is enough, and one that lacks a part is none.
	log = grown()
	log[at+"parquet"] = deltatest.Checkpoint(t, state...)
	log["00000000000000000003.checkpoint.0000000001.0000000002.parquet"] = []byte("half")
	delete(log, "00000000000000000000.json")
	delete(log, "00000000000000000001.json")
	table, err := open(t, log, delta.At{})
	if err != nil || paths(table) != "b c" || !slices.Equal(table.Kept, []int64{2, 3}) {
		t.Errorf("got %+v, error %v", table, err)
	}
	if _, err := open(t, log, version(1)); err == nil || !strings.Contains(err.Error(), "leads to 2, 3") {
		t.Errorf("version 1: got error %v", err)
	}
}

func vectorOf(table *lake.Table, path string) *lake.Vector {
	at := slices.IndexFunc(table.Files, func(f lake.File) bool { return f.Path == path })
	return table.Files[at].Vector
}

func TestAVersionIsFoundByTheTimesOfCommits(t *testing.T) {
	log := grown()
	delete(log, "00000000000000000003.json")
	at := func(micros int64) delta.At { return delta.At{AsOf: &micros} }
	for micros, want := range map[int64]int64{2_000_000: 2, 1_999_999: 1, 1_000_000: 1, 9_000_000: 2} {
		if table, err := open(t, log, at(micros)); err != nil || table.Version != want {
			t.Errorf("at %d: got %+v, error %v, want version %d", micros, table, err, want)
		}
	}
	if _, err := open(t, log, at(999_999)); err == nil || !strings.Contains(err.Error(), "version 0 has no time") {
		t.Errorf("got error %v", err)
	}
	log.Commit(0, deltatest.Protocol(), `{"commitInfo":{"timestamp":1}}`)
	if _, err := open(t, log, at(0)); err == nil || !strings.Contains(err.Error(), "no version of as_of or before") {
		t.Errorf("got error %v", err)
	}
}

func TestPathsAndDeletionVectorsAreFoundByTheirEncodings(t *testing.T) {
	offset := int64(4)
	// The second one is an example of Delta's specification, and the last one of Delta's kernel.
	inTable := deltatest.Vector{Storage: "u", Path: deltatest.Z85([]byte("0123456789abcdef")), Size: 40, Cardinality: 6}
	withFolder := deltatest.Vector{Storage: "u", Path: "ab^-aqEH.-t@S}K{vb[*k^", Offset: &offset, Size: 40, Cardinality: 6}
	whole := deltatest.Vector{Storage: "p", Path: "s3a://other/v%201.bin", Offset: &offset, Size: 40, Cardinality: 6}
	added := func(path string, vector *deltatest.Vector) string {
		file := row(path, 1)
		file.Vector = vector
		return file.String()
	}
	table, err := open(t, begun(added("p=a%2520b/%E2%82%AC.parquet", &inTable), added("../../up.parquet", &withFolder),
		added("file:///else/c%20d.parquet", &whole), added("s3://bucket/e.parquet",
			&deltatest.Vector{Storage: "i", Path: "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", Size: 44,
				Cardinality: 6})), delta.At{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, file := range table.Files {
		got[file.Place] = fmt.Sprint(file.Vector.Place, " ", file.Vector.Offset, " ", file.Vector.Length)
		if file.Vector.Inline != nil {
			var rows []int64
			err := lake.ReadVector(t.Context(), "", lake.File{Rows: 30, Vector: file.Vector}, func(row int64) error {
				rows = append(rows, row)
				return nil
			})
			got[file.Place] = fmt.Sprint(rows, err)
		}
	}
	want := map[string]string{
		root + "/p=a%20b/€.parquet": root + "/deletion_vector_30313233-3435-3637-3839-616263646566.bin 0 48",
		root + "/up.parquet":        root + "/ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin 4 48",
		"/else/c d.parquet":         "s3://other/v 1.bin 4 48",
		"s3://bucket/e.parquet":     "[3 4 7 11 18 29] <nil>",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValuesOfPartitionsAreTheOnesThatTheLogSpells(t *testing.T) {
	type value struct{ column, text, want string }
	null := "null"
	for _, v := range []value{
		{"string", "a b", "a b"}, {"string", "", null}, {"string", "a\x00", ""},
		{"integer", "-7", "-7"}, {"integer", "2147483648", ""}, {"long", "1.5", ""}, {"byte", "", null},
		{"float", "0.1", "0.1"}, {"double", "-Infinity", "-Infinity"}, {"double", "1E300", "1e+300"}, {"double", "0x1p3", ""},
		{"boolean", "TRUE", "true"}, {"boolean", "1", ""}, {"date", "2024-02-29", "2024-02-29"}, {"date", "2023-02-29", ""},
		{"timestamp", "2024-01-01 00:00:00.5", "2024-01-01T00:00:00.5Z"},
		{"timestamp", "2024-01-01T01:00:00+01:00", "2024-01-01T00:00:00Z"}, {"timestamp", "2024-01-01 00:00:00.0000001", ""},
		{"timestamp_ntz", "2024-01-01 10:11:12", "2024-01-01 10:11:12"}, {"timestamp_ntz", "2024-01-01T00:00:00Z", ""},
		{"decimal(5,2)", "0E-18", "0.00"}, {"decimal(5,2)", "-1.5", "-1.50"}, {"decimal(5,2)", "1.234", ""},
		{"decimal(5,2)", "1000", ""}, {"decimal(38,0)", "1e37", "1" + strings.Repeat("0", 37)}, {"decimal(5,2)", "1e99", ""},
	} {
		log := deltatest.Log{}
		file := row("a", 1)
		file.PartitionValues = map[string]*string{"p": &v.text}
		log.Commit(0, deltatest.Protocol(), deltatest.Metadata(
			fmt.Sprintf(`[{"name":"p","type":%q,"nullable":true,"metadata":{}}]`, v.column), []string{"p"}, nil), file.String())
		table, err := open(t, log, delta.At{})
		switch {
		case v.want == "":
			if err == nil || !strings.Contains(err.Error(), `for column "p" of the partition of "a"`) {
				t.Errorf("%s %q: got error %v", v.column, v.text, err)
			}
			continue
		case err != nil:
			t.Errorf("%s %q: %v", v.column, v.text, err)
			continue
		}
		got := null
		if text := table.Files[0].Constants["p"]; text != nil {
			got = *text
		}
		if got != v.want || !table.Columns[0].Constant {
			t.Errorf("%s %q: got %q, want %q", v.column, v.text, got, v.want)
		}
	}
}

func TestColumnsOfDeltaThatCannotBeReadSayWhy(t *testing.T) {
	log := deltatest.Log{}
	field := func(name, kind, metadata string) string {
		return fmt.Sprintf(`{"name":%q,"type":%s,"nullable":true,"metadata":{%s}}`, name, kind, metadata)
	}
	empty := ""
	file := row("a", 1)
	file.PartitionValues = map[string]*string{"bytes": &empty, "wider": &empty}
	log.Commit(0, deltatest.Protocol(), deltatest.Metadata("["+strings.Join([]string{
		field("a", `"string"`, ""), field("b", `{"type":"array","elementType":"integer","containsNull":true}`, ""),
		field("c", `{"type":"array","elementType":{"type":"array","elementType":"long"}}`, ""),
		field("d", `{"type":"map","keyType":"string","valueType":"string"}`, ""), field("e", `"interval"`, ""),
		field("f", `"decimal(39,1)"`, ""), field("A", `"string"`, ""), field("bytes", `"binary"`, ""),
		field("wider", `"long"`, `"delta.typeChanges":[{"fromType":"integer","toType":"long"}]`)}, ",")+"]",
		[]string{"bytes", "wider"}, nil), file.String())
	table, err := open(t, log, delta.At{})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{"a": "but for case", "A": "but for case", "c": `"array"`, "d": `"map"`, "e": `"interval"`,
		"f": "decimal(39,1)", "bytes": "partitioned, is of type", "wider": "has changed its type"}
	for _, column := range table.Columns {
		want, ok := refused[column.Name]
		if (column.Refused != "") != ok || !strings.Contains(column.Refused, want) {
			t.Errorf("column %s: refused %q, want %q", column.Name, column.Refused, want)
		}
	}
}

func TestWhatIsNotReadOfADeltaTableIsRefusedByItsName(t *testing.T) {
	one := row("a", 1)
	with := func(change func(*deltatest.Add)) deltatest.Log {
		file := one
		change(&file)
		return begun(file.String())
	}
	vector := func(v deltatest.Vector) deltatest.Log {
		return with(func(a *deltatest.Add) { a.Vector = &v })
	}
	speaking := func(protocol string, configuration map[string]string) deltatest.Log {
		log := deltatest.Log{}
		log.Commit(0, protocol, deltatest.Metadata(fields, nil, configuration), one.String())
		return log
	}
	gap, damaged := grown(), grown()
	delete(gap, "00000000000000000002.json")
	damaged["00000000000000000003.checkpoint.parquet"] = []byte("PAR1 no PAR1")
	partitioned := deltatest.Log{}
	partitioned.Commit(0, deltatest.Protocol(), deltatest.Metadata(fields, []string{"p"}, nil), one.String())
	for name, c := range map[string]struct {
		log  deltatest.Log
		want string
	}{
		"no log":           {deltatest.Log{"a.json": nil}, "is not the folder of a Delta table"},
		"a newer protocol": {speaking(`{"protocol":{"minReaderVersion":4}}`, nil), "has version 4 of Delta's protocol"},
		"an unknown feature": {speaking(deltatest.Protocol("deletionVectors", "variantType"), nil),
			`has the Delta feature "variantType"`},
		"another mapping": {speaking(deltatest.Protocol("columnMapping"), map[string]string{
			"delta.columnMapping.mode": "guess"}), `maps columns by "guess"`},
		"a mapping without ids": {speaking(deltatest.Protocol("columnMapping"), map[string]string{
			"delta.columnMapping.mode": "id"}), "without a name or an id in files"},
		"a commit that is missing":  {gap, "lacks 00000000000000000002.json"},
		"a damaged checkpoint":      {damaged, "_delta_log/00000000000000000003.checkpoint.parquet: it is damaged"},
		"no protocol":               {deltatest.Log{"00000000000000000000.json": []byte(one.String())}, "no protocol"},
		"no files":                  {begun(), "has no files at version 0"},
		"a damaged commit":          {deltatest.Log{"00000000000000000000.json": []byte(`{"add`)}, "is damaged"},
		"a path without encoding":   {with(func(a *deltatest.Add) { a.Path = "%zz" }), "not encoded as one is"},
		"a size below zero":         {with(func(a *deltatest.Add) { a.Size = -1 }), "-1 bytes"},
		"damaged statistics":        {with(func(a *deltatest.Add) { a.Stats = "{" }), "statistics of"},
		"a vector elsewhere":        {vector(deltatest.Vector{Storage: "x", Path: "y"}), `not known: "x"`},
		"a vector of another text":  {vector(deltatest.Vector{Storage: "i", Path: "~~~~~", Size: 4}), "not encoded as"},
		"a vector without a name":   {vector(deltatest.Vector{Storage: "u", Path: "short", Size: 4}), "not named as one is"},
		"a vector that is too long": {vector(deltatest.Vector{Storage: "i", Path: "00000", Size: 5}), "not encoded as"},
		"no value of a partition":   {partitioned, `lacks the value of "p"`},
	} {
		at := delta.At{}
		if name == "a commit that is missing" {
			at = version(1)
			if _, err := open(t, c.log, at); err != nil {
				t.Errorf("before the gap: %v", err)
			}
			at = delta.At{}
		}
		if _, err := open(t, c.log, at); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, c.want)
		}
	}
}

func TestDamagedLogsAreErrorsAndTakeLittle(t *testing.T) {
	file := row("b", 20)
	file.Vector = deltatest.Inline(icebergtest.Array(3, 7), 2)
	limit := hostiletest.Limit{Allocated: 64 << 20, Time: time.Minute}
	checkpoint := deltatest.Checkpoint(t, deltatest.Protocol("deletionVectors"), deltatest.Metadata(fields, nil,
		map[string]string{"x": "y"}), file.String(), row("a", 10).String())
	for name, good := range map[string][]byte{
		"00000000000000000000.checkpoint.parquet": checkpoint,
		"00000000000000000000.json": []byte(strings.Join([]string{deltatest.Protocol("deletionVectors"),
			deltatest.Metadata(fields, nil, nil), file.String()}, "\n")),
	} {
		for n := range 300 {
			damaged := hostiletest.Mutation(good, n)
			limit.Within(t, damaged, func(context.Context) {
				table, err := open(t, deltatest.Log{name: damaged}, delta.At{})
				if err == nil && len(table.Files) == 0 {
					t.Errorf("%s, damage %d: a table without files", name, n)
				}
			})
		}
	}
}
