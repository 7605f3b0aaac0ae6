package iceberg

import (
	"encoding/json"
	"fmt"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
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

// primitives are the types without parameters that are read.
var primitives = map[string]bool{
	"boolean": true, "int": true, "long": true, "float": true, "double": true, "date": true, "time": true,
	"timestamp": true, "timestamptz": true, "timestamp_ns": true, "timestamptz_ns": true, "string": true,
	"uuid": true, "binary": true,
}

// columns are those of the schema.
func (s schema) columns() ([]lake.Column, error) {
	columns := make([]lake.Column, len(s.Fields))
	ids := map[int]bool{}
	for i, field := range s.Fields {
		if field.Name == "" || ids[field.ID] {
			return nil, fault.Inputf("", "the table's schema %d has a column without a name, or two with the id %d", s.ID,
				field.ID)
		}
		ids[field.ID] = true
		columns[i] = field.column()
	}
	lake.MarkSameNames(columns)
	return columns, nil
}

func (f schemaField) column() lake.Column {
	column := lake.Column{ID: f.ID, Name: f.Name}
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
		column.Refused = fmt.Sprintf("%q of the table is of type %s, which is not read", f.Name, lake.Shown(column.Type))
	case hasDefault:
		column.Refused = fmt.Sprintf("%q of the table has an initial default, which stands for values of rows that were "+
			"written before it and is not read", f.Name)
	}
	return column
}

// isParameterized says whether a type is a decimal or a fixed number of bytes.
func isParameterized(name string) bool {
	if _, ok := lake.Decimal(name); ok {
		return true
	}
	var length int
	n, err := fmt.Sscanf(name, "fixed[%d]", &length)
	return n == 1 && err == nil
}
