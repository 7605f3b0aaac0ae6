package auditlog

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
)

// Layout is what all files of one selection under one revision have in common. It is immutable.
type Layout struct {
	header Header
	schema *arrow.Schema
	hasher *Hasher
	// id distinguishes layouts. It is the digest of the header, so that rows under another revision, of another selection
	// or hashed with another key go to another file.
	id [sha256.Size]byte
	// given are the declared types of the keys and then of the inputs, and outputs those of the outputs.
	given, outputs []plumbv1.Type
}

// NewLayout lays out the files of a selection. product is the version of Plumb. hasher hashes what is sensitive; if it
// is nil, a *fault.PreconditionError names what is sensitive.
func NewLayout(product string, selected Selected, selection *feature.Selection, hasher *Hasher) (*Layout, error) {
	keys, err := selection.Keys()
	if err != nil {
		return nil, err
	}
	l := &Layout{hasher: hasher, header: Header{Version: storedVersion, Product: product, Selected: selected}}
	names := names{}
	for _, name := range []string{RequestColumn, RowColumn, ServedAtColumn, AtColumn} {
		names[name] = true
	}
	sensitive := selection.SensitiveColumns()
	for _, key := range keys {
		l.header.Keys = append(l.header.Keys, Column{
			Name: key.Name, Column: names.take(key.Name), Type: key.Type.String(),
			Sensitive: slices.Contains(sensitive, key.Name),
		})
	}
	inputs, err := selection.Inputs()
	if err != nil {
		return nil, err
	}
	for _, input := range inputs {
		l.header.Inputs = append(l.header.Inputs, Column{
			Name: input.Name, Column: names.take(input.Name), Type: input.Type.String(), Sensitive: input.Sensitive,
		})
	}
	for _, output := range selection.Outputs {
		f := selection.Describe(output)
		logged := Output{
			Column: Column{
				Name: output.Name, Column: names.take(output.Name), Type: f.Type.String(), Sensitive: f.Sensitive,
			},
			Feature: f.Name, Status: names.take(output.Name + "__status"),
		}
		if stored, ok := output.From.(feature.StoredColumn); ok {
			logged.View = stored.Reference
		} else {
			logged.View, logged.Computed, l.header.Version = computed, f.View, Version
		}
		l.header.Outputs = append(l.header.Outputs, logged)
	}
	l.addReads(selection, names)
	for _, use := range selection.References {
		l.header.Views = append(l.header.Views, View{
			View: use.View.Name, Alias: use.Alias, Keys: use.LabelColumns,
			EventTimestamp:   names.take(use.Alias + "__event_timestamp"),
			CreatedTimestamp: names.take(use.Alias + "__created_timestamp"),
			SchemaID:         names.take(use.Alias + "__schema_id"),
			Origin:           names.take(use.Alias + "__origin"),
		})
	}
	return l, l.finish()
}

// addReads adds the stored features that on-demand views alone read, in the order of lookup.Reply.WithReads.
func (l *Layout) addReads(selection *feature.Selection, names names) {
	answered := map[feature.StoredColumn]bool{}
	for _, output := range selection.Stored() {
		answered[output.StoredColumn] = true
	}
	for use, reference := range selection.References {
		for _, at := range selection.Reads(use) {
			if answered[feature.StoredColumn{Reference: use, Feature: at}] {
				continue
			}
			f := reference.View.Features[at]
			name := reference.Alias + "__" + f.Name
			l.header.Outputs = append(l.header.Outputs, Output{
				Column: Column{Name: name, Column: names.take(name), Type: f.Type.String(), Sensitive: f.Sensitive},
				View:   use, Feature: f.Name, Status: names.take(name + "__status"), Read: true,
			})
		}
	}
}

// computed is the view of an output that is of none.
const computed = -1

// names are those of columns that are taken.
type names map[string]bool

// take returns the name, or another if it is taken. With full names, the feature origin of the view weather is the
// output weather__origin, which is also what the log calls the origin of the stored row. That column is then
// plumb.weather__origin. Names are taken in a fixed order, so that one selection always has the same columns.
func (n names) take(name string) string {
	for n[name] {
		name = reserved + name
	}
	n[name] = true
	return name
}

// finish settles how sensitive columns are hashed, and makes the schema.
func (l *Layout) finish() error {
	if sensitive := l.sensitive(); sensitive != nil {
		if l.hasher == nil {
			return &fault.PreconditionError{Message: fmt.Sprintf(
				"sensitive, and there is no key to hash it with: %s; set serving.audit.hash_key", strings.Join(sensitive, ", "))}
		}
		l.header.Hash = &Hash{Algorithm: Algorithm, KeyID: l.hasher.KeyID()}
	}
	text, err := json.Marshal(l.header)
	if err != nil {
		return err
	}
	for _, column := range slices.Concat(l.header.Keys, l.header.Inputs) {
		l.given = append(l.given, column.Declared())
	}
	for _, output := range l.header.Outputs {
		l.outputs = append(l.outputs, output.Declared())
	}
	l.id = sha256.Sum256(text)
	metadata := arrow.NewMetadata([]string{metadataKey}, []string{string(text)})
	l.schema = arrow.NewSchema(l.header.fields(), &metadata)
	return nil
}

// sensitive lists what is, in words.
func (l *Layout) sensitive() []string {
	var found []string
	for _, key := range l.header.Keys {
		if key.Sensitive {
			found = append(found, fmt.Sprintf("key %q", key.Name))
		}
	}
	for _, input := range l.header.Inputs {
		if input.Sensitive {
			found = append(found, fmt.Sprintf("request input %q", input.Name))
		}
	}
	for _, output := range l.header.Outputs {
		if output.Sensitive {
			view := output.Computed
			if view == "" {
				view = l.header.Views[output.View].View
			}
			found = append(found, fmt.Sprintf("feature \"%s:%s\"", view, output.Feature))
		}
	}
	return found
}

// statusType holds one of a few words: Parquet keeps each once.
var statusType = &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int8, ValueType: arrow.BinaryTypes.String}

// fields are the columns of a file as they are written: those that each file has, keys, request inputs, outputs each
// with its statuses, and for each use of a view its four.
func (h *Header) fields() []arrow.Field {
	instant := arrow.FixedWidthTypes.Timestamp_us
	fields := []arrow.Field{
		{Name: RequestColumn, Type: arrow.PrimitiveTypes.Int64},
		{Name: RowColumn, Type: arrow.PrimitiveTypes.Int32},
		{Name: ServedAtColumn, Type: instant},
		{Name: AtColumn, Type: instant},
	}
	add := func(name string, kind arrow.DataType) {
		fields = append(fields, arrow.Field{Name: name, Type: kind, Nullable: true})
	}
	for _, given := range slices.Concat(h.Keys, h.Inputs) {
		add(given.Column, columnType(given.Declared(), given.Sensitive))
	}
	for _, output := range h.Outputs {
		add(output.Column.Column, columnType(output.Declared(), output.Sensitive))
		add(output.Status, statusType)
	}
	for _, view := range h.Views {
		add(view.EventTimestamp, instant)
		add(view.CreatedTimestamp, instant)
		add(view.SchemaID, arrow.PrimitiveTypes.Int64)
		add(view.Origin, arrow.PrimitiveTypes.Int64)
	}
	return fields
}

// statuses are the words of statusType, by number of the status.
func statuses() []string {
	words := make([]string, len(plumbv1.Status_name))
	for number, word := range plumbv1.Status_name {
		words[number] = word
	}
	return words
}
