package materialize

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/plumbstore/plumb/feature"
	"github.com/plumbstore/plumb/internal/fault"
	"github.com/plumbstore/plumb/internal/value"
	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store/offline"
)

// JSONRows collects rows of a view from JSON objects. Columns are found as offline.FindColumns says. Values have the
// form that plumb online prints: BYTES are base64, TIMESTAMP is RFC 3339, a float that is not a number is the text NaN,
// Infinity or -Infinity; integers may be text too, since not every program can write all of INT64 as a number. It is
// not safe for concurrent use.
type JSONRows struct {
	view           *feature.View
	keys, features []array.Builder
	event, created *array.Int64Builder
	refused        []Refusal
	// found are the columns of the names that objects had.
	found map[string]foundColumns
}

type foundColumns struct {
	columns offline.FileColumns
	err     error
}

// NewJSONRows returns a collection without rows.
func NewJSONRows(view *feature.View) *JSONRows {
	j := &JSONRows{view: view, found: map[string]foundColumns{}, event: array.NewInt64Builder(memory.DefaultAllocator),
		created: array.NewInt64Builder(memory.DefaultAllocator)}
	for _, key := range view.Keys {
		j.keys = append(j.keys, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(key.Type)))
	}
	for _, f := range view.Features {
		j.features = append(j.features, array.NewBuilder(memory.DefaultAllocator, value.ArrowType(f.Type)))
	}
	return j
}

// Len is the number of rows, refused ones too.
func (j *JSONRows) Len() int { return j.event.Len() }

// Add takes one object as its names and values, decoded with json.Decoder.UseNumber. What is wrong with it makes a
// refused row.
func (j *JSONRows) Add(names []string, values []any) {
	row, err := j.parse(names, values)
	if err != nil {
		j.Refuse(err.Field, err.Message)
		return
	}
	for i, builder := range j.keys {
		appendValue(builder, row.keys[i])
	}
	for i, builder := range j.features {
		appendValue(builder, row.features[i])
	}
	appendValue(j.event, row.event)
	appendValue(j.created, row.created)
}

// Refuse adds a row that cannot be read.
func (j *JSONRows) Refuse(field, reason string) {
	j.refused = append(j.refused, Refusal{Row: int64(j.Len()), Field: field, Reason: reason})
	for _, builder := range slices.Concat(j.keys, j.features) {
		builder.AppendNull()
	}
	j.event.AppendNull()
	j.created.AppendNull()
}

// Rows returns the rows that were added since the last call.
func (j *JSONRows) Rows() Rows {
	rows := Rows{Event: j.event.NewArray(), Created: j.created.NewArray(), Refused: j.refused,
		EventName: j.view.Source.EventTimestamp, CreatedName: j.view.Source.CreatedTimestamp}
	for _, builder := range j.keys {
		rows.Keys = append(rows.Keys, builder.NewArray())
	}
	for _, builder := range j.features {
		rows.Features = append(rows.Features, builder.NewArray())
	}
	j.refused = nil
	return rows
}

// jsonRow is one row as Go values, nil for null.
type jsonRow struct {
	keys, features []any
	event, created any
}

func (j *JSONRows) parse(names []string, values []any) (row jsonRow, mistake *fault.InputError) {
	columns, err := j.columns(names)
	if err != nil {
		return row, firstMistake(err)
	}
	take := func(at int, declared plumbv1.Type) any {
		if at < 0 || mistake != nil {
			return nil
		}
		value, err := parseJSON(values[at], declared)
		if err != nil {
			mistake = fault.Inputf(names[at], "%v", err)
		}
		return value
	}
	for i, at := range columns.Keys {
		row.keys = append(row.keys, take(at, j.view.Keys[i].Type))
	}
	row.event = take(columns.Event, plumbv1.Type_TIMESTAMP)
	row.created = take(columns.Created, plumbv1.Type_TIMESTAMP)
	for i, at := range columns.Features {
		row.features = append(row.features, take(at, j.view.Features[i].Type))
	}
	return row, mistake
}

// maxFound bounds the sets of names that are kept.
const maxFound = 100

func (j *JSONRows) columns(names []string) (offline.FileColumns, error) {
	key := strings.Join(names, "\x00")
	found, ok := j.found[key]
	if !ok {
		found.columns, found.err = offline.FindColumns(j.view, names)
		if len(j.found) < maxFound {
			j.found[key] = found
		}
	}
	return found.columns, found.err
}

