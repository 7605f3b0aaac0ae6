package storetest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/parquet/compress"
)

// Sources checks that an engine reads files as they are found: of other times, other writers and other layouts.
func (s Offline) Sources(t *testing.T) {
	for _, test := range slices.Concat(sourceTests, fileTests) {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
	for _, refusal := range slices.Concat(grownRefusals, fileRefusals) {
		t.Run(refusal.name, func(t *testing.T) {
			folder := t.TempDir()
			engine := s.Start(t, folder, 2)
			c := caseOf(t, folder, refusal.text)
			if refusal.change != nil {
				for _, file := range c.World.Files {
					remove(t, filepath.Join(folder, file.Path))
				}
				refusal.change(c)
				rewrite(t, c)
			}
			if refusal.mark != "" {
				mark := filepath.Join(folder, c.prefix, "v", refusal.mark)
				if err := os.MkdirAll(filepath.Dir(mark), 0o755); err != nil {
					t.Fatal(err)
				}
				writeText(t, mark, "{}")
			}
			join := c.Joins[0]
			join.Fails = refusal.says
			if err := c.holdJoin(t.Context(), engine, join); err != nil {
				t.Error(err)
			}
		})
	}
}

type sourceTest struct {
	name string
	run  func(t *testing.T, suite Offline)
}

var sourceTests = []sourceTest{
	{"R7 a file without a column has nulls there", grown(olderFiles)},
	{"R9 narrower numbers are widened exactly", grown(widenedNumbers)},
	{"R9 whole numbers beside floating point are exact or refused", grown(wholesAndFloats)},
	{"R1 times of every unit are instants", grown(mixedTimes)},
	{"R9 keys of every width are one key", grown(widenedKeys)},
	{"R3 a file without created times has none", grown(lateCreated)},
	{"R10 the case of a column's name may differ between files", columnsByCase},
	{"queries read grown files as joins do", grownQueries},
	{"every codec and page version is read", codecs},
	{"large and dictionary types are read", largeTypes},
	{"files without rows or statistics are read", emptyFiles},
	{"R3 hundreds of files keep their order", manyFiles},
	{"nested partitions are columns", nestedPartitions},
}

// grown runs a case of files that were written at different times.
func grown(text string) func(t *testing.T, suite Offline) {
	return func(t *testing.T, suite Offline) {
		folder := t.TempDir()
		engine := suite.Start(t, folder, 2)
		holdAll(t, engine, caseOf(t, folder, text))
	}
}

const olderFiles = `
view weather (airport STRING) ttl 3h: temp FLOAT64, gust FLOAT64, tags STRING_ARRAY
load weather
  airport  event  temp
  "EWR"    06:00  39.02
  "LGA"    07:00  5
load weather
  event  tags:NULL  gust  airport  temp:NULL
  07:00  null       11.5  "EWR"    null
load weather
  airport  event  temp  tags
  "JFK"    06:30  41    ["a" null]
join weather
  airport  event_timestamp | temp   gust  tags
  "EWR"    06:59           | 39.02  null  null
  "EWR"    07:59           | null   11.5  null
  "JFK"    07:00           | 41     null  ["a" null]
newest weather (-, 08:00]
  airport  event  temp  gust  tags
  "EWR"    07:00  null  11.5  null
  "JFK"    06:30  41    null  ["a" null]
  "LGA"    07:00  5     null  null
`

const widenedNumbers = `
view v (k STRING): a INT64, b INT64, c FLOAT64, d INT64, e INT64_ARRAY
load v
  k    event  a:INT32_STORED  b:UINT32     c:FLOAT32_STORED  d:DECIMAL(12,2)  e
  "x"  06:00  -7              4294967295   0.5               12               [1 null]
load v
  k    event  a                     b:INT8  c                    d:INT64_STORED        e
  "y"  06:00  9007199254740993      -1      0.1                  9007199254740993      [9007199254740993]
load v
  k    event  a:UINT64              b:INT16 c:INT32_STORED       d:DECIMAL(18,0)       e
  "z"  06:00  9223372036854775807   3       16777217             3                     []
join v
  k    event_timestamp | a                    b           c         d                 e
  "x"  07:00           | -7                   4294967295  0.5       12                [1 null]
  "y"  07:00           | 9007199254740993     -1          0.1       9007199254740993  [9007199254740993]
  "z"  07:00           | 9223372036854775807  3           16777217  3                 []
newest v (-, 08:00]
  k    event  a                    b           c         d                 e
  "x"  06:00  -7                   4294967295  0.5       12                [1 null]
  "y"  06:00  9007199254740993     -1          0.1       9007199254740993  [9007199254740993]
  "z"  06:00  9223372036854775807  3           16777217  3                 []
`

const wholesAndFloats = `
view v (k STRING): a FLOAT64, b INT64
load v
  k    event  a:INT64  b
  "x"  06:00  9007199254740992  7
load v
  k    event  a    b:FLOAT64
  "y"  06:00  0.5  8
join v
  k    event_timestamp | a                 b
  "x"  07:00           | 9007199254740992  7
  "y"  07:00           | 0.5               8
`

const mixedTimes = `
view v (k STRING): seen TIMESTAMP
load v
  k    event:TIMESTAMP_S  seen:DATE
  "x"  1969-12-31T23:59:59Z  1969-12-31T00:00:00Z
load v
  k    event:TIMESTAMP_MS  seen:TIMESTAMP_NAIVE
  "x"  1970-01-01T00:00:00.001Z  1970-01-01T00:00:00.000001Z
load v
  k    event:TIMESTAMP_NS  seen:TIMESTAMP_NS
  "x"  1969-12-31T23:59:58.999999999Z  1969-12-31T23:59:59.999999999Z
load v
  k    event:TIMESTAMP_NS_UTC  seen
  "x"  1970-01-01T00:00:01.000001999Z  1969-12-31T23:59:59.999999Z
load v
  k    event:DATE  seen:TIMESTAMP_MS
  "x"  1970-01-02T00:00:00Z  1970-01-01T00:00:00Z
join v
  k    event_timestamp              | seen                         v__event_timestamp
  "x"  1969-12-31T23:59:58.999998Z  | NOT_FOUND                    null
  "x"  1969-12-31T23:59:58.999999Z  | 1969-12-31T23:59:59.999999Z  1969-12-31T23:59:58.999999Z
  "x"  1969-12-31T23:59:59Z         | 1969-12-31T00:00:00Z         1969-12-31T23:59:59Z
  "x"  1970-01-01T00:00:00.001Z     | 1970-01-01T00:00:00.000001Z  1970-01-01T00:00:00.001Z
  "x"  1970-01-01T12:00:00Z         | 1969-12-31T23:59:59.999999Z  1970-01-01T00:00:01.000001Z
  "x"  1970-01-03T00:00:00Z         | 1970-01-01T00:00:00Z         1970-01-02T00:00:00Z
`

const widenedKeys = `
view v (k INT64): n INT64
load v
  k:INT8  event  n
  -1      06:00  1
load v
  k:UINT64              event  n
  9223372036854775807   06:00  2
  null                  06:00  9
load v
  k:DECIMAL(18,0)  event  n
  -1               06:30  3
join v
  k                    event_timestamp | n
  -1                   06:15           | 1
  -1                   07:00           | 3
  9223372036854775807  07:00           | 2
  null                 07:00           | NOT_FOUND
`

const lateCreated = `
view v (k STRING): n INT64
load v
  k    event  n
  "x"  06:00  1
load v
  k    event  created  n
  "x"  06:00  07:00    2
  "y"  06:00  null     3
load v
  k    event  n
  "x"  06:00  4
  "y"  06:00  5
join v
  k    event_timestamp | n
  "x"  06:30           | 2
  "y"  06:30           | 5
join as_known v
  k    event_timestamp | n
  "x"  06:30           | NOT_FOUND
  "x"  07:30           | 2
`

// columnsByCase has a file that spells its columns in capitals; the first file's spelling counts.
func columnsByCase(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, olderFiles)
	for i := range c.World.Files[2].Columns {
		c.World.Files[2].Columns[i].Name = strings.ToUpper(c.World.Files[2].Columns[i].Name)
	}
	rewrite(t, c)
	holdAll(t, engine, c)
}

