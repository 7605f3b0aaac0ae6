// Package jsonlines reads files with one JSON object on each line, as every part of the product takes them: UTF-8, with
// empty lines and a byte order mark passed over. Members are given as text, letter for letter: a string without its
// quotes, anything else as it is written.
//
// The line {"a": 1.50, "b": "x", "c": null} has the members a with the text 1.50, b with the text x, and c, which is
// null. Numbers are not decoded here, since what they may become depends on the declared type: as a float64,
// 9007199254740993 would have lost its last digit before an INT64 was made of it (R9).
package jsonlines

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
)

// maxLine bounds the memory that one line takes.
const maxLine = 64 << 20

// maxNames bounds the columns that a file may make: each takes memory in each row.
const maxNames = 10_000

// Member is one member of an object.
type Member struct {
	Name, Text string
	// Null says that the value is null.
	Null bool
}

// Reader reads a file object by object. What it says of a file that is no such file is a *fault.InputError, which
// names the line.
type Reader struct {
	input *bufio.Reader
	line  int
}

// NewReader begins to read a file.
func NewReader(input io.Reader) *Reader { return &Reader{input: bufio.NewReaderSize(input, 1<<20)} }

// Names reads a whole file and returns the names of all members, in the order in which they first appear.
func Names(input io.Reader) ([]string, error) {
	reader := NewReader(input)
	known := map[string]bool{}
	var names []string
	for {
		members, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return names, nil
		}
		if err != nil {
			return nil, err
		}
		for _, member := range members {
			if known[member.Name] {
				continue
			}
			if len(names) == maxNames {
				return nil, reader.mistake("has a member beyond the %d names that a file may have", maxNames)
			}
			known[member.Name] = true
			names = append(names, member.Name)
		}
	}
}

// Read returns the members of the next object in their order, or io.EOF.
func (r *Reader) Read() ([]Member, error) {
	for {
		line, err := r.nextLine()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return r.parse(line)
		}
	}
}

// nextLine returns the next line. The last line needs no line feed.
func (r *Reader) nextLine() ([]byte, error) {
	r.line++
	var line []byte
	for {
		part, err := r.input.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, r.mistake("is longer than %d MiB", maxLine>>20)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if errors.Is(err, io.EOF) && len(line) > 0 {
			err = nil
		}
		if r.line == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		return line, err
	}
}

func (r *Reader) mistake(format string, args ...any) error {
	return fault.Inputf("", "line %d %s", r.line, fmt.Sprintf(format, args...))
}

func (r *Reader) parse(line []byte) ([]Member, error) {
	if !utf8.Valid(line) {
		return nil, r.mistake("is not UTF-8; save the file as UTF-8")
	}
	if line[0] != '{' {
		return nil, r.mistake("is not a JSON object; each line has to be one, such as {\"name\": 1}")
	}
	object, err := jsonobject.Read(line)
	switch {
	case errors.Is(err, jsonobject.ErrMore):
		return nil, r.mistake("has something after its object; each line has to be one object")
	case err != nil:
		return nil, r.mistake("%v", err)
	}
	members := make([]Member, len(object.Names))
	for i, name := range object.Names {
		if members[i], err = r.member(name, object.Values[i]); err != nil {
			return nil, err
		}
	}
	return members, nil
}

func (r *Reader) member(name string, raw json.RawMessage) (Member, error) {
	switch raw[0] {
	case 'n':
		return Member{Name: name, Null: true}, nil
	case '"':
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return Member{}, r.mistake("is not JSON: %v", err)
		}
		if strings.Count(text, "\ufffd") > replacements(raw) {
			return Member{}, r.mistake("has half of a surrogate pair in the member %q, which is no character", name)
		}
		return Member{Name: name, Text: text}, nil
	}
	return Member{Name: name, Text: string(raw)}, nil
}

// replacements counts the replacement characters that a JSON string is written with. Decoding makes more of them for
// what is no character.
func replacements(raw []byte) int {
	return bytes.Count(raw, []byte("\ufffd")) + bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`))
}
