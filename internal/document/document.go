// Package document has the JSON documents that the command line prints and HTTP answers with: rows of a look-up, keys,
// definitions. Values have the form in JSON that the package value gives them.
//
// Both print the same documents, so that a program that reads one can read the other. A row of a look-up is, wherever
// it comes from:
//
//	{"keys": {"ticker": "ACME"}, "features": {"price":
//		{"value": 12.5, "status": "PRESENT", "event_timestamp": "2024-05-01T09:30:00Z"}}}
//
// The documents of a status, of a run and of an operation are made of their messages in proto, also on the command
// line, which has the types behind the messages at hand. So a document cannot have what a server does not send. Input
// that parsers read in different ways is refused (CheckJSON).
package document

import (
	"bytes"
	"encoding/json"
	"io"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/plumbstore/plumb/internal/printable"
)

// Write writes a value as one line of JSON. What is not printable is escaped, beyond what JSON asks for: a document is
// shown on a terminal too.
func Write(w io.Writer, value any) error {
	var text bytes.Buffer
	if err := encode(&text, value); err != nil {
		return err
	}
	return printable.To(w).Lines(text.String())
}

func encode(text *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(text)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(value)
}

// Object is a JSON object that keeps the order of its members. A map would lose the order of the definitions, in which
// people expect features and keys.
type Object []Member

// Member is a name with its value.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, member := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := encode(&text, member.Name); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		if err := encode(&text, member.Value); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// Definition writes a definition with the field names that definition files have.
func Definition(definition proto.Message) (json.RawMessage, error) {
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(definition)
}
