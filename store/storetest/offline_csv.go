package storetest

import (
	"fmt"
	"math"
	"math/big"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/feature"
)

// csvColumns are label columns of CSV files, by what their values become: in a typed result each is the same text or
// the same number, and what differs stays different (R6).
var csvColumns = []struct {
	name, becomes string
	texts         []string
}{
	{"whole numbers", "int64", []string{"7", "-12", "9223372036854775807", ""}},
	{"fractions", "float64", []string{"1.5", "2", "-0.25", ""}},
	{"fractions of one length", "float64", []string{"1.50", "2.25", "10.00", "-3.10"}},
	{"exponents", "float64", []string{"1e-05", "2.5e+20", "1E5", "7"}},
	{"floats of 17 digits", "float64", []string{"0.30000000000000004", "1.7976931348623157e+308", "5e-324", "1.5"}},
	{"a zero of each sign", "string", []string{"0", "-0", "1", "2"}},
	{"a negative zero", "float64", []string{"-0.0", "1.5", "2.0", "3.0"}},
	{"no numbers among numbers", "float64", []string{"NaN", "Infinity", "-Infinity", "1.5"}},
	{"no numbers alone", "string", []string{"NaN", "NaN", "Infinity", "-Infinity"}},
	{"booleans", "bool", []string{"true", "false", "true", ""}},
	{"booleans in two words", "string", []string{"true", "True", "false", "False"}},
	{"20 digits", "string", []string{"12345678901234567890", "12345678901234567891", "1", "2"}},
	{"beyond 64 bits", "string", []string{"9223372036854775807", "9223372036854775808", "1", "2"}},
	{"16 digits beside a fraction", "string", []string{"9007199254740993", "9007199254740992", "0.5", "2"}},
	{"versions", "string", []string{"1.10", "1.1", "2.0", "2"}},
	{"codes", "string", []string{"1E5", "100000", "1", "2"}},
	{"long fractions", "string", []string{"0.12345678901234567890123", "0.12345678901234567890124", "1", "2"}},
	{"too large", "string", []string{"1e999", "1e998", "1", "2"}},
	{"too small", "string", []string{"1e-400", "0", "1", "2"}},
	{"too small for its digits", "string", []string{"1.23456e-320", "1", "2", "3"}},
	{"zeros in front", "string", []string{"007", "7", "1", "2"}},
	{"a plus", "string", []string{"+1", "1", "2", "3"}},
	{"spaces", "string", []string{" 1", "1", "1 ", "2"}},
	{"no digit beside the point", "string", []string{".5", "5.", "0.5", "5"}},
	{"underscores", "string", []string{"1_000", "1000", "1", "2"}},
	{"dates", "string", []string{"2013-01-01", "20130101", "2013-1-1", "1/1/13"}},
	{"empty and null", "string", []string{`""`, "", "a", "b"}},
	{"an empty text among numbers", "string", []string{`""`, "", "1", "2"}},
	{"nothing at all", "string", []string{"", "", "", ""}},
	{"the words for null", "string", []string{"NULL", "null", "None", "NA"}},
}

// csvText keeps all values of CSV label files: as typed columns, and letter for letter in a result that is CSV too.
func csvValuesStay(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	text, row := `airport,event_timestamp`, [4]string{}
	for _, column := range csvColumns {
		text += "," + column.name
		for i, cell := range column.texts {
			row[i] += "," + cell
		}
	}
	for i := range row {
		text += fmt.Sprintf("\nEWR,2013-01-01 06:0%d:00%s", i, row[i])
	}
	c.rawLabels(t, text+"\n")
	for _, out := range []string{"", "out.parquet", "out.arrow", "out.csv"} {
		table, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		for _, column := range csvColumns {
			becomes := column.becomes
			if out == "out.csv" {
				becomes = "string"
			}
			if err := table.holdsTexts(column.name, becomes, column.texts); err != nil {
				t.Errorf("%s: %v", out, err)
			}
		}
	}
}

// rawLabels makes a CSV file with this content the labels of a case that asks once.
func (c *Case) rawLabels(t *testing.T, content string) {
	t.Helper()
	c.labelsAs(".csv")
	c.labels().unwritten = true
	writeText(t, filepath.Join(c.World.Folder, c.labels().Path), content)
}

// holdsTexts says whether a column has the values that some texts spell, all in one type.
func (t *Table) holdsTexts(name, becomes string, texts []string) error {
	at := slices.Index(t.Names, name)
	if at < 0 || len(t.Rows) != len(texts) {
		return fmt.Errorf("no column %q, or not with %d rows, among %q", name, len(texts), t.Names)
	}
	for row, text := range texts {
		value := t.Rows[row][at]
		if text == "" {
			if value != nil {
				return fmt.Errorf("column %q, row %d is %s, want null", name, row, Show(value))
			}
			continue
		}
		text = strings.Trim(text, `"`)
		if kind := fmt.Sprintf("%T", value); kind != becomes || !spells(value, text) {
			return fmt.Errorf("column %q, row %d is %s, a %s; want the %s %s", name, row, Show(value), kind, becomes, text)
		}
	}
	return nil
}

