// Command definitionschema writes the JSON Schema with which editors complete and check definition files. It starts
// from the schemas that protoc-gen-jsonschema generates for plumb.v1.Definitions, and changes them to what the YAML
// reader accepts. That is the strict schema, in which each key has one spelling and types are names, with the required
// keys of the lenient schema.
//
// Usage: definitionschema FOLDER FILE. FOLDER contains the output of protoc-gen-jsonschema.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// durationPattern is feature.DurationPattern. A test in that package checks that they are equal.
const durationPattern = `^(\d+(?:\.\d+)?d)?(\d+(?:\.\d+)?h)?(\d+(?:\.\d+)?m)?(\d+(?:\.\d+)?s)?` +
	`(\d+(?:\.\d+)?ms)?(\d+(?:\.\d+)?us)?$`

type object = map[string]any

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: definitionschema FOLDER FILE")
		os.Exit(3)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "definitionschema:", err)
		os.Exit(1)
	}
}

func run(folder, file string) error {
	strict, err := definitions(filepath.Join(folder, "plumb.v1.Definitions.schema.strict.bundle.json"))
	if err != nil {
		return err
	}
	lenient, err := definitions(filepath.Join(folder, "plumb.v1.Definitions.schema.bundle.json"))
	if err != nil {
		return err
	}
	for name, schema := range strict {
		delete(schema, "$schema")
		// The strict schema requires everything that has no presence of its own.
		delete(schema, "required")
		if required, ok := lenient[name]["required"]; ok {
			schema["required"] = required
		}
	}
	if err := refine(strict); err != nil {
		return err
	}
	return write(file, object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "plumb.v1.Definitions.schema.json",
		"$ref":    "#/$defs/Definitions",
		"$defs":   strict,
	})
}

// definitions returns the schemas in a bundle, by message name.
func definitions(path string) (map[string]object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var bundle struct {
		Schemas map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(text, &bundle); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	shorten := shortNames(bundle.Schemas)
	schemas := map[string]object{}
	for name, schema := range bundle.Schemas {
		var parsed object
		if err := json.Unmarshal([]byte(shorten.Replace(string(schema))), &parsed); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
		schemas[shorten.Replace("#/$defs/" + name)[len("#/$defs/"):]] = parsed
	}
	return schemas, nil
}

// shortNames returns a replacer of references such as #/$defs/plumb.v1.Entity.schema.json by #/$defs/Entity.
func shortNames(schemas map[string]json.RawMessage) *strings.Replacer {
	var pairs []string
	for name := range schemas {
		message, _, _ := strings.Cut(name, ".schema.")
		pairs = append(pairs, "#/$defs/"+name, "#/$defs/"+message[strings.LastIndexByte(message, '.')+1:])
	}
	return strings.NewReplacer(pairs...)
}

// refine adds the constraints that the generator does not derive from the messages.
func refine(schemas map[string]object) error {
	schemas["Duration"] = object{
		"title":       "Duration",
		"description": "Such as 90s, 6h, 7d or 1d12h; the units are d, h, m, s, ms, us.",
		"type":        "string",
		"minLength":   1,
		"pattern":     durationPattern,
		// Not zero.
		"allOf": []object{{"pattern": "[1-9]"}},
	}
	var kinds []object
	for _, kind := range []string{"parquet", "csv", "jsonl", "postgres", "iceberg", "delta", "sql"} {
		kinds = append(kinds, object{"required": []string{kind}})
	}
	schemas["Source"]["oneOf"] = kinds
	keyType, ok := property(schemas, "JoinKey", "type")
	if !ok {
		return fmt.Errorf("the schema of JoinKey has no type")
	}
	keyType["enum"] = []string{"STRING", "BYTES", "BOOL", "INT32", "INT64"}
	for _, message := range []string{"ViewReference", "ViewInput", "Aggregation"} {
		alias, ok := property(schemas, message, "as")
		if !ok {
			return fmt.Errorf("the schema of %s has no as", message)
		}
		alias["pattern"] = fmt.Sprintf("^$|%s", alias["pattern"])
	}
	schemas["FeatureView"]["oneOf"] = []object{{"required": []string{"features"}}, {"required": []string{"aggregations"}}}
	for _, name := range []string{"features", "aggregations"} {
		list, ok := property(schemas, "FeatureView", name)
		if !ok {
			return fmt.Errorf("the schema of FeatureView has no %s", name)
		}
		list["minItems"] = 1
	}
	return refineAggregations(schemas)
}

// refineAggregations describes the short forms of aggregations.
func refineAggregations(schemas map[string]object) error {
	windows, ok := property(schemas, "Aggregation", "windows")
	if !ok {
		return fmt.Errorf("the schema of Aggregation has no windows")
	}
	windows["items"] = durationOr("lifetime")
	hop, ok := property(schemas, "Aggregation", "hop")
	if !ok {
		return fmt.Errorf("the schema of Aggregation has no hop")
	}
	delete(hop, "type")
	hop["anyOf"] = durationOr("exact")["anyOf"]
	schemas["Aggregation"]["required"] = []string{"functions", "windows"}
	description, _ := schemas["AggregateFunction"]["description"].(string)
	count := object{"type": "integer", "minimum": 0, "maximum": 1<<32 - 1}
	maxValues := object{"type": "integer", "minimum": 1, "maximum": 1<<32 - 1,
		"description": "How many different values, or groups, a window may have; 1,000 if left out."}
	plain := object{"enum": []string{"rows", "count", "sum", "mean", "min", "max", "variance", "variance_samp", "stddev",
		"stddev_samp", "first", "last", "distinct", "histogram"}}
	schemas["AggregateFunction"] = object{
		"title":       "Aggregate Function",
		"description": description,
		"anyOf": []object{
			plain,
			braces("last_n", object{"last_n": count}),
			braces("top_k", object{"top_k": count, "max_values": maxValues}),
			braces("percentile", object{
				"percentile": object{"type": "array", "items": object{"type": "number"}},
				"error":      object{"type": "number", "not": object{"const": 0}},
			}),
			braces("name", object{"name": plain, "max_values": maxValues}),
		},
	}
	return nil
}

// braces describes a mapping that has one key, and may have others.
func braces(required string, properties object) object {
	return object{"type": "object", "properties": properties, "required": []string{required},
		"additionalProperties": false}
}

// durationOr describes a duration, or a word in its place.
func durationOr(word string) object {
	return object{"anyOf": []object{{"const": word}, {"type": "string", "minLength": 1, "pattern": durationPattern}}}
}

func property(schemas map[string]object, message, name string) (object, bool) {
	properties, _ := schemas[message]["properties"].(object)
	found, ok := properties[name].(object)
	return found, ok
}

func write(file string, schema object) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		return err
	}
	return os.WriteFile(file, text.Bytes(), 0o644)
}