// firstMistake is the first of joined mistakes.
func firstMistake(err error) *fault.InputError {
	if input, ok := errors.AsType[*fault.InputError](err); ok {
		return input
	}
	return fault.Inputf("", "%v", err)
}

// parseJSON brings a decoded JSON value to the Go type of a declared type, exactly (R9): []any for arrays, int64
// microseconds for TIMESTAMP, nil for null.
func parseJSON(given any, declared plumbv1.Type) (any, error) {
	if given == nil {
		return nil, nil // A null is a value (R7).
	}
	if element, ok := value.ElementType(declared); ok {
		list, ok := given.([]any)
		if !ok {
			return nil, misfit(given, declared)
		}
		elements := make([]any, len(list))
		for i, each := range list {
			var err error
			if elements[i], err = parseJSON(each, element); err != nil {
				return nil, err
			}
		}
		return elements, nil
	}
	if parsed, ok := parseScalar(given, declared); ok {
		return parsed, nil
	}
	return nil, misfit(given, declared)
}

func parseScalar(given any, declared plumbv1.Type) (any, bool) {
	switch declared {
	case plumbv1.Type_BOOL:
		truth, ok := given.(bool)
		return truth, ok
	case plumbv1.Type_INT32:
		number, ok := value.ParseInteger(digits(given), 32)
		return int32(number), ok
	case plumbv1.Type_INT64:
		return value.ParseInteger(digits(given), 64)
	case plumbv1.Type_FLOAT32:
		number, ok := parseFloat(floatText(given), 32)
		return float32(number), ok
	case plumbv1.Type_FLOAT64:
		return parseFloat(floatText(given), 64)
	}
	text, ok := given.(string)
	switch {
	case !ok:
		return nil, false
	case declared == plumbv1.Type_BYTES:
		bytes, err := base64.StdEncoding.DecodeString(text)
		return bytes, err == nil && base64.StdEncoding.EncodeToString(bytes) == text
	case declared == plumbv1.Type_TIMESTAMP:
		at, ok := feature.ParseInstant(text)
		return int64(at), ok
	}
	return text, true
}

// digits is the text of a number, or of a string; empty for anything else.
func digits(value any) string {
	switch value := value.(type) {
	case json.Number:
		return value.String()
	case string:
		return value
	}
	return ""
}

// parseFloat reads a number. What is beyond the type is none: it would become infinity or zero.
func parseFloat(text string, bits int) (float64, bool) {
	if text == "NaN" {
		return value.TextNaN(), true
	}
	number, err := strconv.ParseFloat(text, bits)
	digits, _, _ := strings.Cut(strings.ToLower(text), "e")
	return number, err == nil && (number != 0 || !strings.ContainsAny(digits, "123456789"))
}

// floatText is the text of a number, or of what JSON has no number for; empty for anything else.
func floatText(value any) string {
	switch value := value.(type) {
	case json.Number:
		return value.String()
	case string:
		if slices.Contains([]string{"NaN", "Infinity", "-Infinity"}, value) {
			return value
		}
	}
	return ""
}

func misfit(value any, declared plumbv1.Type) error {
	text, err := json.Marshal(value)
	if err != nil {
		text = fmt.Append(nil, value)
	}
	const most = 100
	if len(text) > most {
		text = append([]byte(strings.ToValidUTF8(string(text[:most]), "")), "…"...)
	}
	return fmt.Errorf("%s does not fit %s exactly", text, declared)
}

// appendValue appends what parseJSON returns.
func appendValue(builder array.Builder, value any) {
	if value == nil {
		builder.AppendNull()
		return
	}
	switch builder := builder.(type) {
	case *array.BooleanBuilder:
		builder.Append(value.(bool))
	case *array.Int32Builder:
		builder.Append(value.(int32))
	case *array.Int64Builder:
		builder.Append(value.(int64))
	case *array.Float32Builder:
		builder.Append(value.(float32))
	case *array.Float64Builder:
		builder.Append(value.(float64))
	case *array.StringBuilder:
		builder.Append(value.(string))
	case *array.BinaryBuilder:
		builder.Append(value.([]byte))
	case *array.TimestampBuilder:
		builder.Append(arrow.Timestamp(value.(int64)))
	case *array.ListBuilder:
		builder.Append(true)
		for _, element := range value.([]any) {
			appendValue(builder.ValueBuilder(), element)
		}
	}
}
