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

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz[A-Za-z0-9_]+)\(`)

func TestMakeFuzzRunsEveryFuzzTest(t *testing.T) {
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	err = filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
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
