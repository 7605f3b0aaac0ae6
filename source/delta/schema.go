package delta

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/source/lake"
)

type field struct {
	Name     string          `json:"name"`
	Type     json.RawMessage `json:"type"`
	Metadata struct {
		ID           *int              `json:"delta.columnMapping.id"`
		PhysicalName string            `json:"delta.columnMapping.physicalName"`
		TypeChanges  []json.RawMessage `json:"delta.typeChanges"`
	} `json:"metadata"`
}

// types are those of Delta that are read, by the names that Iceberg has for them.
var types = map[string]string{
	"string": "string", "long": "long", "integer": "int", "short": "int", "byte": "int", "float": "float",
	"double": "double", "boolean": "boolean", "binary": "binary", "date": "date", "timestamp": "timestamptz",
	"timestamp_ntz": "timestamp",
}

// columns are those of the schema, and physical the names by which the log has partition values.
func (s *state) columns() (columns []lake.Column, physical map[string]string, err error) {
	var schema struct {
		Fields []field `json:"fields"`
	}
	if err := json.Unmarshal([]byte(s.metadata.Schema), &schema); err != nil {
		return nil, nil, fault.Inputf("", "the log of the table has a schema that is damaged: %v", err)
	}
	mode := "none"
	if set := s.metadata.Configuration["delta.columnMapping.mode"]; set != "" && s.protocol.mapsColumns() {
		mode = set
	}
	if !slices.Contains([]string{"none", "name", "id"}, mode) {
		return nil, nil, fault.Inputf("", "the table maps columns by %s, which is not known", lake.Shown(mode))
	}
	physical = map[string]string{}
	for _, f := range schema.Fields {
		column, err := f.column(mode, slices.Contains(s.metadata.PartitionColumns, f.Name))
		if err != nil {
			return nil, nil, err
		}
		if columns = append(columns, column); mode == "none" {
			physical[f.Name] = f.Name
		} else {
			physical[f.Name] = f.Metadata.PhysicalName
		}
	}
	if at := missing(s.metadata.PartitionColumns, physical); at != "" {
		return nil, nil, fault.Inputf("", "the table is partitioned by %s, which its schema lacks", lake.Shown(at))
	}
	lake.MarkSameNames(columns)
	return columns, physical, nil
}

func missing(names []string, columns map[string]string) string {
	for _, name := range names {
		if _, ok := columns[name]; !ok {
			return name
		}
	}
	return ""
}

// column is the column of a field. A column by whose values the table is partitioned is in no file.
func (f field) column(mode string, isPartition bool) (lake.Column, error) {
	column := lake.Column{Name: f.Name, Stored: f.Name, Constant: isPartition}
	switch {
	case f.Name == "" || mode != "none" && f.Metadata.PhysicalName == "" || mode == "id" && f.Metadata.ID == nil:
		return column, fault.Inputf("", "the table has a column %s without a name or an id in files", lake.Shown(f.Name))
	case mode == "name":
		column.Stored = f.Metadata.PhysicalName
	case mode == "id":
		column.Stored, column.ID = "", *f.Metadata.ID
	}
	name := f.typeName(&column)
	switch {
	case column.Type == "":
		column.Refused = fmt.Sprintf("%q of the table is of type %s, which is not read", f.Name, lake.Shown(name))
	case isPartition && (column.Type == "binary" || column.List):
		column.Refused = fmt.Sprintf("%q, by which the table is partitioned, is of type %s, which is not read there", f.Name,
			lake.Shown(name))
	case isPartition && f.Metadata.TypeChanges != nil:
		column.Refused = fmt.Sprintf("%q, by which the table is partitioned, has changed its type, which is not read there",
			f.Name)
	}
	return column, nil
}

// typeName sets the type of a column, as far as it is read, and returns what the table calls it.
func (f field) typeName(column *lake.Column) string {
	var nested struct {
		Type    string          `json:"type"`
		Element json.RawMessage `json:"elementType"`
	}
	name, text := "", f.Type
	if json.Unmarshal(f.Type, &nested) == nil && nested.Type == "array" {
		column.List, text = true, nested.Element
	}
	if json.Unmarshal(text, &name) != nil {
		return nested.Type
	}
	column.Type = types[name]
	if _, ok := lake.Decimal(name); ok {
		column.Type = name
	}
	return name
}
