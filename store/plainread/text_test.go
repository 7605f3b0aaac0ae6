package plainread

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// writeText writes a file of text. Its name determines the format.
func (p *project) writeText(t *testing.T, name, content string) *feature.View {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	p.files = []feature.Input{{Source: "s", Name: name}}
	view := viewOf(name, plumbv1.Type_STRING)
	view.Keys[0].Type = plumbv1.Type_STRING
	view.Source.CreatedTimestamp = "known"
	files := feature.Files{Path: name, Format: feature.CSV}
	if strings.HasSuffix(name, ".jsonl") {
		files.Format = feature.JSONLines
	}
	view.Source.Kind = files
	return view
}

func TestR8_HistoryOfTextTellsEmptyTextFromNull(t *testing.T) {
	want := []string{" 1000000 (null) 0", "a\"b\r\nc 2000000 (null) 2", "b -1 3000001 3"}
	for name, content := range map[string]string{
		"s.csv": "\ufeffk,ts,known,x\r\n\"\",1970-01-01T00:00:01Z,,1\n,1970-01-01,,2\n\n" +
			"\"a\"\"b\r\nc\",1970-01-01T01:00:02+01:00,,3\r\nb,1969-12-31 23:59:59.999999,1970-01-01T00:00:03.0000019Z,\nc,,,",
		"s.jsonl": "\ufeff" + `{"k": "", "ts": "1970-01-01T00:00:01Z", "x": 1}` + "\n" + `{"ts": "1970-01-01", "x": 2}` +
			"\n\n" + `{"K": "a\"b\r\nc", "ts": "1970-01-01T01:00:02+01", "x": 3}` + "\r\n" +
			`{"k": "b", "ts": "1969-12-31 23:59:59.999999", "known": "1970-01-01T00:00:03.0000019Z"}` + "\n" + `{"k": "c"}`,
	} {
		p := newProject(t)
		rows, err := p.history(t, p.writeText(t, name, content))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestR9_HistoryOfTextNamesWhatDoesNotFit(t *testing.T) {
	for content, want := range map[string]string{
		"k,ts,known,x\na,1970-01-01,,\nb,1970-02-30,,\n":        "row 2 of",
		"k,ts,known,x\na,1970-01-01 00:00:00.5+01:0,,\n":        "row 1 of",
		"k,ts,known,x\na,1970-01-01,yesterday,\n":               `"yesterday" does not fit TIMESTAMP exactly`,
		"k,ts,known,x\na,1970-01-01,,\n\"b,1970-01-01,,\n":      "a quote is never closed",
		"k,ts,known,x\na,1970-01-01,,\n\"b\" ,1970-01-01,,\n":   "there is text after a closing quote",
		"k,ts,known,x\na,1970-01-01,,\nb,1970-01-01,1970,1,2\n": "a row has 5 columns, and not 4",
		"k,known,x\na,,\n": `has no column "ts"`,
		"":                 "read the names of the columns",
	} {
		p := newProject(t)
		_, err := p.history(t, p.writeText(t, "s.csv", content))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "s.csv") {
			t.Errorf("%q: got error %v, want one with %q", content, err, want)
		}
	}
	p := newProject(t)
	view := p.writeText(t, "s.csv", "k,ts,known,x\n007,1970-01-01,,\n")
	view.Keys[0].Type = plumbv1.Type_INT64
	if _, err := p.history(t, view); err == nil || !strings.Contains(err.Error(), `"007" does not fit INT64 exactly`) {
		t.Errorf("got error %v", err)
	}
}

func TestR9_TextIsParsedExactlyToTheDeclaredType(t *testing.T) {
	for _, c := range []struct {
		declared plumbv1.Type
		csv      []string
		json     []string
		want     []any
	}{
		{plumbv1.Type_STRING, []string{"", `""`, " a ", "\"a\r\nb,\"\"\"", "1.50"},
			[]string{`null`, `""`, `" a "`, `"a\r\nb,\""`, `1.50`}, []any{nil, "", " a ", "a\r\nb,\"", "1.50"}},
		{plumbv1.Type_INT64, []string{"-9223372036854775808", "007", "+7", "1.0", " 1"},
			[]string{"-9223372036854775808", `"007"`, `"+7"`, "1.0", `" 1"`}, []any{int64(math.MinInt64),
				`"007" does not fit INT64 exactly`, `"+7" does not fit INT64 exactly`, `"1.0" does not fit INT64 exactly`,
				`" 1" does not fit INT64 exactly`}},
		{plumbv1.Type_INT32, []string{"2147483648", "-1"}, []string{"2147483648", `"-1"`},
			[]any{`"2147483648" does not fit INT32 exactly`, int32(-1)}},
		{plumbv1.Type_FLOAT64, []string{"0.1", "-0.0", "1e400", "5e-324", "-Infinity", "NaN"},
			[]string{"0.1", "-0.0", "1e400", "5e-324", `"-Infinity"`, `"NaN"`}, []any{0.1, math.Copysign(0, -1),
				`"1e400" does not fit FLOAT64 exactly`, 5e-324, math.Inf(-1), value.TextNaN()}},
		{plumbv1.Type_FLOAT32, []string{"0.1"}, []string{"0.1"}, []any{float32(0.1)}},
		{plumbv1.Type_BOOL, []string{"true", "TRUE"}, []string{"true", `"TRUE"`},
			[]any{true, `"TRUE" does not fit BOOL exactly`}},
		{plumbv1.Type_BYTES, []string{"AP8=", "AP9="}, []string{`"AP8="`, `"AP9="`},
			[]any{[]byte{0, 255}, `"AP9=" does not fit BYTES exactly`}},
		{plumbv1.Type_TIMESTAMP, []string{"1970-01-01 00:00:00.000001", "1970-01-01T01:00+01"},
			[]string{`"1970-01-01 00:00:00.000001"`, `"1970-01-01T01:00+01"`}, []any{feature.Instant(1), feature.Instant(0)}},
		{plumbv1.Type_FLOAT64_ARRAY, []string{`"[0.1, null, -0.0, ""2""]"`, `[]`, "", "{}"},
			[]string{`[0.1, null, -0.0, "2"]`, `"[]"`, "null", "{}"},
			[]any{[]any{0.1, nil, math.Copysign(0, -1), 2.0}, []any{}, nil, `"{}" does not fit FLOAT64_ARRAY exactly`}},
	} {
		csv, lines := "k,x\n", ""
		for i := range c.csv {
			csv += "k," + c.csv[i] + "\n"
			lines += `{"x": ` + c.json[i] + "}\n"
		}
		for name, content := range map[string]string{"s.csv": csv, "s.jsonl": lines} {
			p := newProject(t)
			view := p.writeText(t, name, content)
			view.Features[0].Type = c.declared
			var places []int64
			for i := range c.want {
				places = append(places, int64(i))
			}
			same := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
			if diff := cmp.Diff(c.want, p.values(t, view, places...), same); diff != "" {
				t.Errorf("%s as %s (-want +got):\n%s", name, c.declared, diff)
			}
			last := int64(len(c.want) - 1)
			if diff := cmp.Diff(c.want[last:], p.values(t, view, last), same); diff != "" {
				t.Errorf("%s as %s, the last row alone (-want +got):\n%s", name, c.declared, diff)
			}
		}
	}
}
