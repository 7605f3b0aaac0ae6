package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/internal/config"
	"github.com/plumbstore/plumb/registry/spec"
)

// FuzzConfiguration reads any text as plumb.yaml: a configuration comes of it, or mistakes, each with its place.
func FuzzConfiguration(f *testing.F) {
	files, err := filepath.Glob("testdata/*/plumb.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal("no files", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, config.FileName), text, 0o600); err != nil {
			t.Fatal(err)
		}
		var none config.Overrides
		loaded, err := config.Load(folder, &none, func(string) string { return "" })
		if err == nil {
			if loaded.Project == "" || len(loaded.Definitions) == 0 || loaded.Serving.GRPC == "" {
				t.Errorf("an incomplete configuration: %+v", loaded)
			}
			return
		}
		var problems *spec.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("a fault: %v", err)
		}
		lines := 2 + strings.Count(strings.ReplaceAll(string(text), "\r", "\n"), "\n")
		for _, problem := range problems.All {
			if problem.File != config.FileName || problem.Line > lines || problem.Message == "" {
				t.Errorf("a mistake without a place within %d lines: %q", lines, problem)
			}
		}
	})
}
