package storetest

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/decimal256"
	"github.com/apache/arrow-go/v18/parquet"

	"github.com/plumbstore/plumb/feature"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// fileTests check an engine with files that other tools write, and check which files a path refers to.
var fileTests = []sourceTest{
	{"R3 a dotted event time beside a nested one", dottedEventTime},
	{"columns named like those of engines are read", placeColumns},
	{"columns that differ in case are no matter where they are not used", columnsOfOneName},
	{"patterns leave out hidden files as folders do", hiddenFiles},
	{"a folder is read whatever the case of endings", otherEndings},
	{"a pattern takes folders that are named like files", foldersLikeFiles},
	{"R1 the least nanosecond is an instant", leastNanosecond},
}

// growing has three files of one key, a day each.
const growing = `
view v (k STRING): x FLOAT64
load v
  k    event                 x
  "a"  2024-01-01T00:00:00Z  0
load v
  k    event                 x
  "a"  2024-01-02T00:00:00Z  1
load v
  k    event                 x
  "a"  2024-01-03T00:00:00Z  2
join v
  k    event_timestamp      | x
  "a"  2024-02-01T00:00:00Z | 2
  "a"  2024-01-02T12:00:00Z | 1
newest v (-, 2024-02-01T00:00:00Z]
  k    event                 x
  "a"  2024-01-03T00:00:00Z  2
`

// late is after all rows of growing.
var late = feature.InstantOf(time.Date(2024, 1, 20, 0, 0, 0, 0, time.UTC))

// structure is a value of a STRUCT column: those of its fields in order.
type structure []any

// dottedEventTime has the event times in a column "ts.utc", beside a struct of that path and another time.
func dottedEventTime(t *testing.T, suite Offline) {
	for name, nested := range map[string]Column{
		"struct": {Form: arrow.StructOf(arrow.Field{Name: "utc", Type: arrow.FixedWidthTypes.Timestamp_us}),
			Values: []any{structure{late}}},
		"list": {Form: arrow.ListOf(arrow.FixedWidthTypes.Timestamp_us),
			Values: []any{[]any{late}}},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			c := caseOf(t, folder, growing)
			nested.Name = "ts"
			dotted := map[string]string{"struct": "ts.utc", "list": "ts.list.element"}[name]
			c.World.Definitions.Sources[0].EventTimestamp = dotted
			for i := range c.World.Files {
				columns := c.World.Files[i].Columns
				for at := range columns {
					if columns[at].Name == "event" {
						columns[at].Name = dotted
					}
				}
				c.World.Files[i].Columns = append([]Column{nested}, columns...)
			}
			rewrite(t, c)
			holdAll(t, suite.Start(t, folder, 2), c)
		})
	}
}

// placeColumns has columns that hide those with which DuckDB says where a row is, as features and besides.
func placeColumns(t *testing.T, suite Offline) {
	for _, name := range []string{"filename", "file_row_number", "file_index", "FileName"} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			c := caseOf(t, folder, placeText)
			c.World.Definitions.FeatureViews[0].Features[1].Column = name
			for i := range c.World.Files {
				c.World.Files[i].Columns[3].Name = name
			}
			rewrite(t, c)
			holdAll(t, suite.Start(t, folder, 2), c)
		})
	}
}

const placeText = `
view v (k STRING): x FLOAT64, q INT64
load v
  k    event  x  q
  "a"  06:00  1  10
  "a"  06:00  2  20
  "b"  07:00  3  30
load v
  k    event  x  q
  "b"  07:00  4  40
  null 07:00  4  40
join v
  k    event_timestamp | x  q
  "a"  07:00           | 2  20
  "b"  07:00           | 4  40
newest v (-, 08:00]
  k    event  x  q
  "a"  06:00  2  20
  "b"  07:00  4  40
`

func columnsOfOneName(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, growing)
	for i := range c.World.Files {
		c.World.Files[i].Columns = append(c.World.Files[i].Columns, textColumn("note", "n"), textColumn("Note", "N"))
	}
	rewrite(t, c)
	holdAll(t, suite.Start(t, folder, 2), c)
}

