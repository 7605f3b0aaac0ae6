package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/registry"
)

// keyColumns collects the rows of entity keys of a look-up, one column for each label column that it reads.
type keyColumns struct {
	// flag is where the keys come from, for errors.
	flag    string
	columns []*keyColumn
}

// keyColumn is one column of keys. Its values have the Go type of the declared type, and are nil where null (R8).
type keyColumn struct {
	registry.Field
	values []any
}

func newKeyColumns(flag string, fields []registry.Field) *keyColumns {
	k := &keyColumns{flag: flag}
	for _, field := range fields {
		k.columns = append(k.columns, &keyColumn{Field: field})
	}
	return k
}

// column finds a column by name.
func (k *keyColumns) column(name string) (*keyColumn, error) {
	var known []string
	for _, column := range k.columns {
		if column.Name == name {
			return column, nil
		}
		known = append(known, column.Name)
	}
	if closest := registry.Closest(name, known); closest != "" {
		return nil, fmt.Errorf("the look-up has no key %q; did you mean %q?", name, closest)
	}
	return nil, fmt.Errorf("the look-up has no key %q; its keys are: %s", name, strings.Join(known, ", "))
}

// check requires that each key was given, and each as often as the others.
func (k *keyColumns) check() error {
	for _, column := range k.columns {
		if len(column.values) == 0 {
			return registry.Inputf(k.flag, "key %s (%s) is missing; give it as --key %s=VALUE, or use --keys FILE",
				column.Name, column.Type, column.Name)
		}
		if first := k.columns[0]; len(column.values) != len(first.values) {
			return registry.Inputf(k.flag, "%s has %d values and %s has %d; give each key as many as there are rows",
				first.Name, len(first.values), column.Name, len(column.values))
		}
	}
	return nil
}

// row is one row of keys.
func (k *keyColumns) row(row int) object {
	keys := object{}
	for _, column := range k.columns {
		keys = append(keys, member{column.Name, column.values[row]})
	}
	return keys
}

// addFlag takes one --key col=value.
func (k *keyColumns) addFlag(pair string) error {
	name, text, ok := strings.Cut(pair, "=")
	if !ok {
		return registry.Inputf(k.flag, "%q is not of the form column=value", pair)
	}
	column, err := k.column(name)
	if err != nil {
		return registry.Inputf(k.flag, "%v", err)
	}
	value, err := parseKey(text, column.Type)
	if err != nil {
		return registry.Inputf(k.flag, "%s: %v", name, err)
	}
	column.values = append(column.values, value)
	return nil
}

// parseKey reads text as a key of the declared type, exactly (R9).
func parseKey(text string, declared plumbv1.Type) (any, error) {
	switch declared {
	case plumbv1.Type_STRING:
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%q is not UTF-8, which STRING is", text)
		}
		return text, nil
	case plumbv1.Type_BYTES:
		value, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, fmt.Errorf("%q is not base64, as which BYTES are written", text)
		}
		return value, nil
	case plumbv1.Type_BOOL:
		if text != "true" && text != "false" {
			return nil, fmt.Errorf("%q is not BOOL; write true or false", text)
		}
		return text == "true", nil
	case plumbv1.Type_INT32:
		value, err := strconv.ParseInt(text, 10, 32)
		return int32(value), notInteger(err, text, declared)
	case plumbv1.Type_INT64:
		value, err := strconv.ParseInt(text, 10, 64)
		return value, notInteger(err, text, declared)
	}
	return nil, fmt.Errorf("%s is no type of join keys", declared)
}

func notInteger(err error, text string, declared plumbv1.Type) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%q is not %s; write a whole number that fits", text, declared)
}

// parseKeyJSON reads a decoded JSON value as a key. Integers may also be written as strings, since not every program
// can write all of INT64 as a number.
func parseKeyJSON(value any, declared plumbv1.Type) (any, error) {
	var is string
	switch value := value.(type) {
	case nil:
		return nil, nil // A null key is a value.
	case string:
		if declared != plumbv1.Type_BOOL {
			return parseKey(value, declared)
		}
		is = strconv.Quote(value)
	case json.Number:
		if declared == plumbv1.Type_INT32 || declared == plumbv1.Type_INT64 {
			return parseKey(value.String(), declared)
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

// wire returns the columns as look-ups take them.
func (k *keyColumns) wire() []*plumbv1.KeyColumn {
	columns := make([]*plumbv1.KeyColumn, len(k.columns))
	for i, column := range k.columns {
		columns[i] = &plumbv1.KeyColumn{Name: column.Name, Values: column.wireValues()}
		if slices.Contains(column.values, nil) {
			columns[i].Nulls = make([]byte, len(column.values))
			for j, value := range column.values {
				if value == nil {
					columns[i].Nulls[j] = 1
				}
			}
		}
	}
	return columns
}

func (c *keyColumn) wireValues() *plumbv1.Values {
	switch c.Type {
	case plumbv1.Type_BYTES:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bytes{Bytes: &plumbv1.BytesValues{Values: valuesOf[[]byte](c)}}}
	case plumbv1.Type_BOOL:
		return &plumbv1.Values{Kind: &plumbv1.Values_Bools{Bools: &plumbv1.BoolValues{Values: valuesOf[bool](c)}}}
	case plumbv1.Type_INT32:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int32S{Int32S: &plumbv1.Int32Values{Values: valuesOf[int32](c)}}}
	case plumbv1.Type_INT64:
		return &plumbv1.Values{Kind: &plumbv1.Values_Int64S{Int64S: &plumbv1.Int64Values{Values: valuesOf[int64](c)}}}
	}
	return &plumbv1.Values{Kind: &plumbv1.Values_Strings{Strings: &plumbv1.StringValues{Values: valuesOf[string](c)}}}
}

// valuesOf returns the column's values, with the zero of their type where they are null.
func valuesOf[T any](c *keyColumn) []T {
	values := make([]T, len(c.values))
	for i, value := range c.values {
		values[i], _ = value.(T)
	}
	return values
}
