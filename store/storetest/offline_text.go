package storetest

import (
	"path"
	"path/filepath"
	"strings"
	"testing"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// TextSources checks that an engine reads CSV and JSON lines, typed as CSV labels are.
func (s Offline) TextSources(t *testing.T) {
	for _, test := range textTests {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			engine := s.Start(t, folder, 2)
			c := textCase(t, folder, test)
			if test.says == nil {
				holdAll(t, engine, c)
				return
			}
			join := c.Joins[0]
			join.Fails = test.says
			if err := c.holdJoin(t.Context(), engine, join); err != nil {
				t.Error(err)
			}
		})
	}
}

// textTest has a case whose loads, one for each file in the order of the names, say what the files hold.
type textTest struct {
	name, text string
	// files are the contents by name, all of one ending.
	files []textFile
	// says is what a refusal has to say; nil if the case holds.
	says []string
	// query, unless it is empty, reads the files as the source "files".
	query string
}

type textFile struct{ name, content string }

// textCase writes the files of a test in the place of those that its case would have.
func textCase(t *testing.T, folder string, test textTest) *Case {
	t.Helper()
	c := caseOf(t, folder, test.text)
	below := path.Join(c.prefix, "text")
	for i, file := range test.files {
		writeFileBelow(t, filepath.Join(folder, below, file.name), file.content)
		for at, row := range c.World.Histories["v"].Rows {
			if row.File == c.World.Files[min(i, len(c.World.Files)-1)].Path {
				c.World.Histories["v"].Rows[at].File = path.Join(below, file.name)
			}
		}
	}
	c.World.Files = nil
	source := c.World.Definitions.Sources[0]
	source.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: below}}
	if strings.HasSuffix(test.files[0].name, ".jsonl") {
		source.Kind = &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: below}}
	}
	if test.query != "" {
		query := sqlSource(source.Name, test.query)
		source.Name = "files"
		c.World.Definitions.Sources = append(c.World.Definitions.Sources, query)
		c.World.Histories["v"].ByValue = true
	}
	return c
}

func writeFileBelow(t *testing.T, file, content string) {
	t.Helper()
	if err := (File{Path: filepath.Join(filepath.Dir(file), "_made.csv")}).Write(); err != nil { // It makes the folder.
		t.Fatal(err)
	}
	writeText(t, file, content)
}

const plainText = `
view v (k STRING): x FLOAT64, n INT64, s STRING
load v
  k    event  x     n  s
  "a"  06:00  1.5   7  ""
  "a"  06:00  2.5   8  null
  null 06:00  1     1  "x"
load v
  k    event  x     n     s
  "b"  07:00  -0.25 null  "1.10"
  ""   07:00  null  2     "q"
join v
  k    event_timestamp | x      n     s
  "a"  08:00           | 2.5    8     null
  "b"  08:00           | -0.25  null  "1.10"
  ""   08:00           | null   2     "q"
  "b"  06:59           | NOT_FOUND NOT_FOUND NOT_FOUND
newest v (-, 08:00]
  k    event  x      n     s
  ""   07:00  null   2     "q"
  "a"  06:00  2.5    8     null
  "b"  07:00  -0.25  null  "1.10"
`

const typedText = `
view v (k INT64): total FLOAT64
load v
  k  event  total
  1  06:00  3.5
join v
  k  event_timestamp | total
  1  07:00           | 3.5
`

