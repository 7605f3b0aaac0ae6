package docs

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// picture is the order of folders on the architecture page.
type picture struct {
	// line is that of each folder, from the top.
	line   map[string]int
	leaves []string
}

const module = "github.com/plumbstore/plumb/"

func readPicture(t *testing.T) picture {
	t.Helper()
	_, page, _ := strings.Cut(strings.Join(readDocument(t, "architecture.md").lines, "\n"), "\nImports point one way")
	_, page, _ = strings.Cut(page, "```text\n")
	drawn, rest, _ := strings.Cut(page, "\n```")
	p := picture{line: map[string]int{}}
	for i, line := range strings.Split(drawn, "\n") {
		for folder := range strings.FieldsSeq(line) {
			p.line[folder] = i
		}
	}
	_, rest, _ = strings.Cut(rest, "The leaves")
	rest, _, _ = strings.Cut(rest, "\n\n")
	for _, name := range regexp.MustCompile("`(.+?)`").FindAllStringSubmatch(rest, -1) {
		p.leaves = append(p.leaves, name[1])
	}
	return p
}

// folder is the longest one of the picture that holds a package; empty if none does.
func (p *picture) folder(name string) string {
	for {
		if _, drawn := p.line[name]; drawn || slices.Contains(p.leaves, name) {
			return name
		}
		at := strings.LastIndexByte(name, '/')
		if at < 0 {
			return ""
		}
		name = name[:at]
	}
}

// mayImport says whether the picture lets one folder import the other.
func (p *picture) mayImport(from, to string) bool {
	switch {
	case from == to, slices.Contains(p.leaves, to):
		return true
	case slices.Contains(p.leaves, from):
		return false
	}
	return p.line[from] < p.line[to]
}

func TestImportsPointAsTheArchitecturePageShows(t *testing.T) {
	p := readPicture(t)
	list := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	// Clients know proto alone, which depguard holds; suites, benchmarks and the demo are used by nobody.
	beside := regexp.MustCompile(`^(sdk|bench|demo|docs|examples|tools)(/|$)|test(/|$)`)
	seen := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		names := strings.Fields(line)
		name := strings.TrimPrefix(names[0], module)
		if beside.MatchString(name) {
			continue
		}
		from := p.folder(name)
		if from == "" {
			t.Errorf("docs/architecture.md does not draw %s", name)
			continue
		}
		seen[from] = true
		for _, imported := range names[1:] {
			if imported, ours := strings.CutPrefix(imported, module); ours && !p.mayImport(from, p.folder(imported)) {
				t.Errorf("%s imports %s, which docs/architecture.md does not show below it", name, imported)
			}
		}
	}
	for folder := range p.line {
		if !seen[folder] {
			t.Errorf("docs/architecture.md draws %s, which is no package", folder)
		}
	}
	for _, leaf := range p.leaves {
		if !seen[leaf] {
			t.Errorf("docs/architecture.md lists the leaf %s, which is no package", leaf)
		}
	}
}
