package storetest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// computedTexts have request inputs that are easily mistaken for others when labels are text.
var computedTexts = []string{`
computed n (s STRING, i INT64, x FLOAT64)
  text STRING = s + "."
  more INT64 = i - 1
  half FLOAT64 = x / 2.0
join n
  s       i                     x     event_timestamp | text     more                 half
  "007"   9223372036854775807   1.0   06:00           | "007."   9223372036854775806  0.5
  "7"     -9223372036854775808  -0.0  06:00           | "7."     INVALID              -0.0
  "1.0"   9007199254740993      NaN   06:00           | "1.0."   9007199254740992     NaN
  "true"  null                  null  06:00           | "true."  null                 null
  ""      0                     0.1   06:00           | "."      -1                   0.05
  null    7                     0.1   06:00           | null     6                    0.05
`, `
computed n (p BOOL, t TIMESTAMP, b BYTES)
  not BOOL = !p
  later BOOL = t > request_time
  length INT64 = size(b)
join n
  p      t                     b        event_timestamp | not    later  length
  true   06:30                 x"00ff"  06:00           | false  true   2
  false  06:00                 x"61"    06:00           | true   false  1
  null   1969-12-31T23:59:59Z  x""      06:00           | null   false  0
  true   null                  null     06:00           | false  null   null
`, `
computed n (code STRING)
  text STRING = code + "."
join n
  code   event_timestamp | text
  "007"  06:00           | "007."
  "70"   06:00           | "70."
`}

// requestInputsOfFormats reads request inputs from label files of every format. Text stays what it is.
func requestInputsOfFormats(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for _, text := range computedTexts {
		c := caseOf(t, folder, text)
		for _, ending := range []string{".parquet", ".arrow", ".csv"} {
			c.labelsAs(ending)
			holdAll(t, engine, c)
		}
	}
}

