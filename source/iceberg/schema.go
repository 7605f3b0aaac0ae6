package iceberg

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/plumbstore/plumb/internal/fault"
)

// schema is one of those that a table has had.
type schema struct {
	ID     int           `json:"schema-id"`
	Fields []schemaField `json:"fields"`
}

type schemaField struct {
	ID      int             `json:"id"`
	Name    string          `json:"name"`
	Type    json.RawMessage `json:"type"`
	Default json.RawMessage `json:"initial-default"`
}

// Column is a top-level column of a table.
type Column struct {
	// ID identifies the column in the table's files, whatever its name was when they were written.
	ID   int
	Name string
	// Type is the name that Iceberg has for the type, such as "long" or "decimal(9, 2)"; that of the elements of a List.
	Type string
	List bool
	// Refused says why values of the column cannot be read; empty if they can.
	Refused string
}

// primitives are the types without parameters that are read.
var primitives = map[string]bool{
	"boolean": true, "int": true, "long": true, "float": true, "double": true, "date": true, "time": true,
	"timestamp": true, "timestamptz": true, "timestamp_ns": true, "timestamptz_ns": true, "string": true,
	"uuid": true, "binary": true,
}

// columns are those of the schema. The names of two may not differ in case alone, since the names of columns do not
// depend on it.
func (s schema) columns() ([]Column, error) {
	columns := make([]Column, len(s.Fields))
	ids, names := map[int]bool{}, map[string]int{}
	for i, field := range s.Fields {
		if field.Name == "" || ids[field.ID] {
			return nil, fault.Inputf("", "the table's schema %d has a column without a name, or two with the id %d", s.ID,
				field.ID)
		}
		ids[field.ID] = true
		columns[i] = field.column()
		folded := strings.ToLower(field.Name)
		if first, ok := names[folded]; ok {
			columns[first].Refused = fmt.Sprintf("%q has the name of column %q, but for case; rename one",
				columns[first].Name, field.Name)
			columns[i].Refused = columns[first].Refused
		} else {
			names[folded] = i
		}
	}
	return columns, nil
}

func (f schemaField) column() Column {
	column := Column{ID: f.ID, Name: f.Name}
	var nested struct {
		Type    string          `json:"type"`
		Element json.RawMessage `json:"element"`
	}
	name := json.Unmarshal(f.Type, &column.Type)
	if name != nil && json.Unmarshal(f.Type, &nested) == nil {
		column.Type = nested.Type
		if nested.Type == "list" && json.Unmarshal(nested.Element, &column.Type) == nil {
			column.List = true
		}
	}
	hasDefault := len(f.Default) > 0 && string(f.Default) != "null"
	switch {
	case !primitives[column.Type] && !isParameterized(column.Type):
		column.Refused = fmt.Sprintf("%q of the table is of type %s, which is not read", f.Name, shown(column.Type))
	case hasDefault:
		column.Refused = fmt.Sprintf("%q of the table has an initial default, which stands for values of rows that were "+
			"written before it and is not read", f.Name)
	}
	return column
}

// isParameterized says whether a type is a decimal or a fixed number of bytes.
func isParameterized(name string) bool {
	if _, ok := Decimal(name); ok {
		return true
	}
	var length int
	n, err := fmt.Sscanf(name, "fixed[%d]", &length)
	return n == 1 && err == nil
}

// Decimal is the digits and the scale of a type that is a decimal, as "9,2".
func Decimal(name string) (parameters string, ok bool) {
	inner, ok := strings.CutPrefix(name, "decimal(")
	if !ok || !strings.HasSuffix(inner, ")") {
		return "", false
	}
	var digits, scale int
	text := strings.ReplaceAll(strings.TrimSuffix(inner, ")"), " ", "")
	if n, err := fmt.Sscanf(text, "%d,%d", &digits, &scale); n != 2 || err != nil {
		return "", false
	}
	if digits < 1 || digits > 38 || scale < 0 || scale > digits {
		return "", false
	}
	return fmt.Sprintf("%d,%d", digits, scale), true
}

// shown is a name from metadata in a message: it may be anything.
func shown(name string) string {
	const most = 60
	if len(name) > most {
		name = name[:most] + "…"
	}
	return fmt.Sprintf("%q", name)
}
