package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is a Markdown file, line by line.
type document struct {
	path  string
	lines []string
}

func readDocument(t *testing.T, path string) *document {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &document{path: path, lines: strings.Split(string(text), "\n")}
}

// documents are the README, the change log, and everything below docs.
func documents(t *testing.T) []*document {
	t.Helper()
	paths := []string{"../README.md", "../CHANGELOG.md", "../CONTRIBUTING.md", "../SECURITY.md"}
	for _, pattern := range []string{"*.md", "adr/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	all := make([]*document, len(paths))
	for i, path := range paths {
		all[i] = readDocument(t, path)
	}
	return all
}

// block is a fenced block: lines[start:end] without the fences.
type block struct {
	language   string
	start, end int
	// notRun is the reason that a comment above the block gives for not running it.
	notRun string
}

var notRunMark = regexp.MustCompile(`^<!-- not run: (.+) -->$`)

func (d *document) blocks() []block {
	var found []block
	for i := 0; i < len(d.lines); i++ {
		language, fenced := strings.CutPrefix(d.lines[i], "```")
		if !fenced {
			continue
		}
		b := block{language: language, start: i + 1, end: i + 1}
		if i > 0 {
			if mark := notRunMark.FindStringSubmatch(d.lines[i-1]); mark != nil {
				b.notRun = mark[1]
			}
		}
		for b.end < len(d.lines) && d.lines[b.end] != "```" {
			b.end++
		}
		found = append(found, b)
		i = b.end
	}
	return found
}

// example is a command in a console block, and the output shown below it.
type example struct {
	line    int
	command string
	shown   string
	// from and to are the lines of the output.
	from, to int
}

// examples reads the console blocks: "$ " starts a command, "> " continues it, everything else is output.
func (d *document) examples() []example {
	var found []example
	for _, b := range d.blocks() {
		if b.language == "console" {
			found = append(found, d.examplesOf(b)...)
		}
	}
	return found
}

func (d *document) examplesOf(b block) []example {
	var found []example
	for i := b.start; i < b.end; i++ {
		command, starts := strings.CutPrefix(d.lines[i], "$ ")
		if !starts {
			continue
		}
		e := example{line: i + 1, command: command}
		for i+1 < b.end && strings.HasPrefix(d.lines[i+1], "> ") {
			i++
			e.command += "\n" + strings.TrimPrefix(d.lines[i], "> ")
		}
		e.from = i + 1
		for i+1 < b.end && !strings.HasPrefix(d.lines[i+1], "$ ") {
			i++
		}
		e.to = i + 1
		e.shown = strings.Join(d.lines[e.from:e.to], "\n")
		found = append(found, e)
	}
	return found
}

var (
	notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	namedAnchor = regexp.MustCompile(`^<a id="([^"]+)"></a>$`)
)

// anchors are what links can name after #: headings, as GitHub makes anchors of them, and named places.
func (d *document) anchors() []string {
	var all []string
	for _, line := range d.lines {
		if named := namedAnchor.FindStringSubmatch(line); named != nil {
			all = append(all, named[1])
		}
		if heading := strings.TrimLeft(line, "#"); heading != line && strings.HasPrefix(heading, " ") {
			text := notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			all = append(all, strings.ReplaceAll(text, " ", "-"))
		}
	}
	return all
}

func (d *document) at(line int) string { return fmt.Sprintf("%s:%d", filepath.Clean(d.path), line) }

// replace puts the output in the place of what e shows.
func (d *document) replace(e example, output string) {
	var fresh []string
	if output = strings.TrimRight(output, "\n"); output != "" {
		fresh = strings.Split(output, "\n")
	}
	d.lines = slices.Replace(d.lines, e.from, e.to, fresh...)
}

func (d *document) write(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(d.path, []byte(strings.Join(d.lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
}
