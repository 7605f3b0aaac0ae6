package document

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Keys are the rows that a look-up is asked for: entity keys, one column for each label column that it reads them from,
// and request inputs.
//
// A label column is not always named as a join key. If a service uses a view of weather by key airport twice, as
// origin_weather and dest_weather (R11), its look-ups have two columns, such as origin and dest.
type Keys struct {
	Columns []*KeyColumn
	// Inputs are the request inputs.
	Inputs []*KeyColumn
}

// KeyColumn is one column of keys or of a request input. Its values have the Go type of the declared type, and are nil
// if null (R8).
type KeyColumn struct {
	feature.Field
	Values []any
	// IsInput says that it is of a request input, which may have any type.
	IsInput bool
}

// NewKeys returns columns without rows.
func NewKeys(fields, inputs []feature.Field) *Keys {
	k := &Keys{}
	for _, field := range fields {
		k.Columns = append(k.Columns, &KeyColumn{Field: field})
	}
	for _, field := range inputs {
		k.Inputs = append(k.Inputs, &KeyColumn{Field: field, IsInput: true})
	}
	return k
}

// All are the columns of keys and then those of inputs.
func (k *Keys) All() []*KeyColumn { return slices.Concat(k.Columns, k.Inputs) }

// Column finds a column by name.
func (k *Keys) Column(name string) (*KeyColumn, error) {
	var known []string
	for _, column := range k.All() {
		if column.Name == name {
			return column, nil
		}
		known = append(known, column.Name)
	}
	one, all := "key", "keys"
	if k.Inputs != nil {
		one, all = "key or request input", "keys and request inputs"
	}
	if closest := fault.Closest(name, known); closest != "" {
		return nil, fmt.Errorf("the look-up has no %s %q; did you mean %q?", one, name, closest)
	}
	return nil, fmt.Errorf("the look-up has no %s %q; its %s are: %s", one, name, all, strings.Join(known, ", "))
}

// Row is one row of keys.
func (k *Keys) Row(row int) Object { return objectOf(k.Columns, row) }

// InputRow is one row of request inputs; nil if the look-up has none.
func (k *Keys) InputRow(row int) *Object {
	if k.Inputs == nil {
		return nil
	}
	return new(objectOf(k.Inputs, row))
}

func objectOf(columns []*KeyColumn, row int) Object {
	object := Object{}
	for _, column := range columns {
		given := column.Values[row]
		if column.IsInput {
			given = value.JSON(given)
		}
		object = append(object, Member{column.Name, given})
	}
	return object
}

// Parse reads text as a value of the column.
func (c *KeyColumn) Parse(text string) (any, error) {
	if c.IsInput {
		return parseInput(text, c.Type)
	}
	return ParseKey(text, c.Type)
}

// ParseJSON reads a decoded JSON value as one of the column.
func (c *KeyColumn) ParseJSON(given any) (any, error) {
	if c.IsInput {
		return value.ParseJSON(given, c.Type)
	}
	return ParseKeyJSON(given, c.Type)
}

// parseInput reads text as a request input: STRING, BYTES and TIMESTAMP as they are, all else as JSON, and NaN and
// infinities without quotes too.
func parseInput(text string, declared plumbv1.Type) (any, error) {
	switch declared {
	case plumbv1.Type_STRING:
		return ParseKey(text, declared)
	case plumbv1.Type_BYTES, plumbv1.Type_TIMESTAMP:
		return value.ParseJSON(text, declared)
	}
	var decoded any
	if err := jsonobject.Decode([]byte(text), &decoded); err != nil {
		decoded = text
	}
	return value.ParseJSON(decoded, declared)
}

// ParseKey reads text as a key of the declared type, exactly (R9): writing the key gives the text again. So 007, +7 and
// -0 are no integers, and a key has one text. If 007 were 7, a key that is wrong in the caller's data would find
// another entity instead of an error.
func ParseKey(text string, declared plumbv1.Type) (any, error) {
	switch declared {
	case plumbv1.Type_STRING:
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%q is not UTF-8, which STRING is", text)
		}
		return text, nil
	case plumbv1.Type_BYTES:
		given, ok := value.ParseBytes(text)
		if !ok {
			return nil, fmt.Errorf("%q is not base64, as which BYTES are written", text)
		}
		return given, nil
	case plumbv1.Type_BOOL:
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%q is not BOOL; write true or false", text)
		}
		return text == "true", nil
	case plumbv1.Type_INT32:
		given, ok := value.ParseInteger(text, 32)
		return int32(given), notInteger(ok, text, declared)
	case plumbv1.Type_INT64:
		given, ok := value.ParseInteger(text, 64)
		return given, notInteger(ok, text, declared)
	}
	return nil, fmt.Errorf("%s is not a type of join keys", declared)
}

func notInteger(ok bool, text string, declared plumbv1.Type) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%q is not %s; write a whole number that fits, without a plus sign or leading zeros", text, declared)
}

// ParseKeyJSON reads a decoded JSON value as a key. Integers may also be written as strings, since not every program
// can write all of INT64 as a number.
func ParseKeyJSON(given any, declared plumbv1.Type) (any, error) {
	var is string
	switch given := given.(type) {
	case nil:
		return nil, nil // A null key is a value.
	case string:
		if declared != plumbv1.Type_BOOL {
			return ParseKey(given, declared)
		}
		is = strconv.Quote(given)
	case json.Number:
		if declared == plumbv1.Type_INT32 || declared == plumbv1.Type_INT64 {
			return ParseKey(given.String(), declared)
		}
		is = given.String()
	case bool:
		if declared == plumbv1.Type_BOOL {
			return given, nil
		}
		is = strconv.FormatBool(given)
	default:
		is = "a list or an object"
	}
	return nil, fmt.Errorf("%s is not %s", is, declared)
}

// Wire returns the columns as look-ups take them.
func (k *Keys) Wire() []*plumbv1.KeyColumn {
	columns := make([]*plumbv1.KeyColumn, len(k.Columns))
	for i, column := range k.Columns {
		columns[i] = &plumbv1.KeyColumn{Name: column.Name}
		columns[i].Values, columns[i].Nulls = value.ToWire(column.Type, column.Values)
	}
	return columns
}

// WireInputs returns the request inputs as look-ups take them.
func (k *Keys) WireInputs() []*plumbv1.InputColumn {
	columns := make([]*plumbv1.InputColumn, len(k.Inputs))
	for i, column := range k.Inputs {
		columns[i] = &plumbv1.InputColumn{Name: column.Name}
		columns[i].Values, columns[i].Nulls = value.ToWire(column.Type, column.Values)
	}
	return columns
}