var textTests = []textTest{
	{name: "R3 CSV files keep their order, and an empty text is not null", text: plainText, files: []textFile{
		{"a.csv", "k,event,x,n,s\na,2013-01-01T06:00:00Z,1.5,7,\"\"\na,2013-01-01 " +
			"06:00,2.5,8,\n,2013-01-01T06:00:00Z,1,1,x\n"},
		{"b.CSV", "\ufeff\"s\",\"event\",\"\",\"x\",\"k\",\"n\"\r\n1.10,2013-01-01T08:00:00+01:00,0,-0.25,b,\r\n\n" +
			"q,2013-01-01T07:00:00Z,1,,\"\",2\n"},
	}},
	{name: "R3 JSON lines keep their order, and a member that is not there is null", text: plainText, files: []textFile{
		{"a.jsonl", `{"k": "a", "event": "2013-01-01T06:00:00Z", "x": 1.5, "n": 7, "s": ""}` + "\n" +
			`{"k": "a", "event": "2013-01-01T06:00:00Z", "x": 2.5, "n": 8}` + "\r\n\n" +
			`{"event": "2013-01-01T06:00:00Z", "x": 1, "n": 1, "s": "x", "more": {"a": [1]}}` + "\n"},
		{"b.jsonl", `{"s": 1.10, "k": "b", "x": -0.25, "event": "2013-01-01T07:00:00Z", "n": null}` + "\n" +
			`{"k": "", "event": "2013-01-01T07:00:00Z", "n": "2", "s": "q"}`},
	}},
	{name: "R9 arrays are JSON", text: `
view v (k STRING): f FLOAT64_ARRAY, s STRING_ARRAY, n INT64_ARRAY
load v
  k    event  f               s             n
  "a"  06:00  [1.5 null -0.0 NaN]  ["p,q" null]  [9007199254740993]
  "b"  06:00  []              null          [null]
join v
  k    event_timestamp | f               s             n
  "a"  07:00           | [1.5 null -0.0 NaN]  ["p,q" null]  [9007199254740993]
  "b"  07:00           | []              null          [null]
`, files: []textFile{{"a.csv", "k,event,f,s,n\na,2013-01-01T06:00:00Z,\"[1.5, null, -0.0, \"\"NaN\"\"]\"," +
		"\"[\"\"p,q\"\", null]\",[9007199254740993]\nb,2013-01-01T06:00:00Z,[],,[null]\n"}}},
	{name: "queries read numbers where all texts are numbers", text: typedText, files: []textFile{
		{"a.csv", "k,event,x\n1,2013-01-01T05:00:00Z,1.5\n"}, {"b.csv", "k,event,x\n1,2013-01-01T06:00:00Z,2\n"},
	}, query: "SELECT k, max(CAST(event AS TIMESTAMPTZ)) AS event, sum(x) AS total FROM files GROUP BY k"},
	{name: "R9 a text that is not a number is named", text: typedText, files: []textFile{
		{"a.csv", "k,event,total\n1,2013-01-01T05:00:00Z,1\n1,2013-01-01T06:00:00Z,about 2\n"}},
		says: []string{`"total"`, "row 2", "a.csv", "about 2"}},
	{name: "R9 a number beyond floating point is named", text: typedText, files: []textFile{
		{"a.jsonl", `{"k": 1, "event": "2013-01-01T06:00:00Z", "total": 1e400}`}}, says: []string{`"total"`, "row 1",
		"1e400"}},
	{name: "R9 a key with a rest is named", text: typedText, files: []textFile{
		{"a.jsonl", `{"k": 1.5, "event": "2013-01-01T06:00:00Z", "total": 1}`}}, says: []string{`"k"`, "row 1", "1.5"}},
	{name: "a time that is none is named", text: typedText, files: []textFile{
		{"a.csv", "k,event,total\n1,yesterday,1\n"}}, says: []string{`"event"`, "row 1", "yesterday"}},
	{name: "a line with too many columns is named", text: typedText, files: []textFile{
		{"a.csv", "k,event,total\n1,2013-01-01T06:00:00Z,1,2\n"}}, says: []string{"a.csv", "line 2"}},
	{name: "a line that is not an object is named", text: typedText, files: []textFile{
		{"a.jsonl", "{\"k\": 1}\n[1]\n"}}, says: []string{"a.jsonl", "line 2"}},
	{name: "a file without the event time is named", text: typedText, files: []textFile{
		{"a.csv", "k,event,total\n1,2013-01-01T06:00:00Z,1\n"}, {"b.csv", "k,total\n1,1\n"}}, says: []string{"b.csv",
		`"event"`}},
	{name: "two columns of one name that are used", text: typedText, files: []textFile{
		{"a.csv", "k,event,total,Total\n1,2013-01-01T06:00:00Z,1,2\n"}}, says: []string{"a.csv", `"total"`, `"Total"`}},
}
