package spec

import (
	"fmt"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// read adds the definitions of one file. The error is a fault: it never comes from what is in the file.
//
// Mistakes are looked for in the YAML itself, then by the reader in keys and values, then in the rules of the schema.
// Only what is not YAML ends the reading, so that a user sees all mistakes at once; what one has found about a field
// keeps the next from reporting the field again. protoyaml's own error is dropped if the reader has reported something,
// since it is about the same mistake.
func (s *Set) read(file string, data []byte) error {
	data = normalizeBreaks(data)
	if _, problem := document(file, data); problem != nil {
		s.report(*problem)
		s.allIncomplete()
		return nil
	}
	s.texts[file] = strings.Split(string(data), "\n")
	before := s.mistakes()
	reader := &reader{set: s, file: file}
	definitions := &plumbv1.Definitions{}
	// The reader reports unknown keys itself, with suggestions.
	options := protoyaml.UnmarshalOptions{CustomUnmarshaler: reader, DiscardUnknown: true}
	if err := options.Unmarshal(data, definitions); err != nil && s.mistakes() == before {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := reader.checkRules(definitions); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	reader.checkContents(definitions)
	root := s.places[definitions].node
	for key := range s.faulty {
		if key.message == root {
			s.incomplete[key.name] = true
		}
	}
	// Merging would copy the messages, and so lose their places.
	all := s.Definitions
	all.Entities = append(all.Entities, definitions.GetEntities()...)
	all.Sources = append(all.Sources, definitions.GetSources()...)
	all.FeatureViews = append(all.FeatureViews, definitions.GetFeatureViews()...)
	all.OnDemandViews = append(all.OnDemandViews, definitions.GetOnDemandViews()...)
	all.FeatureServices = append(all.FeatureServices, definitions.GetFeatureServices()...)
	return nil
}

// reader is the part of reading a file that protoyaml calls for each message. It notes where the message is written,
// and checks the keys and the kinds of values so strictly that protoyaml finds nothing to complain of.
type reader struct {
	set  *Set
	file string
}

func (r *reader) add(node *yaml.Node, format string, args ...any) {
	if r.set.room() {
		r.set.report(place{r.file, node}.position(node).problem(format, args...))
	} else {
		r.set.more++
	}
}

func (r *reader) markFaulty(message *yaml.Node, name string) {
	r.set.faulty[field{message, name}] = true
}

var _ protoyaml.CustomUnmarshaler = (*reader)(nil)

// nameOf returns what the file calls the message at a node, in quotes and after a space; or nothing.
func nameOf(message *yaml.Node) string {
	if _, name := child(message, "name"); name != nil && name.Kind == yaml.ScalarNode && name.Value != "" {
		return fmt.Sprintf(" %q", name.Value)
	}
	return ""
}

// nouns are the words for messages, by message name.
var nouns = map[string]string{
	"Definitions":     "a definition file",
	"Entity":          "an entity",
	"JoinKey":         "a join key",
	"Source":          "a source",
	"ParquetSource":   "parquet",
	"SqlSource":       "sql",
	"CsvSource":       "csv",
	"JsonLinesSource": "jsonl",
	"PostgresSource":  "postgres",
	"IcebergSource":   "iceberg",
	"DeltaSource":     "delta",
	"SourceColumn":    "a column of a source",
	"FeatureView":     "a feature view",
	"Aggregation":     "an aggregation",
	"PushLog":         "push_log",
	"Feature":         "a feature",
	"OnDemandView":    "an on-demand view",
	"RequestInput":    "a request input",
	"ViewInput":       "a use of a view",
	"ComputedFeature": "a computed feature",
	"FeatureService":  "a feature service",
	"ViewReference":   "a reference to a view",
}

func noun(message proto.Message) string {
	return nouns[string(message.ProtoReflect().Descriptor().Name())]
}

func quoteAll(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }
