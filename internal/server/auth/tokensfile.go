package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/registry/spec"
)

// Entry is a token as its file has it.
type Entry struct {
	// Name identifies the token in logs.
	Name string
	// Hash is the SHA-256 of the token. A slow hash, as passwords need, would only slow calls down: a token has 256
	// random bits, which nobody finds by trying.
	Hash [sha256.Size]byte
	Role Role
	// Projects are those in which it has its role; at least one.
	Projects []string
}

// YAML is the entry as a part of the file.
func (e Entry) YAML() string {
	return fmt.Sprintf("- name: %s\n  sha256: %x\n  role: %s\n  projects: [%s]\n", e.Name, e.Hash, e.Role,
		strings.Join(e.Projects, ", "))
}

// line is the entry as a line of the file.
func (e Entry) line() string {
	return fmt.Sprintf("- {name: %s, sha256: %x, role: %s, projects: [%s]}", e.Name, e.Hash, e.Role,
		strings.Join(e.Projects, ", "))
}

// ParseTokens reads a file of tokens. The error is a *spec.Problems with every mistake; it has nothing of a hash in it.
// A file that is empty, or has comments alone, has no tokens.
func ParseTokens(file string, text []byte) ([]Entry, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err == nil && document.Kind == 0 {
		return nil, nil
	}
	root, err := spec.Document(file, text)
	if err != nil {
		return nil, err
	}
	reader := &tokenReader{file: file}
	if root.Kind != yaml.SequenceNode {
		reader.report(root, "must be a list of tokens, each with name, sha256, role and projects")
	}
	for _, node := range root.Content {
		if root.Kind == yaml.SequenceNode {
			reader.read(node)
		}
	}
	return reader.entries, spec.NewProblems(reader.problems)
}

type tokenReader struct {
	file     string
	entries  []Entry
	problems []spec.Problem
}

func (r *tokenReader) report(node *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, spec.Problem{
		File: r.file, Line: node.Line, Column: node.Column, Message: fmt.Sprintf(format, args...),
	})
}

var tokenKeys = []string{"name", "sha256", "role", "projects"}

// read reads one token. It is kept even if it has mistakes, to be compared with the others.
func (r *tokenReader) read(node *yaml.Node) {
	if node.Kind != yaml.MappingNode {
		r.report(node, "must be a token with name, sha256, role and projects")
		return
	}
	given := map[string]*yaml.Node{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		switch {
		case !slices.Contains(tokenKeys, key.Value):
			r.report(key, "unknown key %q; a token has name, sha256, role and projects", shown(key.Value))
		case given[key.Value] != nil:
			r.report(key, "key %q is given twice; keep one of them", key.Value)
		}
		given[key.Value] = node.Content[i+1]
	}
	for _, key := range tokenKeys {
		if given[key] == nil {
			r.report(node, "%s is missing", key)
			return
		}
	}
	entry := Entry{
		Name: r.name(given["name"]), Hash: r.hash(given["sha256"]), Role: r.role(given["role"]),
		Projects: r.projects(given["projects"]),
	}
	for _, other := range r.entries {
		if other.Name == entry.Name {
			r.report(given["name"], "name %q is given twice; logs would not tell the tokens apart", entry.Name)
		}
		if other.Hash == entry.Hash {
			r.report(given["sha256"], "this is the token of %q too; make another one", other.Name)
		}
	}
	r.entries = append(r.entries, entry)
}

func (r *tokenReader) name(node *yaml.Node) string {
	if err := CheckName(node.Value); err != nil || node.Kind != yaml.ScalarNode {
		r.report(node, "name must be 1 to 63 letters, digits, dots, dashes or underscores")
	}
	return node.Value
}

// CheckName says whether a token may have this name.
func CheckName(name string) error {
	strange := func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("._-", c)
	}
	if name == "" || len(name) > 63 || strings.ContainsFunc(name, strange) {
		return fault.Inputf("name", "must be 1 to 63 letters, digits, dots, dashes or underscores")
	}
	return nil
}

func (r *tokenReader) hash(node *yaml.Node) (hash [sha256.Size]byte) {
	decoded, err := hex.DecodeString(node.Value)
	if err != nil || len(decoded) != len(hash) { // It may be the token itself, so it is not repeated.
		r.report(node, "sha256 must be the 64 hexadecimal digits that plumb token create printed, not the token itself")
	}
	copy(hash[:], decoded)
	return hash
}

func (r *tokenReader) role(node *yaml.Node) Role {
	role, err := ParseRole(node.Value)
	if err != nil {
		r.report(node, "%s", strings.Replace(err.Error(), "role: ", "role ", 1))
	}
	return role
}

func (r *tokenReader) projects(node *yaml.Node) []string {
	var names []string
	for _, item := range node.Content {
		if err := spec.CheckName(item.Value); err != nil {
			r.report(item, "%q is not a name of a project", shown(item.Value))
		}
		names = append(names, item.Value)
	}
	if node.Kind != yaml.SequenceNode || len(names) == 0 {
		r.report(node, "projects must be a list of at least one project, such as [%s]", "nycflights")
	}
	return names
}

// shown bounds what a message repeats of a file.
func shown(text string) string {
	const most = 40
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
