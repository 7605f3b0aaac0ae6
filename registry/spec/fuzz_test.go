package spec_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry/spec"
)

// FuzzDefinitions reads any text as a definition file: definitions come of it, or mistakes that have their places.
func FuzzDefinitions(f *testing.F) {
	for _, pattern := range []string{"testdata/cases/*/*.yaml", "../../testdata/nycflights/features/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			f.Fatalf("no files are %s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		set, err := spec.Parse([]spec.Text{{File: "any.yaml", Data: text}})
		checkPlaces(t, text, err)
		if checkErr := set.Check(t.Context(), nil); checkErr != nil {
			checkPlaces(t, text, checkErr)
			return
		}
		if err == nil {
			checkRoundTrip(t, set.Definitions)
		}
	})
}

// checkPlaces wants mistakes alone, each within the text.
func checkPlaces(t *testing.T, text []byte, err error) {
	t.Helper()
	if err == nil {
		return
	}
	var problems *spec.Problems
	if !errors.As(err, &problems) {
		t.Fatalf("a fault: %v", err)
	}
	lines := 1 + strings.Count(strings.ReplaceAll(strings.ReplaceAll(string(text), "\r\n", "\n"), "\r", "\n"), "\n")
	for _, problem := range problems.All {
		if problem.Line < 1 || problem.Line > lines+1 || problem.Column < 1 || problem.Message == "" {
			t.Errorf("a mistake without a place within %d lines: %q", lines, problem)
		}
	}
}

// checkRoundTrip writes definitions that are right, and reads the same ones back.
func checkRoundTrip(t *testing.T, definitions *plumbv1.Definitions) {
	t.Helper()
	written, err := spec.Marshal(definitions)
	if err != nil {
		t.Fatalf("they cannot be written: %v\n%v", err, definitions)
	}
	again, err := spec.ReadTexts(t.Context(), []spec.Text{{File: "again.yaml", Data: written}}, nil)
	if err != nil || !proto.Equal(again, definitions) {
		t.Errorf("read back they are %v, not %v (%v), from\n%s", again, definitions, err, written)
	}
}