// grownQueries reads the same files through a SQL source.
func grownQueries(t *testing.T, suite Offline) {
	for i, text := range []string{olderFiles, widenedNumbers, wholesAndFloats, mixedTimes, widenedKeys} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			folder := t.TempDir()
			c := caseOf(t, folder, text)
			files := c.World.Definitions.Sources[0]
			query := sqlSource(files.Name, "SELECT * FROM files")
			query.EventTimestamp = files.EventTimestamp
			files.Name = "files"
			c.World.Definitions.Sources = append(c.World.Definitions.Sources, query)
			for _, history := range c.World.Histories {
				history.ByValue = true
			}
			holdAll(t, suite.Start(t, folder, 2), c)
		})
	}
}

func codecs(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for _, codec := range []compress.Compression{
		compress.Codecs.Uncompressed, compress.Codecs.Snappy, compress.Codecs.Gzip, compress.Codecs.Zstd,
		compress.Codecs.Brotli, compress.Codecs.Lz4Raw,
	} {
		for _, v2 := range []bool{false, true} {
			c := caseOf(t, folder, widenedNumbers)
			for i := range c.World.Files {
				c.World.Files[i].Compression, c.World.Files[i].PageV2 = codec, v2
			}
			rewrite(t, c)
			if err := c.hold(t.Context(), engine); err != nil {
				t.Errorf("%s, pages of version 2 %t: %v", codec, v2, err)
			}
		}
	}
}

