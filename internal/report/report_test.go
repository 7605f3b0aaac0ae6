package report_test

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/report"
)

func everything() report.Page {
	return report.Page{
		Title:   "Parity of <delay_model>",
		Verdict: report.Verdict{Tone: report.Bad, Text: "2 values differ", Detail: "Of 10 & more."},
		Facts:   []report.Fact{{Name: "rows", Value: "10,000"}, {Name: "mismatches", Value: "2", Tone: report.Bad}},
		Sections: []report.Section{
			{Title: "By feature", Text: "All that was compared.", Parts: []report.Part{report.Table{
				Caption: "features",
				Columns: []report.Column{{Name: "feature"}, {Name: "matches", Number: true}},
				Rows: [][]report.Cell{
					report.Texts("<script>alert(1)</script>", "12"),
					{{Text: `"a" & 'b'`, Code: true}, {Text: "0", Tone: report.Bad}},
				},
				More: "and 3 more",
			}}},
			{Title: "Charts", Parts: []report.Part{
				report.Bars{Title: "by cause", Bars: []report.Bar{
					{Label: "ttl < edge", Value: 3, Text: "3"}, {Label: "tie", Text: "0"},
				}},
				report.Histogram{Title: "ages", X: report.Axis{Name: "hours < 3"}, Edges: []float64{1, 2, 3},
					Counts: []int64{1, 3}},
				report.Histogram{Title: "nothing"},
			}},
		},
		Foot: "plumb 1.2",
	}
}

func TestAPageLoadsNothingAndRunsNothing(t *testing.T) {
	var text strings.Builder
	if err := everything().Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, forbidden := range []string{"<script", "src=", "href=", "@import", "url(", "ZgotmplZ"} {
		if strings.Contains(text.String(), forbidden) {
			t.Errorf("the page has %s", forbidden)
		}
	}
}

// Each element is closed at the right place and each text is escaped. html.Parse would tolerate mistakes in this; an
// XML parser does not.
func TestAPageIsWellFormedAndSaysEverything(t *testing.T) {
	var text strings.Builder
	if err := everything().Write(&text); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(text.String()))
	decoder.Entity = xml.HTMLEntity
	var said strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text.String())
		}
		if words, ok := token.(xml.CharData); ok {
			said.Write(words)
		}
	}
	for _, wanted := range []string{
		"Parity of <delay_model>", "2 values differ", "Of 10 & more.", "10,000", "<script>alert(1)</script>", `"a" & 'b'`,
		"and 3 more", "ttl < edge", "1 to 2: 1", "2 to 3: 3", "hours < 3", "plumb 1.2",
	} {
		if !strings.Contains(said.String(), wanted) {
			t.Errorf("the page does not say %s", wanted)
		}
	}
}

func TestAPageIsWrittenToAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	if err := everything().WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || !strings.HasSuffix(strings.TrimSpace(string(text)), "</html>") {
		t.Errorf("the file is not whole: %v", err)
	}
}