// hiddenFiles has files that are not finished, with later rows.
func hiddenFiles(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, growing)
	for i, name := range []string{"_temporary/0/task_1/part-1.parquet", ".part-2.parquet", "day=1/_part.parquet"} {
		file := c.World.Files[i]
		file.Path = filepath.Join(folder, c.prefix, "v", name)
		file.Columns = []Column{textColumn("k", "a"), {Name: "event", Form: arrow.FixedWidthTypes.Timestamp_us,
			Values: []any{late}}, {Name: "x", Form: arrow.PrimitiveTypes.Float64,
			Values: []any{99.0}}}
		if err := file.Write(); err != nil {
			t.Fatal(err)
		}
	}
	writeText(t, filepath.Join(folder, c.prefix, "v", "._0.parquet"), "what macOS leaves on other file systems")
	for _, pattern := range []string{"v/**/*.parquet", "v/**", "v/*.parquet", "*/{0,1,2,_part,.part-2}.parquet", "v"} {
		c.pathOf().Path = path.Join(c.prefix, pattern)
		holdAll(t, engine, c)
	}
}

func otherEndings(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, growing)
	for i, name := range []string{"a.parquet", "b.PARQUET", "c.parq"} {
		from := filepath.Join(folder, c.World.Files[i].Path)
		c.World.Files[i].Path = path.Join(path.Dir(c.World.Files[i].Path), name)
		c.World.Files[i].unwritten = true
		if err := os.Rename(from, filepath.Join(folder, c.World.Files[i].Path)); err != nil {
			t.Fatal(err)
		}
		c.World.Histories["v"].Rows[i].File = c.World.Files[i].Path
	}
	c.pathOf().Path = path.Join(c.prefix, "v")
	holdAll(t, suite.Start(t, folder, 2), c)
}

// foldersLikeFiles has each file in a folder, as Spark writes them.
func foldersLikeFiles(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, growing)
	for i := range c.World.Files {
		from := c.World.Files[i].Path
		c.World.Files[i].Path = path.Join(strings.TrimSuffix(from, ".parquet")+".x.parquet", "part-00000.parquet")
		remove(t, filepath.Join(folder, from))
		c.World.Histories["v"].Rows[i].File = c.World.Files[i].Path
	}
	rewrite(t, c)
	writeText(t, filepath.Join(folder, path.Dir(c.World.Files[0].Path), "_SUCCESS"), "")
	holdAll(t, suite.Start(t, folder, 2), c)
}

func leastNanosecond(t *testing.T, suite Offline) {
	folder := t.TempDir()
	c := caseOf(t, folder, `
view v (k STRING): x FLOAT64
load v
  k    event:TIMESTAMP_NS             x
  "a"  1677-09-21T00:12:43.145224192Z 1
  "b"  2024-01-01T00:00:00Z           2
join v
  k    event_timestamp                | x
  "a"  1677-09-21T00:12:43.145224Z    | 1
  "a"  1677-09-21T00:12:43.145223Z    | NOT_FOUND
  "b"  2024-02-01T00:00:00Z           | 2
`)
	holdAll(t, suite.Start(t, folder, 2), c)
}

const deltaLog = "_delta_log/00000000000000000000.json"

// fileRefusals are files that cannot be read right. Engines tell of them before they read a row.
var fileRefusals = []refusedFiles{
	{"a feature of more than 38 digits", growing, wideDecimals("x"), []string{`"x"`, "0.parquet", "39 digits", "38"}, ""},
	{"a join key of more than 38 digits", growing, wideDecimals("k"), []string{`"k"`, "0.parquet", "39 digits"}, ""},
	{"an event time of more than 38 digits", growing, wideDecimals("event"), []string{`"event"`, "0.parquet",
		"39 digits"}, ""},
	{"a decimal of more than 38 digits in one file of many", growing, func(c *Case) {
		wide := c.World.Files[2].column("x")
		wide.Form, wide.Values = &arrow.Decimal256Type{Precision: 76}, []any{decimal256.FromI64(2)}
	}, []string{`"x"`, "2.parquet", "76 digits"}, ""},
	{"integers in BYTE_STREAM_SPLIT", growing, func(c *Case) {
		split := c.World.Files[1].column("event")
		split.Encoding = parquet.Encodings.ByteStreamSplit
	}, []string{`"event"`, "1.parquet", "BYTE_STREAM_SPLIT", "INT64"}, ""},
	{"two columns of one name that are used", growing, func(c *Case) {
		c.World.Files[1].Columns = append(c.World.Files[1].Columns, textColumn("X", "x"))
	}, []string{`"x"`, `"X"`, "1.parquet"}, ""},
	{"an encrypted column", growing, encrypted(1, parquet.WithPlaintextFooter(), parquet.WithEncryptedColumns(
		parquet.ColumnPathToEncryptionPropsMap{"x": parquet.NewColumnEncryptionProperties("x", parquet.WithKey(key))})),
		[]string{`"x"`, "1.parquet", "encrypted"}, ""},
	{"an encrypted file", growing, encrypted(2), []string{"2.parquet", "encrypted"}, ""},
	{"milliseconds beyond microseconds", growing, func(c *Case) {
		far := c.World.Files[0].column("event")
		far.Form, far.Values = &arrow.TimestampType{Unit: arrow.Millisecond}, []any{nanoseconds(1e16)}
	}, []string{`"event"`, "row 1", "0.parquet", "10000000000000000"}, ""},
	{"a Delta table", growing, nil, []string{"Delta", "_delta_log"}, deltaLog},
	{"a Hudi table", growing, nil, []string{"Hudi", ".hoodie"}, ".hoodie/hoodie.properties"},
	{"an Iceberg table", growing, nil, []string{"Iceberg", "v1.metadata.json"}, "metadata/v1.metadata.json"},
	{"the files of a lake table in a folder above it", growing, func(c *Case) {
		c.pathOf().Path = c.prefix
	}, []string{"Delta"}, deltaLog},
	{"the files of a lake table by a pattern", growing, func(c *Case) {
		c.pathOf().Path = c.prefix + "/v/[0-9].parquet"
	}, []string{"Delta"}, deltaLog},
	{"a partition of a lake table", growing, func(c *Case) {
		inFolders("day=1/0", "day=1/1", "day=1/2")(c)
		c.pathOf().Path = c.prefix + "/parts/day=1"
	}, []string{"Delta"}, "../parts/" + deltaLog},
	{"a partition beyond floating point", growing, func(c *Case) {
		inFolders("y=1/0", "y=1/1", "y=1e400/2")(c)
		c.World.Definitions.FeatureViews[0].Features[0].Column = "y"
	}, []string{`"y"`, "1e400"}, ""},
}