// largeTypes writes text and lists in the types that writers have for large and for repeated ones.
func largeTypes(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, olderFiles)
	dictionary := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: arrow.BinaryTypes.String}
	c.World.Files[0].Columns[0].Form = dictionary
	c.World.Files[1].Columns[3].Form = arrow.BinaryTypes.LargeString
	c.World.Files[2].Columns[3].Form = arrow.LargeListOf(arrow.BinaryTypes.LargeString)
	rewrite(t, c)
	holdAll(t, engine, c)
}

// emptyFiles adds files without rows to one without statistics.
func emptyFiles(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	c.World.Files[0].NoStatistics, c.World.Files[0].RowGroup = true, 1
	empty := c.World.Files[0]
	empty.Path = path.Join(path.Dir(empty.Path), "empty.parquet")
	empty.Columns = nil
	for _, column := range c.World.Files[0].Columns {
		empty.Columns = append(empty.Columns, Column{Name: column.Name, Form: column.Form})
	}
	c.World.Files = append(c.World.Files, empty)
	rewrite(t, c)
	holdAll(t, engine, c)
	only := c.World.Histories["weather"]
	only.Rows = nil
	c.pathOf().Path = empty.Path
	c.Joins[0].Cells = nil
	holdAll(t, engine, c)
}

// manyFiles has a tie in every file; the last file has the winner.
func manyFiles(t *testing.T, suite Offline) {
	const count = 400
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	base, history := c.World.Files[0], c.World.Histories["weather"]
	row := history.Rows[0]
	history.Rows, c.World.Files = nil, nil
	for i := range count {
		file := base
		file.Path = path.Join(path.Dir(base.Path), fmt.Sprintf("%d.parquet", i))
		file.Columns = nil
		value := any(float64(i))
		for _, column := range base.Columns {
			column.Values = column.Values[:1]
			if column.Name == "temp" {
				column.Values = []any{value}
			}
			file.Columns = append(file.Columns, column)
		}
		row.File, row.Features = file.Path, []any{value, nil}
		history.Rows, c.World.Files = append(history.Rows, row), append(c.World.Files, file)
	}
	rewrite(t, c)
	holdAll(t, engine, c)
}

