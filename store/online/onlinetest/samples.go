package onlinetest

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Samples reads files of testdata/compat/store: by file name, then by the name of a case, its bytes. The test runs in a
// package below store.
func Samples(t *testing.T, pattern string) map[string]map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("..", "..", "testdata", "compat", "store", pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no samples match %s: %v", pattern, err)
	}
	files := map[string]map[string][]byte{}
	for _, path := range paths {
		file := map[string][]byte{}
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			name, text, _ := strings.Cut(strings.TrimSpace(line), ": ")
			if file[name], err = hex.DecodeString(text); err != nil {
				t.Fatalf("%s: %s: %v", path, name, err)
			}
		}
		files[filepath.Base(path)] = file
	}
	return files
}
