// Package report writes what a check found as one HTML page: a verdict, facts, and sections of tables and charts.
//
// A page is self-contained. Styles and drawings are inline, it loads nothing and runs no script, so that it can be kept
// as an artefact of a CI run and opened years later. It follows the reader's light or dark mode, prints, and says
// everything in words and numbers too, never by colour alone. All text is escaped, and what is not
// printable too.
package report

import (
	"embed"
	"html/template"
	"io"
	"strings"

	"github.com/plumbstore/plumb/internal/disk"
	"github.com/plumbstore/plumb/internal/printable"
)

// Tone says how something is to be taken.
type Tone string

// The tones.
const (
	Plain   Tone = ""
	Good    Tone = "good"
	Bad     Tone = "bad"
	Warning Tone = "warning"
)

// Page is a report.
type Page struct {
	Title   string
	Verdict Verdict
	// Facts stand side by side below the verdict: a few numbers that matter most.
	Facts    []Fact
	Sections []Section
	// Foot is small print: versions, the command that made the page.
	Foot string
}

// Verdict is the banner: what was found, in a few words, and a sentence on it.
type Verdict struct {
	Tone         Tone
	Text, Detail string
}

// Fact is a number with its name.
type Fact struct {
	Name, Value string
	Tone        Tone
}

// Section is a part of a page under a heading.
type Section struct {
	Title string
	// Text introduces the parts; may be empty.
	Text  string
	Parts []Part
}

// Part is a Table or a chart: Bars or Histogram.
type Part interface {
	draw() drawn
}

// Table has one row of cells for each row, one cell for each column.
type Table struct {
	Caption string
	Columns []Column
	Rows    [][]Cell
	// More says what was left out below the rows; may be empty.
	More string
}

// Column heads the cells below it. Numbers are aligned at the right.
type Column struct {
	Name   string
	Number bool
}

// Cell is one cell of a table. Code is shown in a fixed width, as it is, with its own line breaks and no others.
type Cell struct {
	Text string
	Tone Tone
	Code bool
}

// Texts makes plain cells.
func Texts(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, text := range texts {
		cells[i].Text = text
	}
	return cells
}

func (t Table) draw() drawn { return drawn{"table", t} }

//go:embed page.html
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{"part": part}).ParseFS(files, "page.html"))

// drawn is a part made ready: the name of its template, and what to fill that with.
type drawn struct {
	Template string
	Data     any
}

func part(p Part) drawn { return p.draw() }

// Write writes the page.
func (p Page) Write(w io.Writer) error {
	var text strings.Builder
	if err := page.Execute(&text, p); err != nil {
		return err
	}
	return printable.To(w).Lines(text.String())
}

// WriteFile writes the page to a file, which appears whole or not at all.
func (p Page) WriteFile(path string) error { return disk.Real().Write(path, p.Write) }