// rewrite writes the files of the case once more, as they now are.
func rewrite(t *testing.T, c *Case) {
	t.Helper()
	if err := c.World.Write(); err != nil {
		t.Fatal(err)
	}
}

// refusedFiles are files of one source that do not go together, made from the text of a case and a change to it.
type refusedFiles struct {
	name, text string
	change     func(c *Case)
	says       []string
	// mark is a file of a lake table's own to write beside those of the view; none if it is empty.
	mark string
}

// twoFiles is a case of two files with one row each, whose columns are to be filled in.
func twoFiles(columns, first, second, firstRow, secondRow string) string {
	return fmt.Sprintf("\nview v (k STRING): %s\nload v\n  %s\n  %s\nload v\n  %s\n  %s\n"+
		"join v\n  k  event_timestamp\n  \"x\"  07:00\n", columns, first, firstRow, second, secondRow)
}

// sameFiles is a case of two files that are alike.
var sameFiles = twoFiles("n INT64", "event n k", "event n k", `06:00 1 "x"`, `06:00 2 "x"`)

var grownRefusals = []refusedFiles{
	{"a number that became text", twoFiles("a INT64, b INT64", "k event a b", "k event a:STRING b:BOOL", `"x" 06:00 1 1`,
		`"x" 06:00 "1" true`), nil,
		[]string{"column a", "BIGINT", "VARCHAR", "column b", "BOOLEAN", "0.parquet", "1.parquet", "SQL source"}, ""},
	{"a value that became an array", twoFiles("a INT64", "k event a", "k event a:INT64_ARRAY", `"x" 06:00 1`,
		`"x" 06:00 [1]`), nil, []string{"column a", "BIGINT[]", "1.parquet"}, ""},
	{"bytes beside text", twoFiles("a STRING", "k event a", "k event a:BYTES", `"x" 06:00 "a"`, `"x" 06:00 x"00"`), nil,
		[]string{"column a", "BLOB", "VARCHAR"}, ""},
	{"a whole number that floating point does not hold", twoFiles("a FLOAT64", "k event a:INT64", "k event a",
		`"x" 06:00 9007199254740993`, `"y" 06:00 0.5`), nil, []string{`"a"`, "row 1", "0.parquet", "9007199254740993"}, ""},
	{"a file without the event time", twoFiles("n INT64", "k event n", "k n", `"x" 06:00 1`, `"x" 1`), nil,
		[]string{`"event"`, "1.parquet"}, ""},
	{"a file without a join key", sameFiles, func(c *Case) {
		c.World.Files[1].Columns = c.World.Files[1].Columns[:2]
	}, []string{`"k"`, "1.parquet"}, ""},
	{"a file with two columns of one name", sameFiles, func(c *Case) {
		c.World.Files[1].Columns = append(c.World.Files[1].Columns, textColumn("N", "x"))
	}, []string{`"n"`, `"N"`, "1.parquet"}, ""},
	{"folders with other partitions", sameFiles, inFolders("a=1/0", "b=1/1"), []string{"b=1", "a=1"}, ""},
	{"a file outside the partitions", sameFiles, inFolders("a=1/0", "other/1"), []string{"other", "none"}, ""},
	{"a partition that is a column too", sameFiles, inFolders("N=1/0", "N=2/1"), []string{"column n", "0.parquet"}, ""},
	{"a partition that may be null", sameFiles, inFolders("a=null/0", "a=1/1"), []string{`"a=null"`, nullFolder}, ""},
	{"a partition with a second equals sign", sameFiles, inFolders("a=1=2/0", "a=1/1"), []string{"a=1=2"}, ""},
	{"a partition twice", sameFiles, inFolders("a=1/a=2/0", "a=1/a=2/1"), []string{"a=1/a=2", "two folders"}, ""},
}

// nullFolder is the value that represents null in the name of a partition's folder.
const nullFolder = "__HIVE_DEFAULT_PARTITION__"
