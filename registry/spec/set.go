package spec

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/proto"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Set is the definitions of a project, and where each is written.
type Set struct {
	// Definitions is all files together, in the order of the files. It must not be changed but by Check, which adds what
	// follows from the rest: the features of views with aggregations, and the columns that these read.
	Definitions *plumbv1.Definitions

	places map[proto.Message]place
	// derived has the views whose features Check has made, and inferred the number of columns, at the end, that it has
	// added to a source.
	derived  map[*plumbv1.FeatureView]bool
	inferred map[*plumbv1.Source]int
	// faulty holds the fields that Load found something wrong with: what follows from that is not reported again.
	faulty map[field]bool
	// incomplete holds the lists of Definitions, by field name, that may have more entries than could be read.
	incomplete map[string]bool
	// texts holds the lines of each file.
	texts map[string][]string
	// problems are the first mistakes, and more counts the others.
	problems []Problem
	more     int
}

// maxProblems bounds the mistakes that are reported. Nobody reads more of them at a time, and formatting each takes
// time.
const maxProblems = 1000

func (s *Set) room() bool { return len(s.problems) < maxProblems }

func (s *Set) mistakes() int { return len(s.problems) + s.more }

// report keeps a mistake, or counts it.
func (s *Set) report(problem Problem) {
	if s.room() {
		s.problems = append(s.problems, problem)
	} else {
		s.more++
	}
}

// place is the node that a message was read from. Messages of Protobuf do not know where they were written, so a set
// has the place of each message by its address. That is why messages must not be copied (see read).
type place struct {
	file string
	node *yaml.Node
}

// field is a field of a message, by the message's node. It may have been left out.
type field struct {
	message *yaml.Node
	name    string
}

// allFields is the name of a field that stands for every field of a message.
const allFields = "*"

// Position is a place in a definition file. Line and Column count from 1.
type Position struct {
	File   string
	Line   int
	Column int
}

// String is file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

func newSet() *Set {
	return &Set{
		Definitions: &plumbv1.Definitions{},
		places:      map[proto.Message]place{},
		derived:     map[*plumbv1.FeatureView]bool{},
		inferred:    map[*plumbv1.Source]int{},
		faulty:      map[field]bool{},
		incomplete:  map[string]bool{},
		texts:       map[string][]string{},
	}
}

// Position returns where a message of the set is written, or the part of it that the path leads to by field names, list
// indices and map keys. If a part is not written it is the place of what would hold it. It is the zero Position for a
// message that is not of the set.
func (s *Set) Position(message proto.Message, path ...string) Position {
	position, _ := s.locate(message, path)
	return position
}

// locate returns the position of the value that the path leads to, and of the key it stands under.
func (s *Set) locate(message proto.Message, path []string) (value, key Position) {
	at, ok := s.places[message]
	if !ok {
		return Position{}, Position{}
	}
	valueNode, keyNode := at.node, at.node
	for _, step := range path {
		nextKey, next := child(valueNode, step)
		if next == nil {
			break
		}
		keyNode, valueNode = nextKey, next
	}
	return at.position(valueNode), at.position(keyNode)
}

func (p place) position(node *yaml.Node) Position {
	return Position{File: p.file, Line: node.Line, Column: node.Column}
}

// child returns the entry of a mapping or sequence: its key and value, which are the same for a sequence; nil if there
// is none.
func child(node *yaml.Node, step string) (key, value *yaml.Node) {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == step {
				return node.Content[i], node.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i]
		}
	}
	return nil, nil
}

// problem is a mistake at this place.
func (p Position) problem(format string, args ...any) Problem {
	return Problem{File: p.File, Line: p.Line, Column: p.Column, Message: fmt.Sprintf(format, args...)}
}

// isFaulty says whether Load reported something about a field of a message.
func (s *Set) isFaulty(message proto.Message, name string) bool {
	return s.isFaultyNode(s.places[message].node, name)
}

func (s *Set) isFaultyNode(message *yaml.Node, name string) bool {
	return s.faulty[field{message, name}] || s.faulty[field{message, allFields}]
}