// requestInputsOfOtherForms are in types that no declared type is stored in.
func requestInputsOfOtherForms(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
computed n (s STRING, v STRING, w STRING, l INT64_ARRAY, m STRING_ARRAY)
  text STRING = s + v + w
  first INT64 = l[0] + l[1]
  last STRING = m[1]
join n
  s                v               w    l      m                  event_timestamp | text                 first  last
  "dictionary"     "view"          "l"  [1 2]  ["a" "b"]          06:00           | "dictionaryviewl"    3      "b"
  null             "a longer view" ""   null   null               06:00           | null                 null   null
  "dictionary"     ""              ""   [3 4]  ["a" null]         06:00           | "dictionary"         7      null
`)
	labels := c.labels()
	for i, form := range []arrow.DataType{
		&arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String},
		arrow.BinaryTypes.StringView, arrow.BinaryTypes.LargeString,
		arrow.FixedSizeListOf(2, arrow.PrimitiveTypes.Int32), arrow.LargeListOf(arrow.BinaryTypes.String),
	} {
		labels.Columns[i].Form = form
	}
	labels.stored = nil
	c.labelsAs(".arrow")
	holdAll(t, engine, c)
}

// computedJoinsExplained says that a use of a view that computed features alone read is among the views.
func computedJoinsExplained(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather+`
computed risk (amount FLOAT64) over weather as w
  c FLOAT64 = w.temp + amount
join risk
  airport  amount  event_timestamp | c
  "EWR"    1.0     06:59           | 40.02
`)
	c.Joins = c.Joins[1:]
	holdAll(t, engine, c)
	join, _, err := c.World.plan(t.Context(), engine, c.Joins[0].Question)
	if err != nil {
		t.Fatal(err)
	}
	defer join.Close()
	text, err := join.Explain(t.Context())
	if err != nil || !strings.Contains(text, "risk__w") {
		t.Errorf("the explanation is %q (%v), want one that names risk__w", text, err)
	}
}

// misfitsInText are found in the text of CSV.
func misfitsInText(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	for _, test := range []struct{ declared, cells string }{
		{"INT64", "1 2 x"}, {"INT64", "1 2 1.5"}, {"INT32", "1 2 2147483648"}, {"BOOL", "true false maybe"},
		{"FLOAT64", "1.5 2 1,5"}, {"TIMESTAMP", "2013-01-01T00:00:00Z 2013-01-02T00:00:00Z yesterday"},
		{"INT64_ARRAY", `[1] [] [x]`},
	} {
		c := caseOf(t, folder, fmt.Sprintf(`
computed n (given %[1]s)
  kept %[1]s = given
join n
  given  event_timestamp
  null   06:00
`, test.declared))
		cells := strings.Fields(test.cells)
		six := *instantOf(t, "06:00")
		c.labels().stored = []Column{textColumn("given"), {Name: "event_timestamp", Form: timeForms[0]}}
		for _, cell := range cells {
			c.labels().stored[0].Values = append(c.labels().stored[0].Values, cell)
			c.labels().stored[1].Values = append(c.labels().stored[1].Values, six)
		}
		c.labelsAs(".csv")
		join := c.Joins[0]
		join.Fails = []string{`"given"`, "row 3", strings.Trim(cells[2], "[]")}
		if err := c.holdJoin(t.Context(), engine, join); err != nil {
			t.Errorf("%s of %q: %v", test.declared, test.cells, err)
		}
	}
}

// copies is an on-demand view whose features are its request inputs, one of each type, with the values of edges.
func copies(t *testing.T, folder string) *Case {
	var inputs, features, heading, nulls []string
	for number := 1; number < len(plumbv1.Type_name); number++ {
		declared := plumbv1.Type(number)
		inputs = append(inputs, fmt.Sprintf("a%d %s", number, declared))
		features = append(features, fmt.Sprintf("  of%d %s = a%d", number, declared, number))
		heading, nulls = append(heading, fmt.Sprintf("a%d", number)), append(nulls, "null")
	}
	c := caseOf(t, folder, fmt.Sprintf("computed copy (%s)\n%s\njoin copy\n  %s event_timestamp\n  %s 06:00\n",
		strings.Join(inputs, ", "), strings.Join(features, "\n"), strings.Join(heading, " "), strings.Join(nulls, " ")))
	c.labels().stored = nil
	return c
}

// addCopied adds a label row: the row-th edge of each scalar type, and lists of such with null elements and none.
func addCopied(c *Case, row int) {
	six := anchors[0].(feature.Instant)
	for i := range c.labels().Columns {
		column := &c.labels().Columns[i]
		declared := plumbv1.Type(i + 1)
		element, isList := value.ElementType(declared)
		switch {
		case column.Name == "event_timestamp":
			column.Values = append(column.Values, six+feature.Instant(row))
		case row%7 == 3:
			column.Values = append(column.Values, nil)
		case isList:
			all := []any{copiedValue(element, row), nil, copiedValue(element, row+1), copiedValue(element, row+2)}
			column.Values = append(column.Values, all[:row%5%len(all)])
		default:
			column.Values = append(column.Values, copiedValue(declared, row))
		}
	}
}

func copiedValue(declared plumbv1.Type, row int) any {
	values := edges[declared]
	if declared == plumbv1.Type_TIMESTAMP {
		values = anchors
	}
	return values[row%len(values)]
}

// outputsOfEveryType come out of every format of results as they are, with nulls, empty arrays and null elements.
func outputsOfEveryType(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := copies(t, folder)
	for row := range 70 {
		addCopied(c, row)
	}
	for _, in := range []string{".parquet", ".arrow"} {
		c.labelsAs(in)
		if err := writeLabels(c); err != nil {
			t.Fatal(err)
		}
		for _, out := range []string{"", "out.parquet", "out.arrow", "out.csv"} {
			if err := c.World.check(t.Context(), engine, c.Joins[0].Question, out); err != nil {
				t.Errorf("%s to %q: %v", in, out, err)
			}
		}
	}
}

// manyComputedRows are more than an engine computes at a time, on several threads.
func manyComputedRows(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 4)
	c := copies(t, folder)
	for row := range 10_000 {
		addCopied(c, row)
	}
	c.labels().RowGroup = 3000
	holdAll(t, engine, c)
	mixed := caseOf(t, folder, `
view weather (airport STRING) ttl 2h: temp FLOAT64, names STRING_ARRAY
load weather
  airport  event  temp  names
  "EWR"    06:00  1.0   ["a text of a few more bytes" null "ü"]
  "EWR"    07:00  null  []
  "JFK"    06:30  -0.0  null
computed n (i INT64, s STRING) over weather as w(airport=origin)
  named STRING = w.names[i]
  either STRING = i > 2 ? s + named : coalesce(w.names[0], s)
  names STRING_ARRAY = [s, w.names[0], either]
  share INT64 = 100 / i
  warm BOOL = w.temp > 0.5 || share == 50
join n, weather:temp(airport=origin)
  origin  i     s     event_timestamp
  null    null  null  06:00
`)
	columns := mixed.labels().Columns
	mixed.labels().stored = nil
	six := *instantOf(t, "06:00")
	for row := range 7000 {
		for i, v := range []any{
			[]any{"EWR", "JFK", nil, "LGA", "EWR"}[row%5], []any{int64(row % 4), int64(2), nil}[row%7%3],
			[]any{"", nil, "exactly 12 b", "exactly 13 by"}[row%11%4], six + feature.Instant(row*7919%20_000)*1_000_000,
		} {
			columns[i].Values = append(columns[i].Values, v)
		}
	}
	holdAll(t, engine, mixed)
}
