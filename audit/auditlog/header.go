package auditlog

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Version is the latest version of the format. This package reads all up to it. A file without anything computed has
// version 1, which knows nothing else.
const (
	Version       = 2
	storedVersion = 1
)

// metadataKey is where a file has its Header.
const metadataKey = "plumb.audit_log"

// The columns that every file has.
const (
	RequestColumn  = reserved + "request"
	RowColumn      = reserved + "row"
	ServedAtColumn = reserved + "served_at"
	AtColumn       = reserved + "at"
)

// reserved precedes names that are the log's own: no key and no feature has a dot in its name.
const reserved = "plumb."

// Header says what a file holds.
type Header struct {
	Version int `json:"version"`
	// Product is the version of Plumb that wrote the file.
	Product string `json:"product"`
	Selected
	// Hash says how sensitive columns were hashed; nil if there are none.
	Hash *Hash `json:"hash,omitempty"`
	// Keys are the label columns, in the order of feature.Selection.Keys.
	Keys []Column `json:"keys"`
	// Inputs are the request inputs, in the order of feature.Selection.Inputs.
	Inputs []Column `json:"inputs,omitempty"`
	// Views are the uses of views, in the order of feature.Selection.References.
	Views []View `json:"views"`
	// Outputs are the outputs, in the order of feature.Selection.Outputs, and then what on-demand views alone have read.
	Outputs []Output `json:"outputs"`
}

// Selected is what look-ups of a file asked for.
type Selected struct {
	Project string `json:"project"`
	// Revision is that of the registry which the look-ups were answered under.
	Revision int64 `json:"revision"`
	// Service is a feature service; if it is empty, References are view:feature or view:*.
	Service    string   `json:"service,omitempty"`
	References []string `json:"references,omitempty"`
	FullNames  bool     `json:"full_names,omitempty"`
}

// Hash says how sensitive values were hashed.
type Hash struct {
	Algorithm string `json:"algorithm"`
	// KeyID is Hasher.KeyID of the key.
	KeyID string `json:"key_id"`
}

// Column is a column of values.
type Column struct {
	// Name is the label column's, or the output's (R10).
	Name string `json:"name"`
	// Column is the name that it has in the file.
	Column string `json:"column"`
	// Type is the name of the declared type.
	Type string `json:"type"`
	// Sensitive says that the file has hashes in the place of values.
	Sensitive bool `json:"sensitive,omitempty"`
}

// Declared is the declared type.
func (c Column) Declared() plumbv1.Type { return plumbv1.Type(plumbv1.Type_value[c.Type]) }

// Output is a feature's values and their statuses.
type Output struct {
	Column
	// View is the position of its use of a view in Header.Views, Feature the feature's name there. View is -1 for a
	// feature of an on-demand view, whose name is Computed.
	View     int    `json:"view"`
	Computed string `json:"computed,omitempty"`
	// Read says that the feature was read for on-demand views alone, and not answered with.
	Read    bool   `json:"read,omitempty"`
	Feature string `json:"feature"`
	// Status is the name of the column with the statuses.
	Status string `json:"status"`
}

// View is one use of a view, and the names of the columns with what is known of its stored rows.
type View struct {
	View  string `json:"view"`
	Alias string `json:"alias"`
	// Keys are the label columns that the view's join keys were read from.
	Keys []string `json:"keys"`

	EventTimestamp   string `json:"event_timestamp"`
	CreatedTimestamp string `json:"created_timestamp"`
	SchemaID         string `json:"schema_id"`
	Origin           string `json:"origin"`
}

// parseHeader reads a header, or returns an error that wraps fault.ErrNewer for one of a later format.
func parseHeader(text string) (Header, error) {
	var versioned struct {
		Version int `json:"version"`
	}
	if err := json.Unmarshal([]byte(text), &versioned); err != nil || versioned.Version < 1 {
		return Header{}, fmt.Errorf("its metadata under %q does not tell the format of an audit log", metadataKey)
	}
	if versioned.Version > Version {
		return Header{}, fmt.Errorf("it has format %d, this version reads up to %d: %w", versioned.Version, Version,
			fault.ErrNewer)
	}
	var header Header
	if err := json.Unmarshal([]byte(text), &header); err != nil {
		return Header{}, fmt.Errorf("its metadata under %q is damaged: %w", metadataKey, err)
	}
	return header, header.check()
}

// check checks what readers rely on in a header.
func (h *Header) check() error {
	columns := slices.Concat(h.Keys, h.Inputs)
	for _, output := range h.Outputs {
		if output.Computed == "" && (output.View < 0 || output.View >= len(h.Views)) {
			return fmt.Errorf("its metadata names no view for output %q", output.Name)
		}
		columns = append(columns, output.Column)
	}
	for _, column := range columns {
		if column.Declared() == plumbv1.Type_TYPE_UNSPECIFIED {
			return fmt.Errorf("its metadata gives column %q the unknown type %q", column.Name, column.Type)
		}
		if column.Sensitive && h.Hash == nil {
			return fmt.Errorf("its metadata does not say how the sensitive column %q was hashed", column.Name)
		}
	}
	return nil
}

// checkColumns checks the columns of a file against what its header says of them. The header decides which types
// readers expect.
func (h *Header) checkColumns(schema *arrow.Schema) error {
	for _, field := range h.fields() {
		found, ok := schema.FieldsByName(field.Name)
		if !ok {
			return fmt.Errorf("it has no column %q", field.Name)
		}
		if !sameLayout(field.Type, found[0].Type) {
			return fmt.Errorf("its column %q is of type %s, and its metadata says %s", field.Name, found[0].Type, field.Type)
		}
	}
	return nil
}

// sameLayout says whether a column that was written with one type can have been read as the other.
func sameLayout(written, read arrow.DataType) bool {
	if dictionary, ok := written.(*arrow.DictionaryType); ok {
		written = dictionary.ValueType
	}
	if written.ID() != read.ID() {
		return false
	}
	switch written := written.(type) {
	case *arrow.TimestampType:
		return written.Unit == read.(*arrow.TimestampType).Unit
	case *arrow.ListType:
		return sameLayout(written.Elem(), read.(*arrow.ListType).Elem())
	}
	return true
}
