package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"

	"go.yaml.in/yaml/v3"
)

// Document parses a file that holds one YAML document, and returns what is at its root. The error is a *Problems, with
// file as the name of the file.
func Document(file string, data []byte) (*yaml.Node, error) {
	root, problem := document(file, normalizeBreaks(data))
	if problem != nil {
		return nil, NewProblems([]Problem{*problem})
	}
	return root, nil
}

// document wants \n as the only line end.
func document(file string, data []byte) (*yaml.Node, *Problem) {
	if problem := checkBreaks(file, data); problem != nil {
		return nil, problem
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	err := decoder.Decode(&first)
	if err == nil {
		err = decoder.Decode(&second)
	}
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return nil, syntaxProblem(file, data, err)
	case second.Kind != 0:
		return nil, problemAt(file, second.Line, second.Column,
			"a second YAML document starts here; put it into a file of its own, or remove the ---")
	case first.Kind == 0 || isNull(first.Content[0]):
		return nil, problemAt(file, 1, 1, "the file is empty; write something into it, or remove it")
	}
	return first.Content[0], nil
}

func problemAt(file string, line, column int, format string, args ...any) *Problem {
	problem := Position{file, line, column}.problem(format, args...)
	return &problem
}

// normalizeBreaks turns every line end into \n, as YAML does with the content; protoyaml counts no other.
func normalizeBreaks(data []byte) []byte {
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// rareBreaks are characters that end a line in YAML 1.1 but not in 1.2, nor for protoyaml or an editor.
const rareBreaks = "\u0085\u2028\u2029"

func checkBreaks(file string, data []byte) *Problem {
	at := bytes.IndexAny(data, rareBreaks)
	if at < 0 {
		return nil
	}
	before := data[:at]
	line, column := bytes.Count(before, []byte("\n")), len(bytes.Runes(before[bytes.LastIndexByte(before, '\n')+1:]))
	return problemAt(file, line+1, column+1,
		"holds the invisible line separator %U, which YAML readers disagree about; remove it", bytes.Runes(data[at:])[0])
}

var syntaxPrefix = regexp.MustCompile(`^yaml: (line \d+: )?`)

// syntaxProblem says what the YAML parser could not read. The parser names the line where the construct began, which
// may be far above; the place given is the first line after which the parser gives up, and its first letter. Every
// beginning of the file that has that line fails in the same way, and shorter ones do not, so a binary search finds it.
func syntaxProblem(file string, data []byte, err error) *Problem {
	lines := bytes.SplitAfter(data, []byte("\n"))
	at := sort.Search(len(lines)-1, func(i int) bool {
		return parseError(bytes.Join(lines[:i+1], nil)) == err.Error()
	})
	indent := len(lines[at]) - len(bytes.TrimLeft(lines[at], " \t"))
	if tab := bytes.IndexByte(lines[at][:indent], '\t'); tab >= 0 {
		return problemAt(file, at+1, tab+1, "YAML allows no tab here; indent with spaces")
	}
	return problemAt(file, at+1, indent+1, "this is not YAML: %s", syntaxPrefix.ReplaceAllString(err.Error(), ""))
}

// parseError is the text of the first error in two documents.
func parseError(data []byte) string {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for range 2 {
		var node yaml.Node
		if err := decoder.Decode(&node); err != nil {
			return err.Error()
		}
	}
	return ""
}

func isNull(node *yaml.Node) bool { return node.ShortTag() == "!!null" }
