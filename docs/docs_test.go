// Package docs has no code: its tests hold the documents to the program. Every command in a console block is run by the
// built binary, and what it prints is compared with what the document shows.
//
//	go test ./docs -update
//
// writes what the commands print now into the documents.
package docs

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	_ "github.com/plumbstore/plumb/internal/cli" // So that a result is not kept when what the binary is made of changes.
	"github.com/plumbstore/plumb/internal/postgrestest"
)

var update = flag.Bool("update", false, "write the output of commands into the documents")

func buildPlumb(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plumb")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../cmd/plumb")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, output)
	}
	return binary
}

func TestEveryCommandInTheDocumentsPrintsWhatTheyShow(t *testing.T) {
	plumb := buildPlumb(t)
	for _, d := range documents(t) {
		t.Run(filepath.Base(d.path), func(t *testing.T) {
			runDocument(t, d, plumb)
		})
	}
}

func runDocument(t *testing.T, d *document, plumb string) {
	t.Helper()
	examples := d.examples()
	if len(examples) == 0 {
		return
	}
	var variables []string
	if filepath.Base(d.path) == "databases.md" {
		variables = []string{"WAREHOUSE=" + postgrestest.Start(t).Database()}
	}
	s := startSession(t, plumb, variables...)
	printed := make([]string, len(examples))
	for i, e := range examples {
		var err error
		if printed[i], err = s.run(e.command); err != nil {
			t.Fatalf("%s: %s: %v\n%s", d.at(e.line), e.command, err, printed[i])
		}
	}
	// From the end, so that the lines of earlier examples stay where they are when a later one is rewritten.
	for i, e := range slices.Backward(examples) {
		switch {
		case matches(e.shown, printed[i]):
		case *update:
			d.replace(e, printed[i])
		default:
			t.Errorf("%s: %s\nshown:\n%s\nprinted:\n%s", d.at(e.line), e.command, e.shown, printed[i])
		}
	}
	if *update {
		d.write(t)
	}
}

func TestCommandsThatAreNotRunSayWhy(t *testing.T) {
	for _, d := range documents(t) {
		for _, b := range d.blocks() {
			shell := slices.Contains([]string{"sh", "bash", "shell"}, b.language)
			if shell && b.notRun == "" {
				t.Errorf("%s: make this a console block, or write <!-- not run: reason --> above it", d.at(b.start))
			}
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)#\s]*)(#[^)]*)?\)`)

func TestLinksLeadToFilesAndHeadingsThatExist(t *testing.T) {
	for _, d := range documents(t) {
		for i, line := range d.lines {
			for _, found := range link.FindAllStringSubmatch(line, -1) {
				path, anchor := found[1], strings.TrimPrefix(found[2], "#")
				if strings.Contains(path, "://") {
					continue
				}
				target := d
				if path != "" {
					file := filepath.Join(filepath.Dir(d.path), path)
					if _, err := os.Stat(file); err != nil {
						t.Errorf("%s: %v", d.at(i+1), err)
						continue
					}
					if anchor != "" {
						target = readDocument(t, file)
					}
				}
				if anchor != "" && !slices.Contains(target.anchors(), anchor) {
					t.Errorf("%s: %s has no heading for #%s", d.at(i+1), filepath.Clean(target.path), anchor)
				}
			}
		}
	}
}

func TestTheReadmeIsShortAndLinksToEveryPage(t *testing.T) {
	readme := strings.Join(readDocument(t, "../README.md").lines, "\n")
	if words := len(strings.Fields(readme)); words > 1200 {
		t.Errorf("README.md has %d words; move some to a page, so that it has 1,200 at most", words)
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		if !strings.Contains(readme, "](docs/"+page) {
			t.Errorf("README.md does not link to docs/%s", page)
		}
	}
}

// longPages may have more lines than other pages: each is one subject that readers search rather than read through.
var longPages = []string{"architecture.md", "python.md", "semantics.md"}

func TestPagesAreShort(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		lines := len(readDocument(t, page).lines) - 1
		if lines > 250 && !slices.Contains(longPages, page) {
			t.Errorf("docs/%s has %d lines; split it, so that it has 250 at most", page, lines)
		}
	}
}

var folderRow = regexp.MustCompile("(?m)^\\| (`.+?`) \\|")

func TestTheArchitecturePageListsEveryPackage(t *testing.T) {
	listed := map[string]bool{}
	page := strings.Join(readDocument(t, "architecture.md").lines, "\n")
	_, table, _ := strings.Cut(page, "\n## Folders\n")
	table, _, _ = strings.Cut(table, "\nImports point one way")
	for _, row := range folderRow.FindAllStringSubmatch(table, -1) {
		for folder := range strings.SplitSeq(row[1], ", ") {
			folder = strings.Trim(folder, "`")
			listed[folder] = true
			if _, err := os.Stat(filepath.Join("..", folder)); err != nil {
				t.Errorf("docs/architecture.md lists %s: %v", folder, err)
			}
		}
	}
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		folder, err := filepath.Rel("..", path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			// The tools are one row, and hold no package of the product.
			if name := entry.Name(); folder != "." && (strings.HasPrefix(name, ".") || name == "bin" || folder == "tools") {
				return filepath.SkipDir
			}
			return nil
		}
		if folder = filepath.Dir(folder); strings.HasSuffix(path, ".go") && !listed[folder] {
			t.Errorf("docs/architecture.md does not say what lives in %s", folder)
			listed[folder] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const rules = 17

func TestEveryRuleHasAHeadingAndATest(t *testing.T) {
	semantics := strings.Join(readDocument(t, "semantics.md").lines, "\n")
	tests := testSources(t)
	for rule := 1; rule <= rules; rule++ {
		name := "R" + strconv.Itoa(rule)
		if !strings.Contains(semantics, "\n### "+name+" ") {
			t.Errorf("docs/semantics.md has no heading for %s", name)
		}
		if !regexp.MustCompile(`\bfunc Test` + name + `_`).MatchString(tests) {
			t.Errorf("no test is named Test%s_…", name)
		}
	}
}

// testSources is the text of all Go files that hold tests.
func testSources(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir("..", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestTheDependencyTableListsWhatGoModRequires(t *testing.T) {
	table := strings.Join(readDocument(t, "dependencies.md").lines, "\n")
	module, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	direct := regexp.MustCompile(`(?m)^\t(\S+) v\S+$`)
	for _, found := range direct.FindAllStringSubmatch(string(module), -1) {
		if !strings.Contains(table, "`"+found[1]+"`") {
			t.Errorf("docs/dependencies.md does not say why %s is needed", found[1])
		}
	}
}
