package spec_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/registry/spec"
)

const schemaFile = "../../proto/plumb/v1/definitions.schema.json"

// beyondSchema are the cases in which Load refuses what no JSON Schema can: the text itself, and values too large.
var beyondSchema = []string{
	"bad_duration", "repeated_key", "yaml_syntax", "two_documents", "not_text", "odd_line_ends", "empty_files",
	"yaml_aliases", "keys_that_are_no_text", "unreadable_file_withholds_unknown_names",
}

// TestEditorsAcceptWhatLoadAccepts holds the JSON Schema against Load, file by file.
func TestEditorsAcceptWhatLoadAccepts(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/cases/*/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	flights, err := filepath.Glob(nycflights + "/features/*.yaml")
	if err != nil || len(flights) == 0 {
		t.Fatal("no real definitions", err)
	}
	for _, file := range append(files, flights...) {
		if slices.Contains(beyondSchema, filepath.Base(filepath.Dir(file))) {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			t.Fatal(file, err)
		}
		_, loadError := spec.Load(".", []string{file})
		schemaError := schema.Validate(value)
		if (loadError == nil) != (schemaError == nil) {
			t.Errorf("%s: Load says %v, the schema says %v", file, loadError, schemaError)
		}
	}
}

func TestEditorsAcceptTheDurationsThatLoadAccepts(t *testing.T) {
	text, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Definitions map[string]struct{ Pattern string } `yaml:"$defs"`
	}
	if err := yaml.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	if got := schema.Definitions["Duration"].Pattern; got != feature.DurationPattern {
		t.Errorf("the schema has %s, Load %s", got, feature.DurationPattern)
	}
}