// spells says whether a text is a value's, or another spelling of the same number.
func spells(value any, text string) bool {
	float, ok := value.(float64)
	if !ok || math.IsNaN(float) || math.IsInf(float, 0) {
		return fmt.Sprint(value) == strings.Replace(strings.Replace(text, "Infinity", "Inf", 1), "Inf", "+Inf", 1) ||
			fmt.Sprint(value) == strings.Replace(text, "Infinity", "Inf", 1) || fmt.Sprint(value) == text
	}
	want, ok := new(big.Rat).SetString(text)
	got, _ := new(big.Rat).SetString(strconv.FormatFloat(float, 'g', -1, 64))
	return ok && got.Cmp(want) == 0 && math.Signbit(float) == strings.HasPrefix(text, "-")
}

// csvKeysStay has keys that a number would not keep, and keys of numbers.
func csvKeysStay(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, `
view item (code STRING, id INT64, small INT32, flag BOOL): n INT64
load item
  code                    id  small  flag   event  n
  "12345678901234567890"  1   -1     true   06:00  1
  "12345678901234567891"  1   -1     true   06:00  2
  "1"                     2   -2     false  06:00  3
join item
  code  id  small  flag  event_timestamp | n
`)
	c.rawLabels(t, `code,id,small,flag,event_timestamp
12345678901234567890,1,-1,true,2013-01-01
12345678901234567891,1,-1,true,2013-01-01T12:00:00Z
1,2,-2,false,2013-01-01 07:00
`)
	for _, out := range []string{"", "out.parquet", "out.arrow"} {
		table, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		noon, seven := *instantOf(t, "12:00"), *instantOf(t, "07:00")
		want := [][]any{
			{"12345678901234567890", int64(1), int64(-1), true, noon - 12*hour, nil},
			{"12345678901234567891", int64(1), int64(-1), true, noon, int64(2)},
			{"1", int64(2), int64(-2), false, seven, int64(3)},
		}
		for i := range table.Rows {
			table.Rows[i] = table.Rows[i][:6]
		}
		if got := fmt.Sprintf("%#v", table.Rows); got != fmt.Sprintf("%#v", want) {
			t.Errorf("%s: %s", out, got)
		}
	}
	c.rawLabels(t, "code,id,small,flag,event_timestamp\n1,2,-2,false,2013-01-01 07:00\n2,2,-2,false,2013-01-01 07:00\n")
	table, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, "out.parquet")
	if err == nil {
		err = table.holdsTexts("code", "string", []string{"1", "2"})
	}
	if err != nil {
		t.Errorf("keys of digits that are STRING: %v", err)
	}
}

const hour = feature.Instant(3_600_000_000)

// csvOfAllWriters has files as spreadsheets, pandas and other systems write them, each with the same label row.
func csvOfAllWriters(t *testing.T, suite Offline) {
	folder := t.TempDir()
	engine := suite.Start(t, folder, 2)
	c := caseOf(t, folder, weather)
	for name, text := range map[string]string{
		"a BOM and quoted names": "\ufeff\"airport\",\"event_timestamp\"\r\n\"EWR\",\"2013-01-01 06:59\"\r\n",
		"mixed line ends":        "airport,event_timestamp\r\nEWR,2013-01-01 06:59\nEWR,2013-01-01 06:59\r\n",
		"blank lines":            "\n\r\nairport,event_timestamp\n\nEWR,2013-01-01 06:59\n\n",
		"no line end at the end": "airport,event_timestamp\nEWR,2013-01-01 06:59",
		"a long line":            "airport,event_timestamp,t\nEWR,2013-01-01 06:59," + strings.Repeat("y", 3_000_000) + "\n",
	} {
		c.rawLabels(t, text)
		for _, out := range []string{"", "out.parquet", "out.csv"} {
			table, _, err := c.World.ask(t.Context(), engine, c.Joins[0].Question, out)
			if err != nil || len(table.Rows) == 0 {
				t.Errorf("%s, %s: %v", name, out, err)
				continue
			}
			for _, row := range table.Rows {
				if at := slices.Index(table.Names, "temp"); fmt.Sprintf("%v %v", row[0], row[at]) != "EWR 39.02" {
					t.Errorf("%s, %s: %.200s", name, out, table.showRows())
				}
			}
		}
	}
}
