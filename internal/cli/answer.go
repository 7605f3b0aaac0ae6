package cli

import (
	"bytes"
	"math"
	"strings"
	"unicode"

	plumbv1 "github.com/plumbstore/plumb/proto/plumb/v1"
	"github.com/plumbstore/plumb/store"
)

// object is a JSON object that keeps the order of its members: that of the selection.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var text bytes.Buffer
	text.WriteByte('{')
	for i, member := range o {
		if i > 0 {
			text.WriteByte(',')
		}
		if err := writeJSON(&text, member.name); err != nil {
			return nil, err
		}
		text.WriteByte(':')
		if err := writeJSON(&text, member.value); err != nil {
			return nil, err
		}
	}
	text.WriteByte('}')
	return text.Bytes(), nil
}

// answerRow is one row of plumb online --output json.
type answerRow struct {
	Keys     object `json:"keys"`
	Features object `json:"features"`
}

// answerValue is one feature of a row. Value is null unless Status is PRESENT; EventTimestamp is null where NOT_FOUND.
type answerValue struct {
	Value          any     `json:"value"`
	Status         string  `json:"status"`
	EventTimestamp *string `json:"event_timestamp"`
}

// answerRows turns the columns of a look-up into rows.
func answerRows(keys *keyColumns, columns []*plumbv1.FeatureColumn) []answerRow {
	var rows []answerRow
	for i, column := range columns {
		values := rowValues(column.GetValues())
		if i == 0 {
			rows = make([]answerRow, len(column.GetStatuses()))
		}
		for row, status := range column.GetStatuses() {
			answer := answerValue{Status: plumbv1.Status(status).String()}
			if plumbv1.Status(status) == plumbv1.Status_PRESENT {
				answer.Value = values[row]
			}
			if plumbv1.Status(status) != plumbv1.Status_NOT_FOUND {
				answer.EventTimestamp = timeOf(&column.GetEventTimestamps()[row])
			}
			rows[row].Features = append(rows[row].Features, member{column.GetName(), answer})
		}
	}
	for row := range rows {
		rows[row].Keys = keys.row(row)
	}
	return rows
}

// rowValues takes a column apart into the JSON values of its rows: floats that JSON has no numbers for are strings,
// BYTES are base64, times RFC 3339.
func rowValues(values *plumbv1.Values) []any {
	switch kind := values.GetKind().(type) {
	case *plumbv1.Values_Bools:
		return mapped(kind.Bools.GetValues(), func(v bool) any { return v })
	case *plumbv1.Values_Int32S:
		return mapped(kind.Int32S.GetValues(), func(v int32) any { return v })
	case *plumbv1.Values_Int64S:
		return mapped(kind.Int64S.GetValues(), func(v int64) any { return v })
	case *plumbv1.Values_Float32S:
		return mapped(kind.Float32S.GetValues(), finite)
	case *plumbv1.Values_Float64S:
		return mapped(kind.Float64S.GetValues(), finite)
	case *plumbv1.Values_Strings:
		return mapped(kind.Strings.GetValues(), func(v string) any { return v })
	case *plumbv1.Values_Bytes:
		return mapped(kind.Bytes.GetValues(), func(v []byte) any { return append([]byte{}, v...) })
	case *plumbv1.Values_Timestamps:
		return mapped(kind.Timestamps.GetMicros(), func(v int64) any { return shortTime(store.Instant(v)) })
	case *plumbv1.Values_Arrays:
		return arrayValues(kind.Arrays)
	}
	return nil
}

func arrayValues(arrays *plumbv1.ArrayValues) []any {
	elements := rowValues(arrays.GetElements())
	for i, null := range arrays.GetNulls() {
		if null == 1 {
			elements[i] = nil
		}
	}
	rows := make([]any, len(arrays.GetLengths()))
	for i, length := range arrays.GetLengths() {
		rows[i] = append([]any{}, elements[:length]...) // An empty array is not null.
		elements = elements[length:]
	}
	return rows
}

func mapped[T any](values []T, to func(T) any) []any {
	all := make([]any, len(values))
	for i, value := range values {
		all[i] = to(value)
	}
	return all
}

// finite returns the number, or the name of what JSON has no number for.
func finite[T float32 | float64](value T) any {
	switch wide := float64(value); {
	case math.IsNaN(wide):
		return "NaN"
	case math.IsInf(wide, 1):
		return "Infinity"
	case math.IsInf(wide, -1):
		return "-Infinity"
	}
	return value
}

// cell is a JSON value as a cell of a table: text that can be read stands as it is.
func cell(value any) string {
	switch value := value.(type) {
	case nil:
		return "-"
	case string:
		unreadable := func(r rune) bool { return !unicode.IsPrint(r) }
		if value != "" && value != "-" && !strings.ContainsFunc(value, unreadable) {
			return value
		}
	}
	var text bytes.Buffer
	if err := writeJSON(&text, value); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(text.String())
}
