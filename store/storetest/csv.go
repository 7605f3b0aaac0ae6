package storetest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/plumbstore/plumb/feature"
)

// csvText is a label cell read from CSV. A CSV column has whatever type all of its text allows.
type csvText string

// labelTable is the label file as a join must hand it back: untouched (R6).
func (w *World) labelTable(question Question, path string) (*Table, error) {
	if !strings.HasSuffix(path, ".csv") {
		return readTable(path)
	}
	table := &Table{}
	for _, column := range question.Labels.Columns {
		table.Names = append(table.Names, column.Name)
		table.Types = append(table.Types, column.Form)
	}
	for row := range question.Labels.rows() {
		var values []any
		for _, column := range question.Labels.Columns {
			v := column.Values[row]
			switch v := v.(type) {
			case nil:
				values = append(values, nil)
			case string:
				values = append(values, csvText(v))
			case []any:
				values = append(values, csvText(jsonCell(column.Form, v)))
			default:
				values = append(values, csvText(strings.Trim(csvCell(column.Form, v), `"`)))
			}
		}
		table.Rows = append(table.Rows, values)
	}
	return table, nil
}

// sameText says whether a value is what the text says, in the value's own type.
func sameText(value, want any) bool {
	text, ok := want.(csvText)
	if !ok {
		return false
	}
	switch v := value.(type) {
	case string:
		return v == string(text)
	case feature.Instant:
		return slices.ContainsFunc([]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999"}, func(layout string) bool {
			t, err := time.Parse(layout, string(text))
			return err == nil && feature.InstantOf(t) == v
		})
	case float64:
		parsed, err := strconv.ParseFloat(string(text), 64)
		return err == nil && SameValue(Canonical(parsed), Canonical(v))
	}
	return value != nil && fmt.Sprint(value) == string(text)
}

// csvDifferences compares a result in CSV. Outputs are parsed back as their types; of label columns, which keep their
// own types, texts are compared, and otherwise what is null.
func csvDifferences(got, labels, answer *Table) []string {
	names := slices.Concat(labels.Names, answer.Names)
	if !slices.Equal(got.Names, names) {
		return []string{fmt.Sprintf("columns are %q, want %q", got.Names, names)}
	}
	if len(got.Rows) != len(answer.Rows) {
		return []string{fmt.Sprintf("%d rows, want %d", len(got.Rows), len(answer.Rows))}
	}
	var found []string
	for row := range got.Rows {
		for i, value := range got.Rows[row] {
			at := i - len(labels.Names)
			if at < 0 {
				if want := labels.Rows[row][i]; !sameLabelText(labels.Types[i], value, want) {
					found = append(found, fmt.Sprintf("row %d label column %q is %s, want %s", row, names[i], Show(value), Show(want)))
				}
				continue
			}
			parsed, err := fromText(answer.Types[at], value)
			if want := Canonical(answer.Rows[row][at]); err != nil || !SameValue(parsed, want) {
				found = append(found, fmt.Sprintf("row %d column %q is %s (%v), want %s", row, names[i], Show(value), err,
					Show(want)))
			}
		}
	}
	return found
}

func sameLabelText(form arrow.DataType, got, want any) bool {
	if text, ok := want.(csvText); ok {
		return got == string(text)
	}
	if text, ok := want.(string); ok && form.ID() == arrow.STRING {
		return got == text
	}
	return (got == nil) == (want == nil)
}

// fromText reads an output's text: bytes are base64, times RFC 3339, arrays JSON of these.
func fromText(form arrow.DataType, cell any) (any, error) {
	if cell == nil {
		return nil, nil
	}
	text := cell.(string)
	switch form.ID() {
	case arrow.BOOL:
		return strconv.ParseBool(text)
	case arrow.INT32:
		v, err := strconv.ParseInt(text, 10, 32)
		return int32(v), err
	case arrow.INT64:
		return strconv.ParseInt(text, 10, 64)
	case arrow.FLOAT32:
		v, err := strconv.ParseFloat(text, 32)
		return Canonical(float32(v)), err
	case arrow.FLOAT64:
		v, err := strconv.ParseFloat(text, 64)
		return Canonical(v), err
	case arrow.BINARY:
		return base64.StdEncoding.DecodeString(text)
	case arrow.TIMESTAMP:
		t, err := time.Parse(time.RFC3339Nano, text)
		return feature.InstantOf(t), err
	case arrow.LIST:
		return fromJSON(form.(*arrow.ListType).Elem(), text)
	}
	return text, nil
}

func fromJSON(element arrow.DataType, text string) (any, error) {
	var parts []json.RawMessage
	if err := json.Unmarshal([]byte(text), &parts); err != nil {
		return nil, err
	}
	elements := []any{}
	for _, part := range parts {
		var cell any
		var unquoted string
		if err := json.Unmarshal(part, &unquoted); err == nil && string(part) != "null" {
			cell = unquoted
		} else if string(part) != "null" {
			cell = string(part)
		}
		v, err := fromText(element, cell)
		if err != nil {
			return nil, err
		}
		elements = append(elements, v)
	}
	return elements, nil
}