const key = "0123456789012345"

// encrypted encrypts one of the files.
func encrypted(file int, options ...parquet.EncryptOption) func(c *Case) {
	return func(c *Case) {
		c.World.Files[file].Encryption = parquet.NewFileEncryptionProperties(key, options...)
	}
}

// wideDecimals makes a column of every file a decimal of 39 digits.
func wideDecimals(name string) func(c *Case) {
	return func(c *Case) {
		for i := range c.World.Files {
			column := c.World.Files[i].column(name)
			column.Form = &arrow.Decimal256Type{Precision: 39, Scale: 2}
			column.Values = []any{decimal256.FromI64(150)}
		}
	}
}

// UnreadableColumns checks that an engine reports for validation which columns cannot be read, and that it reads the
// others: for views, and for queries that do not use the unreadable ones.
func (s Offline) UnreadableColumns(t *testing.T) {
	folder := t.TempDir()
	engine := s.Start(t, folder, 2)
	c := caseOf(t, folder, growing)
	for i := range c.World.Files {
		c.World.Files[i].Columns = append(c.World.Files[i].Columns, Column{Name: "wide",
			Form: &arrow.Decimal256Type{Precision: 39}, Values: []any{decimal256.FromI64(7)}})
	}
	rewrite(t, c)
	holdAll(t, engine, c)
	source := parquetSource(t, c.pathOf().GetPath())
	columns, err := engine.Columns(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range columns {
		for _, declared := range []plumbv1.Type{plumbv1.Type_FLOAT64, plumbv1.Type_INT64} {
			err := engine.CanBecome(column, declared, declared == plumbv1.Type_INT64)
			if column.Name == "wide" && (err == nil || !strings.Contains(err.Error(), "39 digits")) {
				t.Errorf("column wide may become %s: %v", declared, err)
			}
		}
	}
	for query, words := range map[string][]string{
		"SELECT k, event, x FROM files":                           nil,
		"SELECT * EXCLUDE (wide) FROM files":                      nil,
		"SELECT k, event, wide AS x FROM files":                   {"wide", "39 digits", "0.parquet"},
		"SELECT k, event, x FROM files WHERE wide > 1":            {"wide", "39 digits", "0.parquet"},
		"SELECT k, event, sum(wide) AS x FROM files GROUP BY ALL": {"wide", "39 digits", "0.parquet"},
	} {
		q := sqlSource("q", query)
		q.EventTimestamp = "event"
		files := c.World.Definitions.Sources[0]
		world := World{Definitions: &plumbv1.Definitions{Sources: []*plumbv1.Source{q,
			{Name: "files", Kind: files.GetKind(), EventTimestamp: "event"}}}}
		snapshot, err := world.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		source, err := snapshot.Source("q")
		if err != nil {
			t.Fatal(err)
		}
		if _, err = engine.Columns(t.Context(), source); words != nil {
			err = refused(err, words...)
		}
		if err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}
