package iceberg_test

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/internal/hostiletest"
	"github.com/plumbstore/plumb/source/iceberg"
	"github.com/plumbstore/plumb/source/iceberg/icebergtest"
	"github.com/plumbstore/plumb/source/lake"
)

func read(_ context.Context, place string, limit int64) ([]byte, error) {
	opened, err := os.Open(place)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	return io.ReadAll(io.LimitReader(opened, limit))
}

const fields = `[{"id": 1, "name": "k", "required": true, "type": "long"}, {"id": 2, "name": "x", "type": "int"}]`

// row is the entry of a data file.
func row(path string) icebergtest.Entry {
	return icebergtest.Entry{Status: 1, Path: path, Format: "PARQUET", Rows: 10, Size: 100}
}

func open(t *testing.T, table icebergtest.Table, at iceberg.At) (*lake.Table, error) {
	t.Helper()
	if table.Fields == "" {
		table.Fields = fields
	}
	path, err := icebergtest.Write(t.TempDir(), table)
	if err != nil {
		t.Fatal(err)
	}
	return iceberg.Open(t.Context(), read, path, at)
}

func TestR3_FilesAreInTheOrderOfTheSnapshotsThatAddedThemAndThenOfTheirPaths(t *testing.T) {
	older := int64(1)
	kept := row("/t/z.parquet")
	kept.Status, kept.Sequence = 0, &older
	table, err := open(t, icebergtest.Table{Manifests: []icebergtest.Manifest{
		{Sequence: 3, Entries: []icebergtest.Entry{row("/t/b.parquet"), row("/t/B.parquet")}},
		{Sequence: 2, Entries: []icebergtest.Entry{row("/t/c.parquet"), {Status: 2, Path: "/t/gone.parquet"}}},
		{Sequence: 1, Entries: []icebergtest.Entry{kept}},
	}}, iceberg.At{})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, file := range table.Files {
		paths = append(paths, file.Path)
	}
	if diff := cmp.Diff([]string{"/t/z.parquet", "/t/c.parquet", "/t/B.parquet", "/t/b.parquet"}, paths); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADeletionVectorCountsForRowsThatWereThereBefore(t *testing.T) {
	vector := func(sequence int64) bool {
		data, offset, length := "/t/a.parquet", int64(4), int64(20)
		deletes := icebergtest.Entry{Status: 1, Content: 1, Path: "/t/v.puffin", Format: "PUFFIN", Rows: 1, Size: 40,
			Referenced: &data, Offset: &offset, Length: &length}
		table, err := open(t, icebergtest.Table{Manifests: []icebergtest.Manifest{
			{Sequence: 5, Entries: []icebergtest.Entry{row("/t/a.parquet")}},
			{Sequence: sequence, Entries: []icebergtest.Entry{deletes}},
		}}, iceberg.At{})
		if err != nil {
			t.Fatal(err)
		}
		return table.Files[0].Vector != nil
	}
	if vector(4) || !vector(5) || !vector(6) {
		t.Error("a vector counts for rows that were added later, or not for those before it")
	}
}

func TestWhatIsNotReadOfATableIsRefusedByItsName(t *testing.T) {
	one := []icebergtest.Manifest{{Sequence: 1, Entries: []icebergtest.Entry{row("/t/a.parquet")}}}
	with := func(entry icebergtest.Entry) icebergtest.Table {
		return icebergtest.Table{Manifests: []icebergtest.Manifest{{Sequence: 1,
			Entries: []icebergtest.Entry{row("/t/a.parquet"), entry}}}}
	}
	set := func(key string, value any) icebergtest.Table {
		return icebergtest.Table{Manifests: one, Change: func(m map[string]any) { m[key] = value }}
	}
	path := "/t/a.parquet"
	for _, c := range []struct {
		name, want string
		table      icebergtest.Table
		at         iceberg.At
	}{
		{"equality deletes", "has equality deletes", with(icebergtest.Entry{Status: 1, Content: 2, Path: "/t/e.parquet"}),
			iceberg.At{}},
		{"a data file in ORC", `of the format "ORC"`, with(icebergtest.Entry{Status: 1, Path: "/t/o.orc", Format: "ORC"}),
			iceberg.At{}},
		{"deletes in Avro", `in the format "AVRO"`, with(icebergtest.Entry{Status: 1, Content: 1, Path: "/t/d.avro",
			Format: "AVRO"}), iceberg.At{}},
		{"another content", "content 3", with(icebergtest.Entry{Status: 1, Content: 3, Path: "/t/e"}), iceberg.At{}},
		{"another status", "status 7", with(icebergtest.Entry{Status: 7, Path: "/t/e"}), iceberg.At{}},
		{"a count below zero", "-1 rows", with(icebergtest.Entry{Status: 1, Path: "/t/e", Format: "PARQUET", Rows: -1}),
			iceberg.At{}},
		{"a file twice", "twice", with(row("/t/a.parquet")), iceberg.At{}},
		{"a vector without a place", "no data file, offset or length", with(icebergtest.Entry{Status: 1, Content: 1,
			Path: "/t/v.puffin", Format: "PUFFIN", Referenced: &path}), iceberg.At{}},
		{"a newer format", "its format-version is 4", set("format-version", 4), iceberg.At{}},
		{"no format", "is not the metadata of an Iceberg table", set("format-version", 0), iceberg.At{}},
		{"no snapshot", "has no snapshot yet", set("current-snapshot-id", -1), iceberg.At{}},
		{"no schema", "lacks the schema", set("current-schema-id", 3), iceberg.At{}},
		{"no files", "has no files", icebergtest.Table{}, iceberg.At{}},
		{"a snapshot that is gone", "has no snapshot 7 any more; it has 42", icebergtest.Table{Manifests: one},
			iceberg.At{Snapshot: 7}},
		{"no such tag", `has no tag or branch "june"; it has none`, icebergtest.Table{Manifests: one},
			iceberg.At{Tag: "june"}},
		{"two columns with one id", "two with the id 1", icebergtest.Table{Manifests: one,
			Fields: `[{"id": 1, "name": "a", "type": "int"}, {"id": 1, "name": "b", "type": "int"}]`}, iceberg.At{}},
	} {
		if _, err := open(t, c.table, c.at); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestASnapshotIsChosenByTheInstantAtWhichItWasCurrent(t *testing.T) {
	table := icebergtest.Table{
		Manifests: []icebergtest.Manifest{{Sequence: 1, Entries: []icebergtest.Entry{row("/t/a.parquet")}}},
		Change: func(m map[string]any) {
			m["current-snapshot-id"] = 99
			m["refs"] = map[string]any{"june": map[string]any{"snapshot-id": icebergtest.Snapshot, "type": "tag"}}
			m["snapshot-log"] = []any{
				map[string]any{"timestamp-ms": -5, "snapshot-id": 7},
				map[string]any{"timestamp-ms": 1000, "snapshot-id": icebergtest.Snapshot},
				map[string]any{"timestamp-ms": 2000, "snapshot-id": 99}}
		},
	}
	instant := func(micros int64) iceberg.At { return iceberg.At{AsOf: &micros} }
	for _, at := range []iceberg.At{instant(1_000_000), instant(1_999_999), {Tag: "june"}} {
		if opened, err := open(t, table, at); err != nil || opened.Version != icebergtest.Snapshot {
			t.Errorf("%+v: got %+v, error %v", at, opened, err)
		}
	}
	for micros, want := range map[int64]string{2_000_000: "no snapshot 99", 999_999: "no snapshot 7",
		-5000: "no snapshot 7", -5001: "no snapshot of as_of"} {
		if _, err := open(t, table, instant(micros)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("at %d: got error %v, want one with %q", micros, err, want)
		}
	}
}

func TestColumnsThatCannotBeReadSayWhy(t *testing.T) {
	table, err := open(t, icebergtest.Table{
		Manifests: []icebergtest.Manifest{{Sequence: 1, Entries: []icebergtest.Entry{row("/t/a.parquet")}}},
		Fields: `[{"id": 1, "name": "a", "type": {"type": "struct", "fields": []}}, {"id": 2, "name": "b", "type": "variant"},
  {"id": 3, "name": "c", "type": "int", "initial-default": 7}, {"id": 4, "name": "D", "type": "int"},
  {"id": 5, "name": "d", "type": "int"}, {"id": 6, "name": "e", "type": "decimal(9, 2)"},
  {"id": 7, "name": "f", "type": {"type": "list", "element-id": 8, "element": "string"}},
  {"id": 9, "name": "g", "type": "decimal(90, 2)"}, {"id": 10, "name": "h", "type": "fixed[16]"},
  {"id": 11, "name": "i", "type": {"type": "list", "element-id": 12, "element": {"type": "struct", "fields": []}}}]`,
	}, iceberg.At{})
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]string{"a": "struct", "b": "variant", "c": "initial default", "D": "but for case",
		"d": "but for case", "g": "decimal(90, 2)", "i": "list"}
	for _, column := range table.Columns {
		want, ok := refused[column.Name]
		if (column.Refused != "") != ok || !strings.Contains(column.Refused, want) {
			t.Errorf("column %s: refused %q, want %q", column.Name, column.Refused, want)
		}
	}
}

func TestDamagedMetadataAreErrorsAndTakeLittle(t *testing.T) {
	folder := t.TempDir()
	path, err := icebergtest.Write(folder, icebergtest.Table{Fields: fields, Manifests: []icebergtest.Manifest{{
		Sequence: 1, Entries: []icebergtest.Entry{row("/t/a.parquet"), row("/t/b.parquet")}}}})
	if err != nil {
		t.Fatal(err)
	}
	limit := hostiletest.Limit{Allocated: 32 << 20, Time: time.Minute}
	for _, name := range []string{"v1.metadata.json", "snap.avro", "m0.avro"} {
		file := filepath.Join(folder, "metadata", name)
		good, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 200 {
			damaged := hostiletest.Mutation(good, n)
			if err := os.WriteFile(file, damaged, 0o600); err != nil {
				t.Fatal(err)
			}
			limit.Within(t, damaged, func(ctx context.Context) {
				table, err := iceberg.Open(ctx, read, path, iceberg.At{})
				if err == nil && len(table.Files) == 0 {
					t.Errorf("%s, damage %d: a table without files", name, n)
				}
			})
		}
		if err := os.WriteFile(file, good, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestATableThatWasMovedIsReadWhereItIs(t *testing.T) {
	folder := t.TempDir()
	path, err := icebergtest.Write(folder, icebergtest.Table{Fields: fields, Manifests: []icebergtest.Manifest{{
		Sequence: 1, Entries: []icebergtest.Entry{row("s3://lake/t/data/a.parquet"), row("s3://lake/t/../../etc/b.parquet"),
			row("s3://other/c.parquet"), row("file:///elsewhere/d%20.parquet")}}}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var metadata map[string]any
	if err := json.Unmarshal(text, &metadata); err != nil {
		t.Fatal(err)
	}
	metadata["location"] = "s3://lake/t"
	if text, err = json.Marshal(metadata); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	table, err := iceberg.Open(t.Context(), read, path, iceberg.At{})
	if err != nil {
		t.Fatal(err)
	}
	var places []string
	for _, file := range table.Files {
		places = append(places, file.Place)
	}
	want := []string{"/elsewhere/d%20.parquet", filepath.Join(folder, "etc/b.parquet"),
		filepath.Join(folder, "data/a.parquet"), "s3://other/c.parquet"}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
