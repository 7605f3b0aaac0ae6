package push

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/document"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/jsonobject"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// JSON decodes JSON objects, each of them one row: the rows of an HTTP request, or messages of a stream. A text that is
// not one whole object, or that parsers read in different ways (document.CheckJSON), is a refused row.
//
// Columns are found as offline.FindColumns says. Values have the form that plumb online prints: BYTES are base64,
// TIMESTAMP is RFC 3339, a float that is not a number is the text NaN, Infinity or -Infinity; integers may be text too,
// since not every program can write all of INT64 as a number.
//
// For a view of prices by ticker, a row is
//
//	{"ticker": "ACME", "event_timestamp": "2024-05-01T09:30:00Z", "price": 12.5}
type JSON []json.RawMessage

// Decode implements Decoder.
func (j JSON) Decode(_ context.Context, view *feature.View, yield func(Rows) error) error {
	rows := newObjects(view, "row")
	for _, text := range j {
		rows.add(text)
	}
	return yield(rows.take())
}

// objects collects rows of a view from JSON objects.
//
// An object that is refused takes a row too, of nulls. So the place of an object among those given is the place of its
// row in all columns, and the row that its Refusal names.
type objects struct {
	view *feature.View
	// noun is what refusals call an object.
	noun           string
	keys, features []array.Builder
	event, created *array.Int64Builder
	refused        []Refusal
	// found are the columns of the names that objects had. The objects of one caller mostly have the same names in the
	// same order, so columns are looked for once, and not for each row.
	found map[string]foundColumns
}

type foundColumns struct {
	columns offline.FileColumns
	err     error
}

func newObjects(view *feature.View, noun string) *objects {
	o := &objects{view: view, noun: noun, found: map[string]foundColumns{},
		event:   array.NewInt64Builder(memory.DefaultAllocator),
		created: array.NewInt64Builder(memory.DefaultAllocator)}
	for _, key := range view.Keys {
		o.keys = append(o.keys, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(key.Type)))
	}
	for _, f := range view.Features {
		o.features = append(o.features, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(f.Type)))
	}
	return o
}

// len is the number of rows, refused ones too.
func (o *objects) len() int { return o.event.Len() }

// add makes a row of the text of an object, or a refused one.
func (o *objects) add(text []byte) {
	row, err := o.read(text)
	if err != nil {
		o.refuse(err)
		return
	}
	for i, builder := range slices.Concat(o.keys, o.features) {
		_ = value.Append(builder, row.values[i]) // It was read as a value of the builder's type.
	}
	appendInstant(o.event, row.event)
	appendInstant(o.created, row.created)
}

// appendInstant appends microseconds, as rows have their times.
func appendInstant(builder *array.Int64Builder, instant any) {
	if at, ok := instant.(feature.Instant); ok {
		builder.Append(int64(at))
	} else {
		builder.AppendNull()
	}
}

func (o *objects) refuse(mistake *fault.InputError) {
	o.refused = append(o.refused, Refusal{Row: int64(o.len()), Field: mistake.Field, Reason: mistake.Message})
	for _, builder := range slices.Concat(o.keys, o.features) {
		builder.AppendNull()
	}
	o.event.AppendNull()
	o.created.AppendNull()
}

// take returns the rows that were added since it was last called.
func (o *objects) take() Rows {
	rows := Rows{Event: o.event.NewArray(), Created: o.created.NewArray(), Refused: o.refused,
		EventName: o.view.Source.EventTimestamp, CreatedName: o.view.Source.CreatedTimestamp}
	for _, builder := range o.keys {
		rows.Keys = append(rows.Keys, builder.NewArray())
	}
	for _, builder := range o.features {
		rows.Features = append(rows.Features, builder.NewArray())
	}
	o.refused = nil
	return rows
}

// read finds the view's columns in the text of an object.
func (o *objects) read(text []byte) (jsonRow, *fault.InputError) {
	if utf8.Valid(text) && !json.Valid(text) {
		return jsonRow{}, fault.Inputf("", "the %s is not a JSON object, or no whole one", o.noun)
	}
	if err := document.CheckJSON(text); err != nil {
		return jsonRow{}, fault.Inputf("", "the %s %v", o.noun, err)
	}
	object, err := jsonobject.Read(text)
	if err != nil {
		return jsonRow{}, fault.Inputf("", "the %s %v", o.noun, err)
	}
	values, err := object.Decoded()
	if err != nil {
		return jsonRow{}, fault.Inputf("", "the %s cannot be read: %v", o.noun, err)
	}
	return o.parse(object.Names, values)
}

// jsonRow is one row as Go values, nil for null.
type jsonRow struct {
	// values are those of the keys and then of the features.
	values         []any
	event, created any
}

func (o *objects) parse(names []string, values []any) (row jsonRow, mistake *fault.InputError) {
	columns, err := o.columns(names)
	if err != nil {
		return row, firstMistake(err)
	}
	take := func(at int, declared plumbv1.Type) any {
		if at < 0 || mistake != nil {
			return nil
		}
		parsed, err := value.ParseJSON(values[at], declared)
		if err != nil {
			mistake = fault.Inputf(names[at], "%v", err)
		}
		return parsed
	}
	for i, at := range columns.Keys {
		row.values = append(row.values, take(at, o.view.Keys[i].Type))
	}
	row.event = take(columns.Event, plumbv1.Type_TIMESTAMP)
	row.created = take(columns.Created, plumbv1.Type_TIMESTAMP)
	for i, at := range columns.Features {
		row.values = append(row.values, take(at, o.view.Features[i].Type))
	}
	return row, mistake
}

// maxFound bounds the sets of names that are kept. A caller may name the members of each object differently. Sets of
// names beyond the bound are looked for each time.
const maxFound = 100

func (o *objects) columns(names []string) (offline.FileColumns, error) {
	key := keyOf(names)
	found, ok := o.found[key]
	if !ok {
		found.columns, found.err = offline.FindColumns(o.view, names)
		if len(o.found) < maxFound {
			o.found[key] = found
		}
	}
	return found.columns, found.err
}

// keyOf identifies a list of names. Each is preceded by its length, since a name may have any character: of ["a\x00b"]
// and ["a", "b"] the keys differ.
func keyOf(names []string) string {
	var key []byte
	for _, name := range names {
		key = append(binary.AppendUvarint(key, uint64(len(name))), name...)
	}
	return string(key)
}

// firstMistake is the first of joined mistakes. A refusal has one reason.
func firstMistake(err error) *fault.InputError {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return input
	}
	return fault.Inputf("", "%v", err)
}
