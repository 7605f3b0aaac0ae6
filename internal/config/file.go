package config

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/spec"
)

// file is what plumb.yaml says.
type file struct {
	values map[string]*value
	// faulty holds the keys whose value was reported. Nothing more is said of these: a key with a slip in its name, which
	// is reported as unknown, is not reported as missing, too.
	faulty   map[string]bool
	problems []spec.Problem
}

// readFile reads the text of plumb.yaml. The error is a *spec.Problems: there are no keys to read.
func readFile(text []byte) (*file, error) {
	root, err := spec.Document(FileName, text)
	if err != nil {
		return nil, err
	}
	f := &file{values: map[string]*value{}, faulty: map[string]bool{}}
	f.readSection(root, "")
	if root.Kind != yaml.MappingNode {
		return nil, spec.NewProblems(f.problems)
	}
	return f, nil
}

// readSection reads the keys of a mapping; prefix is the path to it, such as "offline.".
func (f *file) readSection(node *yaml.Node, prefix string) {
	if node.Kind != yaml.MappingNode {
		f.report(node, "%s must be a mapping with the keys %s", orFile(strings.TrimSuffix(prefix, ".")),
			strings.Join(keysBelow(prefix), ", "))
		return
	}
	first := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if earlier := first[key.Value]; earlier != nil {
			f.report(key, "key %q is given twice; the first is on line %d, keep one of them", key.Value, earlier.Line)
			continue
		}
		first[key.Value] = key
		f.readKey(key, value, prefix)
	}
}

func (f *file) readKey(key, node *yaml.Node, prefix string) {
	path := prefix + key.Value
	at := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == path })
	switch {
	case key.Kind != yaml.ScalarNode || !slices.Contains(keysBelow(prefix), key.Value):
		f.reportUnknown(key, prefix)
	case at < 0:
		f.readSection(node, path+".")
	default:
		items, message := read(settings[at].kind, node)
		if message != "" {
			f.report(node, "%s %s", path, message)
			f.faulty[path] = true
			return
		}
		f.values[path] = &value{items, placeOf(node)}
	}
}

// read returns the items of a value, or what it should be.
//
// Nothing is converted on the way. YAML takes project: 2024 for a number and project: true for a truth value, so a text
// that YAML does not take for text is refused, and has to be in quotes.
func read(kind kind, node *yaml.Node) (items []string, message string) {
	switch {
	case node.ShortTag() == "!!null":
		return nil, "has no value; give it one, or remove the key"
	case kind == list:
		for _, item := range node.Content {
			if !isText(item) {
				return nil, "must be a list of texts"
			}
			items = append(items, item.Value)
		}
		if node.Kind != yaml.SequenceNode {
			return nil, fmt.Sprintf("must be a list, such as [%s]", node.Value)
		}
		return items, ""
	case kind == named:
		return readNamed(node)
	case kind == number && (node.Kind != yaml.ScalarNode || node.ShortTag() != "!!int"):
		return nil, "must be a whole number"
	case kind == share && (node.Kind != yaml.ScalarNode || node.ShortTag() == "!!bool"):
		return nil, "must be a number or a word"
	case kind == text && !isText(node):
		return nil, "must be text, and be in quotes where YAML would take it for something else"
	}
	return []string{node.Value}, ""
}

// readNamed returns the items of a mapping, each name=text.
func readNamed(node *yaml.Node) (items []string, message string) {
	const form = "must be a mapping of names to texts, such as {warehouse: \"postgres://…\"}"
	if node.Kind != yaml.MappingNode {
		return nil, form
	}
	first := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		name, value := node.Content[i], node.Content[i+1]
		switch {
		case !isText(name) || !isText(value):
			return nil, form
		case first[name.Value]:
			return nil, fmt.Sprintf("has %s twice; keep one of them", name.Value)
		}
		first[name.Value] = true
		items = append(items, name.Value+"="+value.Value)
	}
	return items, ""
}

func isText(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str"
}

func (f *file) reportUnknown(key *yaml.Node, prefix string) {
	known := keysBelow(prefix)
	if closest := fault.Closest(key.Value, known); closest != "" {
		f.report(key, "unknown key %q; did you mean %q?", key.Value, closest)
		f.faulty[prefix+closest] = true
		return
	}
	for _, setting := range settings {
		if section, name, ok := strings.Cut(setting.Key, "."); ok && prefix == "" && name == key.Value {
			f.report(key, "unknown key %q; it belongs below %q", key.Value, section)
			return
		}
	}
	f.report(key, "unknown key %q; the keys here are %s", key.Value, strings.Join(known, ", "))
}

// keysBelow returns the keys of the section that the prefix leads to: settings, and sections of their own.
func keysBelow(prefix string) []string {
	var keys []string
	for _, setting := range settings {
		rest, ok := strings.CutPrefix(setting.Key, prefix)
		key, _, _ := strings.Cut(rest, ".")
		if ok && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

func orFile(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

func placeOf(node *yaml.Node) spec.Problem {
	return spec.Problem{File: FileName, Line: node.Line, Column: node.Column}
}

func (f *file) report(node *yaml.Node, format string, args ...any) {
	f.problems = append(f.problems, problemAt(placeOf(node), format, args...))
}

func (l *loader) report(origin spec.Problem, format string, args ...any) {
	l.problems = append(l.problems, problemAt(origin, format, args...))
}

func problemAt(place spec.Problem, format string, args ...any) spec.Problem {
	place.Message = fmt.Sprintf(format, args...)
	return place
}
