package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// object is a JSON object whose names differ, in its order.
type object struct {
	names  []string
	values []json.RawMessage
}

var errNoObject = errors.New("is not a JSON object")

func parseObject(text []byte) (object, error) {
	var o object
	decoder := json.NewDecoder(bytes.NewReader(text))
	opening, err := decoder.Token()
	switch {
	case err != nil:
		return o, syntaxError(err)
	case opening != json.Delim('{'):
		return o, errNoObject
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return o, syntaxError(err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return o, syntaxError(err)
		}
		if slices.Contains(o.names, name.(string)) { // Names of members are strings.
			return o, fmt.Errorf("has %q twice", name)
		}
		o.names, o.values = append(o.names, name.(string)), append(o.values, value)
	}
	if _, err := decoder.Token(); err != nil {
		return o, syntaxError(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return o, errors.New("has something behind its end")
	}
	return o, nil
}

func syntaxError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("is not a JSON object: it ends early")
	}
	return fmt.Errorf("is not a JSON object: %w", err)
}

// fields reads the members of a request; each field's function says what is wrong with its value.
type fields map[string]func(value json.RawMessage) error

// read reports every mistake at once, as joined *fault.InputError that name the fields.
func (f fields) read(text []byte) error {
	request, err := parseObject(text)
	if err != nil {
		return fault.Inputf("", "the body %v", err)
	}
	var mistakes []error
	for i, name := range request.names {
		read, ok := f[name]
		if !ok {
			mistakes = append(mistakes, f.unknown(name))
			continue
		}
		if err := read(request.values[i]); err != nil {
			mistakes = append(mistakes, inField(name, err))
		}
	}
	return errors.Join(mistakes...)
}

// inField makes what is wrong with a value an InputError, unless it is one already.
func inField(name string, err error) error {
	if input, ok := errors.AsType[*fault.InputError](err); ok && input.Field != "" {
		return err
	}
	return fault.Inputf(name, "%v", err)
}

func (f fields) unknown(name string) error {
	known := make([]string, 0, len(f))
	for each := range f {
		known = append(known, each)
	}
	slices.Sort(known)
	if closest := fault.Closest(name, known); closest != "" {
		return fault.Inputf(name, "is not a field of this request; did you mean %q?", closest)
	}
	return fault.Inputf(name, "is not a field of this request; its fields are %s", strings.Join(known, ", "))
}

// into returns a function that decodes a value of one type. A null is none.
func into[T any](target *T, must string) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		if bytes.Equal(value, []byte("null")) || decode(value, target) != nil {
			return errors.New("must be " + must)
		}
		return nil
	}
}

// decode keeps numbers as they are written, since INT64 has more digits than a float.
func decode(text []byte, target any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(target)
}
