// Package jsonobject reads one JSON object member by member: in their order, each with its value as it is written, and
// none twice, since parsers differ in which of two they take. What lies within the values is not looked at.
package jsonobject

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// What a text is that is JSON and no object. Errors of this package go on after what they are of: "the body has …".
var (
	ErrNoObject = errors.New("is not a JSON object")
	ErrMore     = errors.New("has something behind its end")
)

// Object is a JSON object: the names of its members, and their values as they are written.
type Object struct {
	Names  []string
	Values []json.RawMessage
}

// Read reads a text that is one object.
func Read(text []byte) (Object, error) {
	var o Object
	decoder := json.NewDecoder(bytes.NewReader(text))
	opening, err := decoder.Token()
	switch {
	case err != nil:
		return o, syntaxError(err)
	case opening != json.Delim('{'):
		return o, ErrNoObject
	}
	seen := map[string]bool{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return o, syntaxError(err)
		}
		name, isText := key.(string)
		if !isText {
			return o, fmt.Errorf("is not JSON: %v is not a name", key)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return o, syntaxError(err)
		}
		if seen[name] {
			return o, fmt.Errorf("has %q twice", name)
		}
		seen[name] = true
		o.Names, o.Values = append(o.Names, name), append(o.Values, value)
	}
	if _, err := decoder.Token(); err != nil {
		return o, syntaxError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, ErrMore
	}
	return o, nil
}

func syntaxError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("is not JSON: it ends early")
	}
	return fmt.Errorf("is not JSON: %w", err)
}

// Decoded returns the values as Go has them, numbers as json.Number.
func (o Object) Decoded() ([]any, error) {
	values := make([]any, len(o.Values))
	for i, value := range o.Values {
		if err := Decode(value, &values[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// Decode keeps numbers as they are written, since INT64 has more digits than a float.
func Decode(text []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(target)
}
