package spec_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/plumbstore/plumb/registry/spec"
)

// TestManyMistakesAreBounded gives a file of a few megabytes with 200,000 mistakes.
func TestManyMistakesAreBounded(t *testing.T) {
	for name, text := range map[string]string{
		"empty names": "entities:\n" + strings.Repeat("  - {x: 1}\n", 200_000),
		"wrong types": "entities:\n" + strings.Repeat("  - [1]\n", 200_000),
	} {
		_, err := spec.ReadTexts(t.Context(), []spec.Text{{File: "f.yaml", Data: []byte(text)}}, nil)
		problems, ok := errors.AsType[*spec.Problems](err)
		if !ok || len(problems.All) > 1002 {
			t.Fatalf("%s: got %T", name, err)
		}
		if !strings.Contains(err.Error(), "f.yaml: has further mistakes") {
			t.Errorf("%s: the error does not say that there are more", name)
		}
	}
}
