package document

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Keys are the rows of entity keys of a look-up, one column for each label column that it reads.
//
// A label column is not always named as a join key. If a service uses a view of weather by key airport twice, as
// origin_weather and dest_weather (R11), its look-ups have two columns, such as origin and dest.
type Keys struct {
	Columns []*KeyColumn
}

// KeyColumn is one column of keys. Its values have the Go type of the declared type, and are nil if null (R8).
type KeyColumn struct {
	feature.Field
	Values []any
}

// NewKeys returns columns without rows.
func NewKeys(fields []feature.Field) *Keys {
	k := &Keys{}
	for _, field := range fields {
		k.Columns = append(k.Columns, &KeyColumn{Field: field})
	}
	return k
}

// Column finds a column by name.
func (k *Keys) Column(name string) (*KeyColumn, error) {
	var known []string
	for _, column := range k.Columns {
		if column.Name == name {
			return column, nil
		}
		known = append(known, column.Name)
	}
	if closest := fault.Closest(name, known); closest != "" {
		return nil, fmt.Errorf("the look-up has no key %q; did you mean %q?", name, closest)
	}
	return nil, fmt.Errorf("the look-up has no key %q; its keys are: %s", name, strings.Join(known, ", "))
}

// Row is one row of keys.
func (k *Keys) Row(row int) Object {
	keys := Object{}
	for _, column := range k.Columns {
		keys = append(keys, Member{column.Name, column.Values[row]})
	}
	return keys
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
func ParseKeyJSON(value any, declared plumbv1.Type) (any, error) {
	var is string
	switch value := value.(type) {
	case nil:
		return nil, nil // A null key is a value.
	case string:
		if declared != plumbv1.Type_BOOL {
			return ParseKey(value, declared)
		}
		is = strconv.Quote(value)
	case json.Number:
		if declared == plumbv1.Type_INT32 || declared == plumbv1.Type_INT64 {
			return ParseKey(value.String(), declared)
		}
		is = value.String()
	case bool:
		if declared == plumbv1.Type_BOOL {
			return value, nil
		}
		is = strconv.FormatBool(value)
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
