package duckdb

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// textProject has one source of text below data, with the key k as a STRING.
func textProject(t *testing.T, name, content string) *project {
	t.Helper()
	p := newProject(t, nil, "", feature("x", plumbv1.Type_INT64))
	p.source.Kind = &plumbv1.Source_Csv{Csv: &plumbv1.CsvSource{Path: "data/" + name}}
	if strings.HasSuffix(name, ".jsonl") {
		p.source.Kind = &plumbv1.Source_Jsonl{Jsonl: &plumbv1.JsonLinesSource{Path: "data/" + name}}
	}
	p.source.CreatedTimestamp = "known"
	file := filepath.Join(p.folder, "data", name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// textView is the view with its key as a STRING.
func (p *project) textView(t *testing.T) *registry.View {
	t.Helper()
	view, err := p.snapshot(t).View("v")
	if err != nil {
		t.Fatal(err)
	}
	changed := *view
	changed.Keys = []registry.Field{{Name: "k", Type: plumbv1.Type_STRING}}
	return &changed
}

func TestR8_HistoryOfTextTellsEmptyTextFromNull(t *testing.T) {
	want := []string{" 1000000 (null)", "a\"b\nc 2000000 (null)", "b -1 3000001"}
	for name, content := range map[string]string{
		"s.csv": "\ufeffk,at,known,x\r\n\"\",1970-01-01T00:00:01Z,,1\n,1970-01-01,,2\n\n" +
			"\"a\"\"b\nc\",1970-01-01T01:00:02+01:00,,3\r\nb,1969-12-31 23:59:59.999999,1970-01-01T00:00:03.0000019Z,\nc,,,\n",
		"s.jsonl": `{"k": "", "at": "1970-01-01T00:00:01Z", "x": 1}` + "\n" + `{"at": "1970-01-01", "x": 2}` + "\n\n" +
			`{"k": "a\"b\nc", "at": "1970-01-01T01:00:02+01", "x": 3}` + "\r\n" +
			`{"k": "b", "at": "1969-12-31 23:59:59.999999", "known": "1970-01-01T00:00:03.0000019Z"}` + "\n" + `{"k": "c"}`,
	} {
		p := textProject(t, name, content)
		view := p.textView(t)
		var rows []string
		if err := p.open(t).History(t.Context(), view, texts(&rows)); err != nil {
			t.Fatal(err)
		}
		slices.Sort(rows)
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestR9_HistoryOfTextNamesWhatDoesNotFit(t *testing.T) {
	for content, want := range map[string]string{
		"k,at,known,x\na,1970-01-01,,\nb,1970-02-30,,\n":        "row 2 of",
		"k,at,known,x\na,1970-01-01 00:00:00.5+01:0,,\n":        "row 1 of",
		"k,at,known,x\na,1970-01-01,yesterday,\n":               "yesterday does not fit TIMESTAMP exactly",
		"k,at,known,x\na,1970-01-01,,\n\"b,1970-01-01,,\n":      "cannot read",
		"k,at,known,x\na,1970-01-01,,\nb,1970-01-01,1970,1,2\n": "cannot read",
	} {
		p := textProject(t, "s.csv", content)
		var rows []string
		err := p.open(t).History(t.Context(), p.textView(t), texts(&rows))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "s.csv") {
			t.Errorf("%q: got error %v, want one with %q", content, err, want)
		}
	}
}
