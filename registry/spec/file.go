package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strings"

	"buf.build/go/protoyaml"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// read adds the definitions of one file. The error is a fault: it never comes from what is in the file.
func (s *Set) read(file string, data []byte) error {
	data = normalizeBreaks(data)
	if !s.checkText(file, data) || !s.checkSyntax(file, data) {
		s.allIncomplete()
		return nil
	}
	before := len(s.problems)
	reader := &reader{set: s, file: file}
	definitions := &plumbv1.Definitions{}
	// The reader reports unknown keys itself, with suggestions.
	options := protoyaml.UnmarshalOptions{CustomUnmarshaler: reader, DiscardUnknown: true}
	if err := options.Unmarshal(data, definitions); err != nil && len(s.problems) == before {
		return fmt.Errorf("read %s: %w", file, err)
	}
	if err := reader.checkRules(definitions); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
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
	all.FeatureServices = append(all.FeatureServices, definitions.GetFeatureServices()...)
	return nil
}

// normalizeBreaks turns every line end into \n, as YAML does with the content; protoyaml counts no other.
func normalizeBreaks(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// rareBreaks are characters that end a line in YAML 1.1 but not in 1.2, nor for protoyaml or an editor.
const rareBreaks = "\u0085\u2028\u2029"

func (s *Set) checkText(file string, data []byte) bool {
	at := bytes.IndexAny(data, rareBreaks)
	if at < 0 {
		return true
	}
	before := data[:at]
	line, column := bytes.Count(before, []byte("\n")), len(bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:]))
	s.addAt(Position{file, line + 1, column + 1},
		"holds the invisible line separator %U, which YAML readers disagree about; remove it", bytes.Runes(data[at:])[0])
	return false
}

// checkSyntax reports whether the text is one YAML document.
func (s *Set) checkSyntax(file string, data []byte) bool {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	err := decoder.Decode(&document)
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		s.syntaxError(file, data, err)
	case second.Kind != 0:
		s.addAt(Position{file, second.Line, second.Column},
			"a second YAML document starts here; put it into a file of its own, or remove the ---")
	case document.Kind == 0 || isNull(document.Content[0]):
		s.addAt(Position{file, 1, 1}, "the file is empty; define something in it, or remove it")
	default:
		return true
	}
	return false
}

var syntaxPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxError reports what the YAML parser could not read. The parser names the line where the construct began, which
// may be far above; the place reported is the first line after which the parser gives up, and its first letter.
func (s *Set) syntaxError(file string, data []byte, err error) {
	lines := bytes.SplitAfter(data, []byte("\n"))
	at := sort.Search(len(lines)-1, func(i int) bool {
		prefix := yaml.NewDecoder(bytes.NewReader(bytes.Join(lines[:i+1], nil)))
		var document yaml.Node
		problem := prefix.Decode(&document)
		if problem == nil {
			problem = prefix.Decode(&document)
		}
		return problem != nil && problem.Error() == err.Error()
	})
	indent := len(lines[at]) - len(bytes.TrimLeft(lines[at], " \t"))
	s.addAt(Position{file, at + 1, indent + 1}, "this is not YAML: %s", syntaxPrefix.ReplaceAllString(err.Error(), ""))
}

func isNull(node *yaml.Node) bool { return node.ShortTag() == "!!null" }

// reader is the part of reading a file that protoyaml calls for each message. It notes where the message is written,
// and checks the keys and the kinds of values so strictly that protoyaml finds nothing to complain of.
type reader struct {
	set  *Set
	file string
}

func (r *reader) add(node *yaml.Node, format string, args ...any) {
	r.set.addAt(Position{r.file, node.Line, node.Column}, format, args...)
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
	"Definitions":    "a definition file",
	"Entity":         "an entity",
	"JoinKey":        "a join key",
	"Source":         "a source",
	"ParquetSource":  "parquet",
	"SqlSource":      "sql",
	"FeatureView":    "a feature view",
	"Feature":        "a feature",
	"FeatureService": "a feature service",
	"ViewReference":  "a reference to a view",
}

func noun(message proto.Message) string {
	return nouns[string(message.ProtoReflect().Descriptor().Name())]
}

func quoteAll(names []string) string { return `"` + strings.Join(names, `", "`) + `"` }
