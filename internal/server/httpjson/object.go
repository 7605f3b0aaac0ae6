package httpjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
)

// fields reads the members of a request; each field's function says what is wrong with its value. A name that is not
// among them is a mistake: if it were ignored, a slip such as "event_timestamp" would change the answer in silence.
type fields map[string]func(value json.RawMessage) error

// read reports every mistake at once, as joined *fault.InputError that name the fields.
func (f fields) read(text []byte) error {
	request, err := jsonobject.Read(text)
	if err != nil {
		return fault.Inputf("", "the body %v", err)
	}
	var mistakes []error
	for i, name := range request.Names {
		read, ok := f[name]
		if !ok {
			mistakes = append(mistakes, f.unknown(name))
			continue
		}
		if err := read(request.Values[i]); err != nil {
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

// into returns a function that decodes a value of one type. A null is none: a field that may be absent is left out, so
// that there is one way to ask for its default. The type must not be an interface, which would make floats of numbers.
func into[T any](target *T, must string) func(json.RawMessage) error {
	return func(value json.RawMessage) error {
		if bytes.Equal(value, []byte("null")) || json.Unmarshal(value, target) != nil {
			return errors.New("must be " + must)
		}
		return nil
	}
}
