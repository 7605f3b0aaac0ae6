package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	oneGoroutine = regexp.MustCompile(`(?m)^of_one_goroutine = (.*)$`)
	concurrent   = regexp.MustCompile(
		`(?m)^\s*go (func|[a-z]\w*[.(])|\.Go\(|"sync"|"sync/atomic"|errgroup|t\.Parallel|chan `)
)

func TestPackagesWithoutTheRaceDetectorHaveOneGoroutine(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found := oneGoroutine.FindSubmatch(makefile)
	if found == nil {
		t.Fatal("the Makefile has no of_one_goroutine")
	}
	for pattern := range strings.SplitSeq(string(found[1]), "|") {
		files, err := filepath.Glob(filepath.Join("..", strings.TrimSuffix(pattern, "$$"), "*.go"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s has %d files, %v", pattern, len(files), err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if what := concurrent.Find(text); what != nil {
				t.Errorf("%s has %q; take its package out of of_one_goroutine in the Makefile", file, what)
			}
		}
	}
}

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz[A-Za-z0-9_]+)\(`)

func TestMakeFuzzRunsEveryFuzzTest(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../bin/") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, found := range fuzzTest.FindAllSubmatch(text, -1) {
			there = append(there, "."+strings.TrimPrefix(filepath.Dir(path), "..")+":"+string(found[1]))
		}
		return err
	})
	if err != nil || len(there) == 0 {
		t.Fatalf("%d fuzz tests, %v", len(there), err)
	}
	for _, name := range there {
		if !slices.Contains(strings.Fields(string(makefile)), name) {
			t.Errorf("fuzz_tests in the Makefile lacks %s", name)
		}
	}
}

var (
	withoutRace = regexp.MustCompile(`(?m)^without_race = (.*)$`)
	test        = regexp.MustCompile(`(?m)^func (Test[A-Za-z0-9_]+)\(`)
)

// make test runs a file that the race detector is not for only by the names of its tests.
func TestMakeTestRunsEveryTestThatTheRaceDetectorIsNotFor(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	found, count := withoutRace.FindSubmatch(makefile), 0
	if found == nil {
		t.Fatal("the Makefile has no without_race")
	}
	named := regexp.MustCompile(string(found[1]))
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, "../bin/") {
			return err
		}
		text, err := os.ReadFile(path)
		if !strings.HasPrefix(string(text), "//go:build !race\n") {
			return err
		}
		for _, name := range test.FindAllSubmatch(text, -1) {
			count++
			if !named.Match(name[1]) {
				t.Errorf("%s: no command of make test runs %s; see without_race in the Makefile", path, name[1])
			}
		}
		return err
	})
	if err != nil || count == 0 {
		t.Errorf("%d tests, %v", count, err)
	}
}
